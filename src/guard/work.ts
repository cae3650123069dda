import { isObject, type Json } from '../kernel/json.ts';
import type { Pattern } from './pattern.ts';

/** Thrown when the work allowed for one check is used up. */
class WorkExceeded extends Error {}

const CHARS_PER_UNIT = 16;
const STEPS_PER_UNIT = 2;
const UNITS_PER_TEXT = 4;

/**
 * The work of one check, counted while it goes on. How often a schema looks at a value depends on both, and can double with
 * every level of either; no bound on the schema alone would tell harmless recursion from the harmful kind. A unit is a value
 * compared, 16 characters counted or two steps of a pattern: 25 to 150 ns.
 */
export class Work {
  #left = 0;

  /** Does what spends work; undefined when it would have been more than so many units. */
  within<Result>(units: number, act: () => Result): Result | undefined {
    this.#left = units;
    try {
      return act();
    } catch (error) {
      // A schema that refers to itself without end uses up the stack before the work.
      if (error instanceof WorkExceeded || error instanceof RangeError) return undefined;
      throw error;
    }
  }

  spend(units: number): void {
    this.#left -= units;
    if (this.#left < 0) throw new WorkExceeded();
  }
}

/** Units it takes to go over a value, not counting what lies below it. */
export function sizeOf(value: Json): number {
  if (typeof value === 'string') return value.length / CHARS_PER_UNIT;
  return typeof value === 'object' && value !== null ? Object.keys(value).length : 0;
}

/** A pattern whose matches are work. */
export class CountedPattern {
  readonly #pattern: Pattern;
  readonly #work: Work;

  constructor(pattern: Pattern, work: Work) {
    this.#pattern = pattern;
    this.#work = work;
  }

  test(text: string): boolean {
    this.#work.spend(1 + (text.length * this.#pattern.size) / STEPS_PER_UNIT);
    return this.#pattern.test(text);
  }

  /** The compiler takes patterns with the same text for the same. */
  toString(): string {
    return this.#pattern.toString();
  }
}

/** Whether no two items are equal. */
export function areUnique(items: readonly Json[], work: Work): boolean {
  const texts = new Set(items.map((item) => textOf(item, work)));
  return texts.size === items.length;
}

/** The same text for equal values, whatever the order of their keys. */
function textOf(value: Json, work: Work): string {
  work.spend(UNITS_PER_TEXT + sizeOf(value));
  if (Array.isArray(value)) return `[${value.map((item) => textOf(item, work)).join()}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const entries = Object.entries(value).map(
    ([key, item = null]) => `${JSON.stringify(key)}:${textOf(item, work)}`,
  );
  return `{${entries.sort().join()}}`;
}
