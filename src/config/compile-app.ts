import type { z } from 'zod';
import type { JsonObject } from '../kernel/json.ts';
import type { AppDraft } from './app-draft.ts';
import { APP } from './app-settings.ts';
import type { ConfigFile } from './config-file.ts';
import { reportIssues } from './issues.ts';
import { checkRestartOrder } from './restart-order.ts';
import { keyPaths } from './tree.ts';

/** The settings of app.yaml; a section with an error is reported and read as if it were absent. */
export function compileApp(file: ConfigFile): AppDraft {
  refuseLostKeys(file);
  const draft = checkedSections(file);
  checkRestartOrder(file, ['upstreams'], draft.app.upstreams);
  return draft;
}

// Checks of mappings leave this key out: what stands under it would silently not hold.
function refuseLostKeys(file: ConfigFile): void {
  for (const path of keyPaths(file.tree, '__proto__')) {
    file.error(path, 'Nothing can be named "__proto__"; give another name.', 'key');
  }
}

function checkedSections(file: ConfigFile): AppDraft {
  // A section whose lines are all comments is left without a value.
  const value = without(file.value, (key) => file.value[key] === null);
  const parsed = APP.safeParse(value, { jitless: true });
  if (parsed.success) return { file, app: parsed.data, broken: new Set() };
  const { issues } = parsed.error;
  reportIssues({ file, path: [], value }, APP, issues);
  const broken = new Set(issues.flatMap((issue) => sectionsOf(issue)));
  const sound = without(value, (key) => broken.has(key));
  return { file, app: APP.parse(sound, { jitless: true }), broken };
}

function sectionsOf(issue: z.core.$ZodIssue): PropertyKey[] {
  const [section] = issue.path;
  if (section !== undefined) return [section];
  return issue.code === 'unrecognized_keys' ? issue.keys : [];
}

function without(object: JsonObject, isLeftOut: (key: string) => boolean): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !isLeftOut(key)));
}
