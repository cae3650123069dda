import { isObject, stringAt, type Json, type JsonObject } from '../kernel/json.ts';
import { keyKind, looksSecret, type KeyKind } from '../kernel/secrets.ts';

/** What stands where a secret was. */
export const REDACTED = '[redacted]';

const MAX_CHARS = 2048;
/** A credential that begins before the cut is found whole. */
const MARGIN_CHARS = 2048;
const MAX_DEPTH = 16;
const MAX_VALUES = 2000;
const MAX_ALL_CHARS = 65_536;
const TOO_MUCH = '[cut]';

/** Arguments as they may be kept. */
export interface Redacted {
  readonly value: JsonObject;
  /** Whether nothing was taken out and nothing was cut. */
  readonly isWhole: boolean;
}

/**
 * Arguments without what looks like a secret, by its key or by itself; long texts and large structures are cut. Depth,
 * number of values and characters are bounded, whatever a caller sends.
 */
export function redact(args: JsonObject): Redacted {
  const walk = new Walk();
  const value = walk.object(args, 0);
  return { value, isWhole: walk.isWhole };
}

class Walk {
  isWhole = true;
  #values = 0;
  #chars = 0;

  object(object: JsonObject, depth: number): JsonObject {
    const paired = pairedKey(object);
    const kept: [string, Json | undefined][] = [];
    for (const key in object) {
      if (this.#isFull()) break;
      const kind = key === paired ? 'secret' : keyKind(key);
      kept.push([this.#key(key), this.#member(kind, object[key] ?? null, depth)]);
    }
    // Unlike an assignment, this keeps a key such as `__proto__` a key.
    return Object.fromEntries(kept);
  }

  #member(kind: KeyKind, value: Json, depth: number): Json {
    // Neither tells a secret, and a decision may depend on them.
    const isHarmless = value === null || typeof value === 'boolean' || value === '';
    if (kind === 'plain' || isHarmless) return this.#value(value, depth);
    if (kind === 'countable' && typeof value === 'number') return value;
    this.#values += 1;
    return this.#instead(REDACTED);
  }

  #value(value: Json, depth: number): Json {
    this.#values += 1;
    if (typeof value === 'string') return this.#text(value);
    if (typeof value !== 'object' || value === null) return value;
    if (depth >= MAX_DEPTH) return this.#instead(TOO_MUCH);
    return isObject(value) ? this.object(value, depth + 1) : this.#list(value, depth + 1);
  }

  #list(list: readonly Json[], depth: number): Json[] {
    const kept: Json[] = [];
    for (const value of list) {
      if (this.#isFull()) break;
      kept.push(this.#value(value, depth));
    }
    return kept;
  }

  #text(text: string): string {
    this.#chars += Math.min(text.length, MAX_CHARS);
    if (looksSecret(text.length > MAX_CHARS ? text.slice(0, MAX_CHARS + MARGIN_CHARS) : text))
      return this.#instead(REDACTED);
    if (text.length <= MAX_CHARS) return text;
    return this.#instead(`${text.slice(0, MAX_CHARS)}… [cut: ${text.length} characters in all]`);
  }

  #key(key: string): string {
    this.#chars += key.length;
    if (key.length > MAX_CHARS) return this.#instead(TOO_MUCH);
    return looksSecret(key) ? this.#instead(REDACTED) : key;
  }

  #instead(text: string): string {
    this.isWhole = false;
    return text;
  }

  #isFull(): boolean {
    if (this.#values < MAX_VALUES && this.#chars < MAX_ALL_CHARS) return false;
    this.isWhole = false;
    return true;
  }
}

const NAMES = ['name', 'key', 'header'];

/** The key of the value in a pair such as `{ name: 'Authorization', value: '...' }`, where its name names a secret. */
function pairedKey(object: JsonObject): string | undefined {
  if (object['value'] === undefined) return undefined;
  const isSecret = NAMES.some((key) => {
    const name = stringAt(object, key);
    return name !== undefined && keyKind(name) !== 'plain';
  });
  return isSecret ? 'value' : undefined;
}
