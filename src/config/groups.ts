import type { App } from './app-settings.ts';
import type { ConfigFile } from './config-file.ts';
import { didYouMean } from './nearest.ts';
import type { Path } from './tree.ts';

interface Reference {
  readonly name: string;
  readonly path: Path;
}

interface Lists {
  readonly allow?: readonly string[] | undefined;
  readonly block?: readonly string[] | undefined;
}

/** Reports tool groups that share a name, and permissions that name a group nobody defines. */
export function checkGroups(file: ConfigFile, app: App): void {
  // With the section itself in error, every reference would look wrong.
  if (app.toolGroups === undefined && (file.value['toolGroups'] ?? null) !== null) return;
  const known = groupNames(file, app.toolGroups ?? []);
  for (const { name, path } of references(app.permissions)) {
    if (!known.has(name))
      file.error(path, `No tool group is named "${name}".${didYouMean(name, known)}`);
  }
}

function groupNames(file: ConfigFile, groups: NonNullable<App['toolGroups']>): Set<string> {
  const places = new Map<string, number>();
  for (const [index, { name }] of groups.entries()) {
    const earlier = places.get(name);
    if (earlier === undefined) {
      places.set(name, index);
      continue;
    }
    const line = file.line(['toolGroups', earlier, 'name']);
    file.error(
      ['toolGroups', index, 'name'],
      `"${name}" names the group of line ${line} too; rename one of them.`,
    );
  }
  return new Set(places.keys());
}

function references(permissions: App['permissions']): Reference[] {
  if (permissions === undefined) return [];
  const consumers = Object.entries(permissions.consumers ?? {});
  const clients = Object.entries(permissions.clientNames ?? {});
  return [
    ...inLists(permissions.default, ['permissions', 'default']),
    ...consumers.flatMap(([name, rule]) => {
      const path = ['permissions', 'consumers', name];
      return [...inLists(rule, path), ...inLists(rule.profiles, [...path, 'profiles'])];
    }),
    ...clients.flatMap(([name, rule]) => inLists(rule, ['permissions', 'clientNames', name])),
  ];
}

function inLists(lists: Lists | undefined, path: Path): Reference[] {
  return (['allow', 'block'] as const).flatMap((key) =>
    (lists?.[key] ?? []).map((name, index) => ({ name, path: [...path, key, index] })),
  );
}
