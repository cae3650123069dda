import type { Json } from '../kernel/json.ts';

/** Where something stands inside a file: keys and list indexes from the top. */
export type Path = readonly (string | number)[];

/** One key of a map with its value; repeated keys are all kept. */
export interface Pair {
  readonly key: string;
  readonly offset: number;
  readonly value: Tree;
}

/** A parsed file that still knows at which offset each part stands. */
export type Tree =
  | { readonly kind: 'map'; readonly offset: number; readonly pairs: readonly Pair[] }
  | { readonly kind: 'list'; readonly offset: number; readonly items: readonly Tree[] }
  | {
      readonly kind: 'scalar';
      readonly offset: number;
      readonly value: string | number | boolean | null;
    };

/** The plain value of a tree; of repeated keys the last one counts. */
export function toJson(tree: Tree): Json {
  switch (tree.kind) {
    case 'map':
      // fromEntries defines own properties, so that a key named __proto__ stays data.
      return Object.fromEntries(tree.pairs.map(({ key, value }) => [key, toJson(value)]));
    case 'list':
      return tree.items.map((item) => toJson(item));
    case 'scalar':
      return tree.value;
  }
}

/** Offset of the part a path names, or of the innermost part around it that exists. */
export function offsetOf(tree: Tree, path: Path, at: 'key' | 'value'): number {
  let here = tree;
  let keyOffset = tree.offset;
  for (const step of path) {
    const next = stepInto(here, step);
    if (next === undefined) return keyOffset;
    [here, keyOffset] = [next.value, next.offset];
  }
  return at === 'value' && here.kind === 'scalar' ? here.offset : keyOffset;
}

/** Every key that stands more than once in the same map, with its first place. */
export function repeatedKeys(
  tree: Tree,
  path: Path = [],
): { path: Path; first: Pair; again: Pair }[] {
  if (tree.kind === 'scalar') return [];
  if (tree.kind === 'list')
    return tree.items.flatMap((item, index) => repeatedKeys(item, [...path, index]));
  const seen = new Map<string, Pair>();
  return tree.pairs.flatMap((pair) => {
    const here = [...path, pair.key];
    const first = seen.get(pair.key);
    if (first === undefined) seen.set(pair.key, pair);
    const inside = repeatedKeys(pair.value, here);
    return first === undefined ? inside : [{ path: here, first, again: pair }, ...inside];
  });
}

/** Where a key of one name stands, anywhere in a tree. */
export function keyPaths(tree: Tree, key: string, path: Path = []): Path[] {
  if (tree.kind === 'scalar') return [];
  if (tree.kind === 'list')
    return tree.items.flatMap((item, index) => keyPaths(item, key, [...path, index]));
  return tree.pairs.flatMap((pair) => {
    const here = [...path, pair.key];
    const inside = keyPaths(pair.value, key, here);
    return pair.key === key ? [here, ...inside] : inside;
  });
}

/** A path as people write it: `mcpServers.memory.args[0]`. */
export function pathText(path: Path): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`;
    if (!/^[\w$-]+$/.test(step)) return `${text}[${JSON.stringify(step)}]`;
    return text === '' ? step : `${text}.${step}`;
  }, '');
}

function stepInto(tree: Tree, step: string | number): { value: Tree; offset: number } | undefined {
  if (tree.kind === 'map') return tree.pairs.findLast((pair) => pair.key === String(step));
  if (tree.kind !== 'list' || typeof step !== 'number') return undefined;
  const item = tree.items[step];
  return item === undefined ? undefined : { value: item, offset: item.offset };
}
