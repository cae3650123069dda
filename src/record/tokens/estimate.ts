import type { Encoding } from './encodings.ts';

/** Kinds of characters that make tokens in ways of their own. */
const KINDS = {
  letter: 0,
  capital: 1,
  accented: 2,
  digit: 3,
  space: 4,
  lineEnd: 5,
  mark: 6,
  greekOrCyrillic: 7,
  han: 8,
  kana: 9,
  hangul: 10,
  semitic: 11,
  indic: 12,
  symbol: 13,
  half: 14,
} as const;

type Kind = keyof typeof KINDS;

/** Ranges of UTF-16 units by kind; what is in none is a symbol. Later rows win. */
const RANGES: readonly (readonly [from: number, to: number, kind: Kind])[] = [
  [0x00, 0x1f, 'lineEnd'],
  [0x20, 0x20, 'space'],
  [0x21, 0x7f, 'mark'],
  [0x30, 0x39, 'digit'],
  [0x41, 0x5a, 'capital'],
  [0x61, 0x7a, 'letter'],
  [0xc0, 0x24f, 'accented'],
  [0x300, 0x36f, 'accented'],
  [0x370, 0x52f, 'greekOrCyrillic'],
  [0x530, 0x8ff, 'semitic'],
  [0x900, 0x1dff, 'indic'],
  [0x1e00, 0x1eff, 'accented'],
  [0x3040, 0x30ff, 'kana'],
  [0x3400, 0x9fff, 'han'],
  [0xac00, 0xd7af, 'hangul'],
  [0xd800, 0xdfff, 'half'],
];

/** Tokens that a run of characters of one kind begins with, and those that each character adds. */
interface Rates {
  readonly run: Readonly<Partial<Record<Kind, number>>>;
  readonly each: Readonly<Partial<Record<Kind, number>>>;
}

/** Measured against the encodings on prose, code, JSON, logs and hashes in some thirty languages. */
const NEWER: Rates = {
  run: { lineEnd: 0.9, mark: 0.2 },
  each: {
    accented: 1,
    mark: 0.33,
    greekOrCyrillic: 0.36,
    han: 0.8,
    kana: 0.65,
    hangul: 0.75,
    semitic: 0.45,
    indic: 0.42,
    symbol: 0.6,
    half: 1.1,
  },
};

const OLDER: Rates = {
  run: { lineEnd: 1, mark: 0.15 },
  each: {
    accented: 1.5,
    mark: 0.33,
    greekOrCyrillic: 0.58,
    han: 1.15,
    kana: 0.95,
    hangul: 1.25,
    semitic: 0.95,
    indic: 1.1,
    symbol: 0.8,
    half: 1.6,
  },
};

// Latin words and numbers, of either encoding.
const PER_WORD = 1.07;
const LETTERS_OF_A_WORD = 6;
const PER_FURTHER_LETTER = 0.36;
const PER_THREE_DIGITS = 1.3;
/** Of a run that is no word: a hash, base64, an identifier with digits. */
const PER_MIXED_CHARACTER = 0.68;
const MIXED_FROM = 8;
const NO_WORD_FROM = 25;

const SLICES = 8;
const SLICE_CHARS = 512;
const MAX_SAMPLE = SLICES * SLICE_CHARS;

/** About how many tokens a text has, from a sample of at most 4096 characters of it. */
export function estimateTokens(text: string, encoding: Encoding): number {
  if (text.length <= MAX_SAMPLE) return Math.round(tokensIn(text, encoding));
  let sampled = 0;
  const step = (text.length - SLICE_CHARS) / (SLICES - 1);
  for (let slice = 0; slice < SLICES; slice += 1) {
    const start = Math.floor(slice * step);
    sampled += tokensIn(text.slice(start, start + SLICE_CHARS), encoding);
  }
  return Math.round((sampled * text.length) / MAX_SAMPLE);
}

let kinds: Uint8Array | undefined;

function kindTable(): Uint8Array {
  if (kinds !== undefined) return kinds;
  kinds = new Uint8Array(0x1_00_00).fill(KINDS.symbol);
  for (const [from, to, kind] of RANGES) kinds.fill(KINDS[kind], from, to + 1);
  return kinds;
}

function asArray(rates: Rates['run']): Float64Array {
  const array = new Float64Array(Object.keys(KINDS).length);
  for (const [kind, rate] of Object.entries(rates)) array[KINDS[kind as Kind]] = rate;
  return array;
}

const NEWER_ARRAYS = { run: asArray(NEWER.run), each: asArray(NEWER.each) };
const OLDER_ARRAYS = { run: asArray(OLDER.run), each: asArray(OLDER.each) };

function tokensIn(text: string, encoding: Encoding): number {
  const { run, each } = encoding.startsWith('o200k') ? NEWER_ARRAYS : OLDER_ARRAYS;
  const table = kindTable();
  let tokens = 0;
  let word = NO_WORD;
  let before = -1;
  for (let at = 0; at < text.length; at += 1) {
    const kind = table[text.charCodeAt(at)] ?? KINDS.symbol;
    tokens += each[kind] ?? 0;
    if (kind <= KINDS.digit) word = extended(word, kind, before);
    else if (before !== kind) {
      tokens += (run[kind] ?? 0) + wordTokens(word);
      word = NO_WORD;
    }
    before = kind;
  }
  return tokens + wordTokens(word);
}

/** A run of letters and digits, packed into a number: hundreds of them are looked at for one text. */
const NO_WORD = 0;
const LETTER = 1;
const DIGIT = 2 ** 13;
const HUMP = 2 ** 26;

function extended(word: number, kind: number, before: number): number {
  if (kind === KINDS.digit) return word + DIGIT;
  // A capital after a small letter begins another word.
  return word + LETTER + (kind === KINDS.capital && before === KINDS.letter ? HUMP : 0);
}

function wordTokens(word: number): number {
  if (word === NO_WORD) return 0;
  const letters = word % DIGIT;
  const digits = Math.floor(word / DIGIT) % DIGIT;
  const length = letters + digits;
  const isMixed = letters > 0 && digits > 0 && length >= MIXED_FROM;
  if (isMixed || (letters > 0 && length >= NO_WORD_FROM)) return length * PER_MIXED_CHARACTER;
  const words = letters === 0 ? 0 : 1 + Math.floor(word / HUMP);
  const further = Math.max(0, letters - words * LETTERS_OF_A_WORD);
  const numbers = Math.ceil(digits / 3) * PER_THREE_DIGITS;
  return words * PER_WORD + further * PER_FURTHER_LETTER + numbers;
}
