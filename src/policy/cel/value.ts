/** A value of CEL: whole numbers are bigint, other numbers and those of JSON are number. */
export type CelValue = null | boolean | number | bigint | string | readonly CelValue[] | CelMap;

/** A map of CEL; only its own keys are keys. */
export interface CelMap {
  readonly [key: string]: CelValue | undefined;
}

/** What a part of a condition comes to. */
export type Result = CelValue | Failure | Unknown;

/** A part of a condition that cannot be evaluated, and why. */
export class Failure {
  readonly why: string;

  constructor(why: string) {
    this.why = why;
  }
}

/** Possible outcomes of a condition, as bits: it is true, it is false, it cannot be evaluated. */
export const TRUE = 1;
export const FALSE = 2;
export const FAILED = 4;
const ANY = 7;

/** A part of a condition that depends on what is not known, with the outcomes it may have. */
export class Unknown {
  /** May come to anything. */
  static readonly any: Unknown = new Unknown(ANY);
  readonly outcomes: number;

  constructor(outcomes: number) {
    this.outcomes = outcomes;
  }
}

const UNKNOWNS: readonly Unknown[] = Array.from({ length: 8 }, (_, bits) => new Unknown(bits));
const NO_TRUTH = new Failure('a part of it is neither true nor false');

/** The outcomes of a part where a truth value is needed. */
export function outcomesOf(result: Result): number {
  if (result === true) return TRUE;
  if (result === false) return FALSE;
  return result instanceof Unknown ? result.outcomes : FAILED;
}

/** The part that has some outcomes; the reason is that of the part that failed, where one did. */
export function resultOf(outcomes: number, failed: Result): boolean | Failure | Unknown {
  if (outcomes === TRUE) return true;
  if (outcomes === FALSE) return false;
  if (outcomes === FAILED) return failed instanceof Failure ? failed : NO_TRUTH;
  return UNKNOWNS[outcomes] ?? Unknown.any;
}

/** Outcomes of `a && b`: a false side decides, also when the other one cannot be evaluated (CEL, logical operators). */
export function and(left: number, right: number): number {
  const fails = fail(left, right, TRUE);
  return (left & right & TRUE) | ((left | right) & FALSE) | fails;
}

/** Outcomes of `a || b`: a true side decides, also when the other one cannot be evaluated. */
export function or(left: number, right: number): number {
  const fails = fail(left, right, FALSE);
  return ((left | right) & TRUE) | (left & right & FALSE) | fails;
}

/** Outcomes of `!a`. */
export function not(outcomes: number): number {
  return ((outcomes & TRUE) << 1) | ((outcomes & FALSE) >> 1) | (outcomes & FAILED);
}

/** A side that fails shows where the other one fails too or has the value that does not decide. */
function fail(left: number, right: number, open: number): number {
  const shows = FAILED | open;
  const leftFails = (left & FAILED) !== 0 && (right & shows) !== 0;
  const rightFails = (right & FAILED) !== 0 && (left & shows) !== 0;
  return leftFails || rightFails ? FAILED : 0;
}

/** Tells a map from lists, null and scalars. */
export function isMap(value: CelValue): value is CelMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Tells a list. */
export function isList(value: CelValue): value is readonly CelValue[] {
  return Array.isArray(value);
}
