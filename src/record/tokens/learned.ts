import type { Entry } from '../../kernel/entry.ts';
import type { Encoding } from './encodings.ts';
import { charsOf, type Chars, type Estimate } from './sizes.ts';
import type { Texts } from './texts.ts';

/** What was counted of one target so far, the newest weighing most. */
interface Known {
  readonly tokens: { arguments: number; result: number };
  readonly chars: { arguments: number; result: number };
}

/** Targets that are remembered, for each of their callers; beyond it those not met lately go first. */
const MAX_TARGETS = 10_000;
/** Characters after which what is older weighs half. */
const HALF_LIFE_CHARS = 262_144;
/** Less than any text has that says something: blanks, of which a token may hold a hundred, must not make the next text free. */
const MIN_PER_CHAR = 0.1;

/**
 * How many tokens a character of the arguments and of the results of each target has, learned from what was counted exactly. A tool's
 * results resemble one another: for many calls a second this is nearer than a sample, and costs a look at their lengths. Learned for
 * each caller alone: what one has a tool read or answer must not change what others are charged.
 */
export class Learned {
  #young = new Map<string, Known>();
  #old = new Map<string, Known>();

  /** Learns from an exchange that was counted. */
  learn(entry: Entry, texts: Texts, counted: Estimate & { readonly encoding: Encoding }): void {
    const chars = charsOf(texts);
    if (chars === undefined) return;
    const known = this.#of(keyOf(entry, counted.encoding), true);
    add(known, 'arguments', chars, counted);
    add(known, 'result', chars, counted);
  }

  /** About how many tokens there are; undefined where nothing of the kind was counted before: none so long, for one. */
  estimate(entry: Entry, texts: Texts, encoding: Encoding, maxChars: number): Estimate | undefined {
    const known = this.#of(keyOf(entry, encoding), false);
    const chars = known && charsOf(texts);
    if (known === undefined || chars === undefined) return undefined;
    if (chars.arguments + chars.result > maxChars) return undefined;
    const written = scaled(known, 'arguments', chars);
    const read = scaled(known, 'result', chars);
    return written === undefined || read === undefined
      ? undefined
      : { arguments: written, result: read };
  }

  #of(key: string, isNew: true): Known;
  #of(key: string, isNew: boolean): Known | undefined;
  #of(key: string, isNew: boolean): Known | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const found = this.#old.get(key) ?? (isNew ? unknown() : undefined);
    if (found === undefined) return undefined;
    if (this.#young.size >= MAX_TARGETS / 2) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, found);
    return found;
  }
}

/** URIs are each another one: resources are known by their server. */
function keyOf({ method, upstream, kind, target, principal }: Entry, encoding: Encoding): string {
  const name = kind === 'tool' || kind === 'prompt' ? target : '';
  return `${encoding} ${method} ${upstream} ${name}\0${principal}`;
}

function unknown(): Known {
  return { tokens: { arguments: 0, result: 0 }, chars: { arguments: 0, result: 0 } };
}

function add(known: Known, side: keyof Estimate, chars: Chars, counted: Estimate): void {
  if (known.chars[side] > HALF_LIFE_CHARS) {
    known.chars[side] /= 2;
    known.tokens[side] /= 2;
  }
  known.chars[side] += chars[side];
  known.tokens[side] += counted[side];
}

function scaled(known: Known, side: keyof Estimate, chars: Chars): number | undefined {
  if (chars[side] === 0) return 0;
  if (known.chars[side] === 0) return undefined;
  const perChar = Math.max(MIN_PER_CHAR, known.tokens[side] / known.chars[side]);
  return Math.round(perChar * chars[side]);
}
