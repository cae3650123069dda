import { RE2JS, RE2JSException } from 're2js';
import type { Fuel } from './fuel.ts';
import { Failure, type Result } from './value.ts';

const MAX_PATTERN_CHARS = 1_000;
const MAX_KEPT = 100;

/** Units for each character of a pattern that is compiled; repetitions are expanded then. */
const COMPILING = 20_000;

/** A pattern of a size above this may drive the matcher out of its fast engine on purpose. */
const LARGE = 64;

const kept = new Map<string, RE2JS | Failure>();

/** A regular expression of RE2, which matches in linear time whatever it says; a Failure for what is none. */
export function compilePattern(text: string): RE2JS | Failure {
  if (text.length > MAX_PATTERN_CHARS)
    return new Failure(`a pattern is longer than ${MAX_PATTERN_CHARS} characters`);
  try {
    return RE2JS.compile(text);
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error;
    return new Failure(`"${text}" is no pattern of RE2: ${error.message}`);
  }
}

/** Whether a pattern, known beforehand, is found in a text. */
export function find(pattern: RE2JS, text: string, fuel: Fuel): boolean {
  const size = pattern.programSize();
  fuel.spend(text.length * (size > LARGE ? size * 7 : Math.max(2, size >> 1)));
  return pattern.test(text);
}

/** Whether a pattern that may have come with the arguments is found in a text. */
export function findDynamic(pattern: string, text: string, fuel: Fuel): Result {
  let compiled = kept.get(pattern);
  if (compiled === undefined) {
    fuel.spend(pattern.length * COMPILING);
    compiled = compilePattern(pattern);
    // Callers may choose the patterns: what is kept of them must not grow.
    if (kept.size >= MAX_KEPT) kept.clear();
    kept.set(pattern, compiled);
  }
  if (compiled instanceof Failure) return compiled;
  fuel.spend(text.length * compiled.programSize() * 7);
  return compiled.test(text);
}
