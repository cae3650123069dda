import { readFile } from 'node:fs/promises';

import { BytePairs } from './byte-pairs.ts';
import { RankTable } from './rank-table.ts';

/** Encodings that tokens are counted with. */
export const ENCODINGS = [
  'o200k_base',
  'o200k_harmony',
  'cl100k_base',
  'p50k_base',
  'p50k_edit',
  'r50k_base',
] as const;

/** Name of an encoding. */
export type Encoding = (typeof ENCODINGS)[number];

/** The encoding of models whose own is not known. */
export const USUAL_ENCODING: Encoding = 'o200k_base';

// How each encoding cuts a text into pieces, as its definition has it (openai/tiktoken, openai_public.py).
const ENDINGS = String.raw`'(?:[sS]|[dD]|[mM]|[tT]|[lL][lL]|[vV][eE]|[rR][eE])`;
const UPPER = String.raw`\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}`;
const LOWER = String.raw`\p{Ll}\p{Lm}\p{Lo}\p{M}`;
const R50K = /'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;
const CL100K = new RegExp(
  String.raw`${ENDINGS}|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
  'gu',
);
const O200K = new RegExp(
  [
    String.raw`[^\r\n\p{L}\p{N}]?[${UPPER}]*[${LOWER}]+(?:${ENDINGS})?`,
    String.raw`[^\r\n\p{L}\p{N}]?[${UPPER}]+[${LOWER}]*(?:${ENDINGS})?`,
    String.raw`\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
  ].join('|'),
  'gu',
);

interface Definition {
  readonly pattern: RegExp;
  /** File of its ranks, a token and its rank a line. */
  readonly file: string;
}

const O200K_BASE: Definition = { pattern: O200K, file: 'o200k_base.tiktoken' };
const P50K_BASE: Definition = { pattern: R50K, file: 'p50k_base.tiktoken' };

/** Encodings that differ in special tokens alone count alike: those are text here. */
const DEFINITIONS: Readonly<Record<Encoding, Definition>> = {
  o200k_base: O200K_BASE,
  o200k_harmony: O200K_BASE,
  cl100k_base: { pattern: CL100K, file: 'cl100k_base.tiktoken' },
  p50k_base: P50K_BASE,
  p50k_edit: P50K_BASE,
  r50k_base: { pattern: R50K, file: 'r50k_base.tiktoken' },
};

const loaded = new Map<Definition, Promise<BytePairs>>();

/** An encoding, loaded at its first use: the largest takes about 0.1 s and 10 MB. */
export function loadEncoding(name: Encoding): Promise<BytePairs> {
  const definition = DEFINITIONS[name];
  const pairs = loaded.get(definition) ?? load(definition);
  loaded.set(definition, pairs);
  return pairs;
}

/** Whether a name is that of an encoding. */
export function isEncoding(name: string | undefined): name is Encoding {
  return ENCODINGS.some((encoding) => encoding === name);
}

async function load({ pattern, file }: Definition): Promise<BytePairs> {
  const home = import.meta.resolve('gpt-tokenizer/package.json');
  return new BytePairs(RankTable.read(await readFile(new URL(`data/${file}`, home))), pattern);
}
