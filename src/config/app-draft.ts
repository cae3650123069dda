import type { App } from './app-settings.ts';
import type { ConfigFile } from './config-file.ts';

/** app.yaml on its way to a plan. */
export interface AppDraft {
  readonly file: ConfigFile;
  readonly app: App;
  /** Keys at the top whose section has an error, and is read as if it were absent. */
  readonly broken: ReadonlySet<PropertyKey>;
}
