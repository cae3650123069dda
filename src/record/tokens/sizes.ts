import type { Json, JsonObject } from '../../kernel/json.ts';
import type { Encoding } from './encodings.ts';
import { estimateTokens } from './estimate.ts';
import type { Texts } from './texts.ts';

/** Values of one object that are looked at. */
const MAX_VALUES = 2000;
/** Characters that a number, true, false or null has in JSON, about. */
const SCALAR_CHARS = 5;
/** Quotes, colons, commas, brackets. */
const CHARS_AROUND = 3;
const TOKENS_PER_SCALAR = 2;
const TOKENS_AROUND = 1;

/** Whether texts are at most so many bytes long; never costs more than looking at so many characters does. */
export function isWithin({ args, parts, isCut }: Texts, maxBytes: number): boolean {
  if (isCut) return false;
  const budget = new Budget(maxBytes);
  return (args === undefined || budget.takes(args)) && parts.every((part) => budget.takes(part));
}

/** Characters of what a model wrote, and of what it reads, each with about as many around them as JSON has. */
export interface Chars {
  readonly arguments: number;
  readonly result: number;
}

/** How long texts are; undefined where that is not known whole. */
export function charsOf({ args, parts, list, isCut }: Texts): Chars | undefined {
  if (isCut || list !== undefined) return undefined;
  const written = new Budget(UNBOUNDED);
  if (args !== undefined && !written.takes(args)) return undefined;
  const read = new Budget(UNBOUNDED);
  for (const part of parts) if (!read.takes(part)) return undefined;
  return { arguments: written.spent, result: read.spent };
}

/** More than any text has. */
const UNBOUNDED = 2 ** 40;

/** UTF-16 units have at most three bytes each in UTF-8. */
const MAX_BYTES_PER_CHAR = 3;
const MAX_DEPTH = 200;

class Budget {
  readonly #whole: number;
  #left: number;

  constructor(bytes: number) {
    this.#whole = bytes;
    this.#left = bytes;
  }

  get spent(): number {
    return this.#whole - this.#left;
  }

  /** Takes a value's JSON text, or a text, off; false once there is not enough left. */
  takes(value: Json | undefined, depth = 0): boolean {
    if (typeof value === 'string') return this.#takesText(value);
    const isInner = typeof value === 'object' && value !== null;
    this.#left -= isInner ? CHARS_AROUND : SCALAR_CHARS;
    if (this.#left < 0 || depth > MAX_DEPTH) return false;
    return !isInner || this.#takesInner(value, depth + 1);
  }

  #takesInner(value: Json[] | JsonObject, depth: number): boolean {
    if (Array.isArray(value)) return value.every((item) => this.takes(item, depth));
    for (const key in value)
      if (!this.#takesText(key) || !this.takes(value[key], depth)) return false;
    return true;
  }

  #takesText(text: string): boolean {
    const { length } = text;
    const isSure = length * MAX_BYTES_PER_CHAR <= this.#left;
    const bytes = isSure || length > this.#left ? length : Buffer.byteLength(text);
    this.#left -= bytes;
    return this.#left >= 0;
  }
}

/** Tokens that are estimated: what a model wrote, and what it reads. */
export interface Estimate {
  readonly arguments: number;
  readonly result: number;
}

/** About how many tokens texts have; `resultChars` tells how much there is where not everything is looked at. */
export function estimateTexts(
  { args, parts, list, isCut }: Texts,
  encoding: Encoding,
  resultChars: number | undefined,
): Estimate {
  const written = new Rough(encoding);
  if (args !== undefined) written.add(args);
  const read = new Rough(encoding);
  for (const part of parts) read.addPart(part);
  if (list !== undefined) read.addPart(list);
  const isWhole = !isCut && read.isWhole;
  const scale = isWhole ? 1 : Math.max(1, (resultChars ?? 0) / Math.max(1, read.chars));
  return {
    arguments: Math.round(written.tokens),
    result: Math.round(read.tokens * scale),
  };
}

class Rough {
  tokens = 0;
  chars = 0;
  isWhole = true;
  readonly #encoding: Encoding;
  #values = 0;

  constructor(encoding: Encoding) {
    this.#encoding = encoding;
  }

  /** A text, or an object whose JSON text counts. */
  addPart(part: string | JsonObject): void {
    if (typeof part === 'string') this.#addText(part);
    else this.add(part);
  }

  add(value: Json | undefined): void {
    this.#values += 1;
    if (this.#values > MAX_VALUES) {
      this.isWhole = false;
      return;
    }
    this.chars += CHARS_AROUND;
    this.tokens += TOKENS_AROUND;
    if (typeof value === 'string') this.#addText(value);
    else if (typeof value !== 'object' || value === null) {
      this.chars += SCALAR_CHARS;
      this.tokens += TOKENS_PER_SCALAR;
    } else this.#addInner(value);
  }

  #addInner(value: Json[] | JsonObject): void {
    if (Array.isArray(value)) {
      for (const item of value) {
        if (!this.isWhole) break;
        this.add(item);
      }
      return;
    }
    for (const key in value) {
      if (!this.isWhole) break;
      this.#addText(key);
      this.add(value[key]);
    }
  }

  #addText(text: string): void {
    this.chars += text.length;
    this.tokens += estimateTokens(text, this.#encoding);
  }
}
