import { isWithin } from '../path-within.ts';
import type { Fuel } from './fuel.ts';
import { findDynamic } from './patterns.ts';
import { Failure, isList, isMap, type CelValue, type Result } from './value.ts';

/** A function over values that are all known; of a method the first is what it is called on. */
export type Native = (values: readonly CelValue[], fuel: Fuel) => Result;

const MAX_INT = 2n ** 63n - 1n;
const MIN_INT = -(2n ** 63n);
const WHOLE = /^-?\d{1,19}$/;

/** Functions by name and number of arguments. */
export const FUNCTIONS: ReadonlyMap<string, Native> = new Map<string, Native>([
  ['size/1', ([value], fuel) => sizeOf(value, fuel)],
  ['int/1', ([value]) => toInt(value)],
  ['double/1', ([value]) => toDouble(value)],
  ['string/1', ([value]) => toText(value)],
  ['bool/1', ([value]) => toBool(value)],
  ['dyn/1', ([value]) => value ?? null],
]);

/** Methods by name and number of arguments. */
export const METHODS: ReadonlyMap<string, Native> = new Map<string, Native>([
  ['size/0', ([value], fuel) => sizeOf(value, fuel)],
  ['startsWith/1', textual('startsWith', (text, start) => text.startsWith(start))],
  ['endsWith/1', textual('endsWith', (text, end) => text.endsWith(end))],
  ['contains/1', searching('contains', (text, part) => text.includes(part))],
  ['split/1', searching('split', splitText)],
  ['matches/1', textual('matches', (text, pattern, fuel) => findDynamic(pattern, text, fuel))],
  ['within/1', textual('within', within)],
  ['lowerAscii/0', textual('lowerAscii', (text) => text.replaceAll(/[A-Z]+/g, lower))],
  ['upperAscii/0', textual('upperAscii', (text) => text.replaceAll(/[a-z]+/g, upper))],
  ['trim/0', textual('trim', (text) => text.trim())],
]);

/** A whole number as CEL has them, of 64 bits. */
export function asInt(value: bigint): Result {
  return value > MAX_INT || value < MIN_INT ? new Failure('a whole number is too large') : value;
}

function lower(text: string): string {
  return text.toLowerCase();
}

function upper(text: string): string {
  return text.toUpperCase();
}

function textual(name: string, apply: (text: string, other: string, fuel: Fuel) => Result): Native {
  return (values, fuel) => {
    const text = values[0];
    const other = values.length > 1 ? values[1] : '';
    if (typeof text !== 'string' || typeof other !== 'string')
      return new Failure(`${name}() is for text`);
    fuel.spendText(text.length);
    return apply(text, other, fuel);
  };
}

function searching(
  name: string,
  apply: (text: string, part: string, fuel: Fuel) => Result,
): Native {
  return textual(name, (text, part, fuel) => {
    fuel.spendSearch(text, part);
    return apply(text, part, fuel);
  });
}

function splitText(text: string, separator: string, fuel: Fuel): Result {
  // Up to one part for each character.
  fuel.spend(text.length);
  return text.split(separator);
}

function within(path: string, folder: string, fuel: Fuel): Result {
  fuel.spend(path.length * 2 + folder.length * 2);
  return isWithin(path, folder);
}

/** Characters of a text, not units of UTF-16. */
function sizeOf(value: CelValue | undefined, fuel: Fuel): Result {
  if (typeof value === 'string') {
    fuel.spend(value.length);
    let characters = 0n;
    for (const _ of value) characters += 1n;
    return characters;
  }
  if (value === undefined || value === null || typeof value !== 'object')
    return new Failure('size() is for text, lists and maps');
  if (isList(value)) return BigInt(value.length);
  const { length } = Object.keys(value);
  fuel.spendKeys(length);
  return BigInt(length);
}

function toInt(value: CelValue | undefined): Result {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return asInt(BigInt(Math.trunc(value)));
  if (typeof value === 'string' && WHOLE.test(value)) return asInt(BigInt(value));
  return new Failure('int() was given what is no whole number');
}

function toDouble(value: CelValue | undefined): Result {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  const isText = typeof value === 'string' && value !== '' && value === value.trim();
  const number = isText && value.length <= MAX_NUMBER_CHARS ? Number(value) : Number.NaN;
  return Number.isNaN(number) ? new Failure('double() was given what is no number') : number;
}

const MAX_NUMBER_CHARS = 400;

function toText(value: CelValue | undefined): Result {
  if (value === undefined || value === null || isList(value) || isMap(value))
    return new Failure('string() is for numbers, truth values and text');
  return String(value);
}

function toBool(value: CelValue | undefined): Result {
  if (typeof value === 'boolean') return value;
  if (value === 'true') return true;
  return value === 'false' ? false : new Failure('bool() was given neither true nor false');
}
