import type { z } from 'zod';
import type { JsonObject } from '../kernel/json.ts';
import { APP, type App } from './app-settings.ts';
import type { ConfigFile } from './config-file.ts';
import { checkGroups } from './groups.ts';
import { reportIssues } from './issues.ts';
import { checkRestartOrder } from './restart-order.ts';

/** The settings of app.yaml; a section with an error is reported and read as if it were absent. */
export function compileApp(file: ConfigFile): App {
  const app = checkedSections(file);
  checkRestartOrder(file, ['upstreams'], app.upstreams);
  checkGroups(file, app);
  return app;
}

function checkedSections(file: ConfigFile): App {
  // A section whose lines are all comments is left without a value.
  const value = without(file.value, (key) => file.value[key] === null);
  const parsed = APP.safeParse(value, { jitless: true });
  if (parsed.success) return parsed.data;
  const { issues } = parsed.error;
  reportIssues({ file, path: [], value }, APP, issues);
  const broken = new Set(issues.flatMap((issue) => sectionsOf(issue)));
  return APP.parse(
    without(value, (key) => broken.has(key)),
    { jitless: true },
  );
}

function sectionsOf(issue: z.core.$ZodIssue): PropertyKey[] {
  const [section] = issue.path;
  if (section !== undefined) return [section];
  return issue.code === 'unrecognized_keys' ? issue.keys : [];
}

function without(object: JsonObject, isLeftOut: (key: string) => boolean): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !isLeftOut(key)));
}
