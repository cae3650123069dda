import { isObject, type Json } from './json.ts';
import type { Message } from './json-rpc.ts';

/** Shorter texts are written anew as quickly as they are looked for. */
const MIN_CHARS = 65_536;
/** Of a text in which more than every so many-th character has to be looked at, nothing is kept. */
const CHARS_PER_STEP = 64;
/** Nested deeper, a value may be refused: that is found out by writing it. */
const MAX_DEPTH = 500;

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** From the first character of a value to the one behind its last. */
interface Span {
  readonly from: number;
  readonly to: number;
}

const texts = new WeakMap<object, string>();

/** The text a long part of a result was parsed from; undefined where none was kept. */
export function verbatim(value: Json | undefined): string | undefined {
  return typeof value === 'object' && value !== null ? texts.get(value) : undefined;
}

/**
 * Keeps what the long parts of a response's result were parsed from, so that what only passes through needs not be written
 * anew (docs/decisions/0032). The text must be valid JSON: the very one that the message is.
 */
export function keepVerbatim(message: Message, text: string): void {
  if (text.length < MIN_CHARS || 'method' in message || !isObject(message.result)) return;
  const { result } = message;
  // Of members of one name the last one counts, as it does for who parses.
  for (const [name, { from, to }] of membersOfResult(text)) {
    if (to - from >= MIN_CHARS) keep(result[name], text.slice(from, to));
  }
}

function membersOfResult(text: string): Iterable<[string, Span]> {
  const result = new Walk(text).members(text.indexOf('{'))?.get('result');
  return (result && new Walk(text).members(result.from)) ?? [];
}

function keep(value: Json | undefined, text: string): void {
  if (typeof value !== 'object' || value === null) return;
  // Laid out over several lines it would break what is framed by lines.
  if (!text.includes('\n') && !text.includes('\r')) texts.set(value, text);
}

/** A look at the outlines of a JSON text, which is given up where it would take long. */
class Walk {
  readonly #text: string;
  #stepsLeft: number;

  constructor(text: string) {
    this.#text = text;
    this.#stepsLeft = text.length / CHARS_PER_STEP;
  }

  /** The members of the object that begins here; undefined when given up. */
  members(from: number): ReadonlyMap<string, Span> | undefined {
    const spans = new Map<string, Span>();
    let at = this.#next(from + 1);
    while (this.#text.charCodeAt(at) === QUOTE) {
      const name = { from: at, to: this.#endOfString(at) };
      const colon = this.#next(name.to);
      if (this.#text.charCodeAt(colon) !== COLON) return undefined;
      const value = this.#next(colon + 1);
      const to = this.#endOfValue(value);
      if (this.#stepsLeft <= 0) return undefined;
      spans.set(JSON.parse(this.#text.slice(name.from, name.to)) as string, { from: value, to });
      at = this.#next(to);
      if (this.#text.charCodeAt(at) === COMMA) at = this.#next(at + 1);
    }
    return this.#text.charCodeAt(at) === CLOSE_BRACE ? spans : undefined;
  }

  /** The next character that is no white space. */
  #next(from: number): number {
    let at = from;
    while (this.#text.charCodeAt(at) <= 0x20) at += this.#step();
    return at;
  }

  /** One, while there is time; behind the end of the text when there is none. */
  #step(): number {
    this.#stepsLeft -= 1;
    return this.#stepsLeft > 0 ? 1 : this.#text.length;
  }

  #endOfValue(from: number): number {
    const first = this.#text.charCodeAt(from);
    if (first === QUOTE) return this.#endOfString(from);
    if (first === OPEN_BRACE || first === OPEN_BRACKET) return this.#endOfNested(from);
    let at = from;
    while (!isEnd(this.#text.charCodeAt(at))) at += this.#step();
    return at;
  }

  #endOfNested(from: number): number {
    let depth = 0;
    let at = from;
    while (at < this.#text.length && this.#stepsLeft > 0) {
      const code = this.#text.charCodeAt(at);
      if (code === OPEN_BRACE || code === OPEN_BRACKET) depth += 1;
      else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) depth -= 1;
      at = code === QUOTE ? this.#endOfString(at) : at + this.#step();
      if (depth === 0) return at;
      if (depth > MAX_DEPTH) this.#stepsLeft = 0;
    }
    return at;
  }

  /** Behind the quote that ends the string which begins here. */
  #endOfString(from: number): number {
    this.#stepsLeft -= 1;
    let end = this.#text.indexOf('"', from + 1);
    while (end !== -1 && this.#isEscaped(end)) end = this.#text.indexOf('"', end + this.#step());
    return end === -1 ? this.#text.length : end + 1;
  }

  #isEscaped(at: number): boolean {
    let before = at - 1;
    while (this.#text.charCodeAt(before) === BACKSLASH) before -= this.#step();
    return (at - before) % 2 === 0;
  }
}

/** Whether a number, or a word, ends before this character. */
function isEnd(code: number): boolean {
  return code === COMMA || code === CLOSE_BRACE || code === CLOSE_BRACKET || !(code > 0x20);
}
