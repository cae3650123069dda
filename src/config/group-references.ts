import type { AppDraft } from './app-draft.ts';
import type { App } from './app-settings.ts';
import { didYouMean } from './nearest.ts';
import type { Path } from './tree.ts';

interface Reference {
  readonly name: string;
  readonly path: Path;
}

interface Lists {
  readonly allow?: readonly string[] | undefined;
  readonly block?: readonly string[] | undefined;
  readonly toolGroups?: readonly string[] | undefined;
}

/** Reports permissions and rules that name a tool group nobody defines. */
export function checkGroupReferences({ file, app, broken }: AppDraft): void {
  // With the section itself in error, every reference would look wrong.
  if (broken.has('toolGroups')) return;
  const known = new Set((app.toolGroups ?? []).map(({ name }) => name));
  for (const { name, path } of [...inPermissions(app.permissions), ...inRules(app.rules)]) {
    if (!known.has(name))
      file.error(path, `No tool group is named "${name}".${didYouMean(name, known)}`);
  }
}

function inPermissions(permissions: App['permissions']): Reference[] {
  if (permissions === undefined) return [];
  const consumers = Object.entries(permissions.consumers ?? {});
  const clients = Object.entries(permissions.clientNames ?? {});
  return [
    ...inLists(permissions.default, ['permissions', 'default']),
    ...consumers.flatMap(([name, entry]) => {
      const path = ['permissions', 'consumers', name];
      return [...inLists(entry, path), ...inLists(entry.profiles, [...path, 'profiles'])];
    }),
    ...clients.flatMap(([name, entry]) => inLists(entry, ['permissions', 'clientNames', name])),
  ];
}

function inRules(rules: App['rules']): Reference[] {
  return (rules ?? []).flatMap((rule, index) => inLists(rule, ['rules', index]));
}

function inLists(lists: Lists | undefined, path: Path): Reference[] {
  return (['allow', 'block', 'toolGroups'] as const).flatMap((key) =>
    (lists?.[key] ?? []).map((name, index) => ({ name, path: [...path, key, index] })),
  );
}
