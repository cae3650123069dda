import type { App } from './app-settings.ts';
import type { ConfigFile } from './config-file.ts';
import { didYouMean } from './nearest.ts';
import { serverIn } from './target-text.ts';
import type { Path } from './tree.ts';

interface Reference {
  readonly name: string;
  readonly path: Path;
}

/** Warns of whatever app.yaml says about servers that nobody configured. */
export function checkServerReferences(file: ConfigFile, app: App, names: readonly string[]): void {
  const known = new Set(names.map((name) => name.toLowerCase()));
  for (const { name, path } of references(app)) {
    if (known.has(name.toLowerCase())) continue;
    file.warn(path, `No server is named "${name}".${didYouMean(name, names)}`);
  }
}

function references(app: App): Reference[] {
  return [
    ...inKeys(app.targetServerAttributes, ['targetServerAttributes']),
    ...(app.toolGroups ?? []).flatMap(({ services }, index) =>
      inKeys(services, ['toolGroups', index, 'services']),
    ),
    ...inKeys(app.toolExtensions?.services, ['toolExtensions', 'services']),
    ...inSelectors(app.rules ?? [], ['rules']),
    ...inSelectors(app.limits.rules, ['limits', 'rules']),
    ...inTests(app.tests ?? []),
  ];
}

function inKeys(record: object | undefined, path: Path): Reference[] {
  return Object.keys(record ?? {}).map((name) => ({ name, path: [...path, name] }));
}

interface Selecting {
  readonly servers?: readonly string[] | undefined;
  readonly tools?: readonly string[] | undefined;
  readonly prompts?: readonly string[] | undefined;
  readonly resources?: readonly string[] | undefined;
}

function inSelectors(items: readonly Selecting[], path: Path): Reference[] {
  return items.flatMap((item, index) => [
    ...(item.servers ?? []).flatMap((name, at) =>
      name.includes('*') ? [] : [{ name, path: [...path, index, 'servers', at] }],
    ),
    ...(['tools', 'prompts', 'resources'] as const).flatMap((key) =>
      inTargets(item[key] ?? [], [...path, index, key]),
    ),
  ]);
}

function inTests(tests: NonNullable<App['tests']>): Reference[] {
  return tests.flatMap((test, index) =>
    (['may', 'mayNot'] as const).flatMap((key) =>
      test[key].flatMap((item, at) => {
        const path = ['tests', index, key, at];
        if (typeof item === 'string') return inTargets([item], [], path);
        return (['tool', 'prompt', 'resource'] as const).flatMap((kind) =>
          inTargets(item[kind] === undefined ? [] : [item[kind]], [], [...path, kind]),
        );
      }),
    ),
  );
}

function inTargets(texts: readonly string[], list: Path, path?: Path): Reference[] {
  return texts.flatMap((text, index) => {
    const name = serverIn(text);
    return name === undefined ? [] : [{ name, path: path ?? [...list, index] }];
  });
}
