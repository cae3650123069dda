import { isAlias, isMap, isScalar, isSeq, parseDocument, type Alias, type Document } from 'yaml';
import type { Fault, Parse } from './config-file.ts';
import type { Pair, Tree } from './tree.ts';

const MAX_NODES = 100_000;

/** Parses YAML 1.2; a file without content is an empty mapping. */
export const parseYaml: Parse = (text) => {
  const document = parseDocument(text, { prettyErrors: false, uniqueKeys: false });
  const faults = [
    ...document.errors.map((error) => toFault('error', error)),
    ...document.warnings.map((warning) => toFault('warning', warning)),
  ];
  const isReadable = document.contents !== null && document.errors.length === 0;
  const tree = isReadable ? toTree({ document, faults, nodes: 0 }, document.contents) : EMPTY;
  return { tree: tree.kind === 'scalar' && tree.value === null ? EMPTY : tree, faults };
};

const EMPTY: Tree = { kind: 'map', offset: 0, pairs: [] };

interface Reading {
  readonly document: Document;
  readonly faults: Fault[];
  nodes: number;
}

function toFault(
  severity: Fault['severity'],
  error: { message: string; pos: [number, number] },
): Fault {
  // A password that begins with an exclamation mark is a tag here: what it says is not shown.
  const what = error.message.replace(
    /(tag): \S.*$/s,
    '$1; put a text that begins with "!" in quotes',
  );
  return { severity, offset: error.pos[0], message: `This is not valid YAML: ${what}.` };
}

function toTree(reading: Reading, node: unknown): Tree {
  // Aliases of aliases grow exponentially, and one that contains itself never ends.
  if (reading.nodes++ > MAX_NODES) throw new RangeError('too many nodes');
  if (isAlias(node)) return followAlias(reading, node);
  const offset = startOf(node);
  if (isMap(node)) {
    return {
      kind: 'map',
      offset,
      pairs: node.items.flatMap(({ key, value }) => toPair(reading, key, value)),
    };
  }
  if (isSeq(node))
    return { kind: 'list', offset, items: node.items.map((item) => toTree(reading, item)) };
  return { kind: 'scalar', offset, value: isScalar(node) ? plain(node.value) : null };
}

function toPair(reading: Reading, key: unknown, value: unknown): Pair[] {
  const offset = startOf(key);
  if (isScalar(key)) return [{ key: String(key.value), offset, value: toTree(reading, value) }];
  reading.faults.push({ severity: 'error', offset, message: 'Keys must be plain text here.' });
  return [];
}

function followAlias(reading: Reading, alias: Alias): Tree {
  const target = alias.resolve(reading.document);
  if (target !== undefined) return toTree(reading, target);
  const offset = startOf(alias);
  reading.faults.push({
    severity: 'error',
    offset,
    // It may be a password that begins with a star.
    message:
      'No anchor of this name stands before this alias; put a text that begins with "*" in quotes.',
  });
  return { kind: 'scalar', offset, value: null };
}

function startOf(node: unknown): number {
  const { range } = (node ?? {}) as { range?: readonly number[] | null };
  return range?.[0] ?? 0;
}

function plain(value: unknown): string | number | boolean | null {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return value;
  return value === null ? null : JSON.stringify(value);
}
