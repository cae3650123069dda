import type { AppDraft } from './app-draft.ts';
import { didYouMean } from './nearest.ts';
import type { Path } from './tree.ts';

interface Reference {
  readonly name: string;
  readonly path: Path;
}

/**
 * Warns of consumers and groups of limits and models that look misspelt. Keys, tokens and tags can name others than permissions
 * do, so a name that is like none of theirs is taken as it is.
 */
export function checkConsumerReferences(draft: AppDraft): void {
  const { app, broken } = draft;
  // With the section itself in error, every reference would look wrong.
  if (broken.has('permissions')) return;
  const entries = app.permissions?.consumers ?? {};
  const groups = Object.values(entries).flatMap((entry) => entry.consumerGroupKey ?? []);
  const consumers = new Set([...Object.keys(entries), ...groups]);
  const models = Object.keys(app.tokens.consumers).map((name) => ({
    name,
    path: ['tokens', 'consumers', name],
  }));
  warn(draft, 'consumer', [...inLimits(draft, 'consumers'), ...models], consumers);
  warn(draft, 'group of consumers', inLimits(draft, 'groups'), new Set(groups));
}

function inLimits({ app }: AppDraft, key: 'consumers' | 'groups'): Reference[] {
  return app.limits.rules.flatMap((limit, index) =>
    (limit[key] ?? []).map((name, at) => ({ name, path: ['limits', 'rules', index, key, at] })),
  );
}

function warn(
  { file }: AppDraft,
  kind: string,
  references: readonly Reference[],
  known: ReadonlySet<string>,
): void {
  for (const { name, path } of references) {
    if (name === '*' || known.has(name)) continue;
    const guess = didYouMean(
      name,
      [...known].filter((other) => !isNumberedLike(name, other)),
    );
    if (guess !== '') file.warn(path, `No ${kind} of permissions is named "${name}".${guess}`);
  }
}

/** Whether two names differ in their numbers alone, as those of agents do. */
function isNumberedLike(name: string, other: string): boolean {
  return name.replaceAll(/\d+/g, '') === other.replaceAll(/\d+/g, '');
}
