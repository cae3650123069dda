import type { BinaryOperator } from '@marcbachmann/cel-js';
import type { Fuel } from './fuel.ts';
import { asInt } from './functions.ts';
import { Failure, isList, isMap, type CelMap, type CelValue, type Result } from './value.ts';

type Binary = (left: CelValue, right: CelValue, fuel: Fuel) => Result;

/** Nobody compares what is nested deeper by hand, and comparing it would take the stack. */
const MAX_DEPTH = 64;

/** The binary operators, over values that are known. */
export const BINARY: Readonly<Record<BinaryOperator, Binary>> = {
  '==': (left, right, fuel) => equal(left, right, fuel),
  '!=': (left, right, fuel) => !equal(left, right, fuel),
  in: isIn,
  '<': ordered((order) => order < 0),
  '<=': ordered((order) => order <= 0),
  '>': ordered((order) => order > 0),
  '>=': ordered((order) => order >= 0),
  '+': add,
  '-': arithmetic(
    (a, b) => asInt(a - b),
    (a, b) => a - b,
  ),
  '*': arithmetic(
    (a, b) => asInt(a * b),
    (a, b) => a * b,
  ),
  '/': arithmetic(
    (a, b) => (b === 0n ? BY_ZERO : asInt(a / b)),
    (a, b) => a / b,
  ),
  '%': arithmetic((a, b) => (b === 0n ? BY_ZERO : a % b), remainder),
};

const BY_ZERO = new Failure('something is divided by zero');

/** Whether two values are the same; numbers by their value, whichever kind they are. */
export function equal(left: CelValue, right: CelValue, fuel: Fuel, depth = 0): boolean {
  if (left === right) {
    if (typeof left === 'string') fuel.spendText(left.length);
    return true;
  }
  if (isNumber(left) && isNumber(right)) return order(left, right) === 0;
  return isHolder(left) && isHolder(right) && equalHolders(left, right, fuel, depth + 1);
}

function equalHolders(left: Holder, right: Holder, fuel: Fuel, depth: number): boolean {
  fuel.spend(2);
  // Spends all there is: a comparison that is given up must not count as unequal.
  if (depth > MAX_DEPTH) fuel.spend(Infinity);
  if (isList(left)) return isList(right) && equalLists(left, right, fuel, depth);
  return !isList(right) && equalMaps(left, right, fuel, depth);
}

type Holder = readonly CelValue[] | CelMap;

function isHolder(value: CelValue): value is Holder {
  return typeof value === 'object' && value !== null;
}

function equalLists(
  left: readonly CelValue[],
  right: readonly CelValue[],
  fuel: Fuel,
  depth: number,
): boolean {
  if (left.length !== right.length) return false;
  fuel.spend(left.length);
  return left.every((item, index) => equal(item, right[index] ?? null, fuel, depth));
}

function equalMaps(left: CelMap, right: CelMap, fuel: Fuel, depth: number): boolean {
  const keys = Object.keys(left);
  // Listed on both sides, and looked up on one.
  fuel.spendKeys(keys.length * 3);
  if (keys.length !== Object.keys(right).length) return false;
  return keys.every(
    (key) => Object.hasOwn(right, key) && equal(left[key] ?? null, right[key] ?? null, fuel, depth),
  );
}

function isIn(item: CelValue, holder: CelValue, fuel: Fuel): Result {
  if (isMap(holder)) return typeof item === 'string' && Object.hasOwn(holder, item);
  if (!isList(holder)) return new Failure('"in" looks into lists and maps');
  fuel.spend(holder.length);
  return holder.some((each) => equal(item, each, fuel));
}

function isNumber(value: CelValue): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint';
}

/** Below, above or equal to zero; not a number where there is no order. */
function order(left: number | bigint | string, right: number | bigint | string): number {
  if (left < right) return -1;
  if (left > right) return 1;
  // oxlint-disable-next-line eqeqeq -- Numbers of both kinds compare by value.
  return left == right ? 0 : Number.NaN;
}

function ordered(test: (order: number) => boolean): Binary {
  return (left, right, fuel) => {
    if (isNumber(left) && isNumber(right)) return test(order(left, right));
    if (typeof left !== 'string' || typeof right !== 'string')
      return new Failure('only two numbers or two texts have an order');
    fuel.spendText(Math.min(left.length, right.length));
    return test(order(left, right));
  };
}

function arithmetic(
  whole: (left: bigint, right: bigint) => Result,
  other: (left: number, right: number) => Result,
): Binary {
  return (left, right) => {
    if (!isNumber(left) || !isNumber(right))
      return new Failure('only numbers can be reckoned with');
    if (typeof left === 'bigint' && typeof right === 'bigint') return whole(left, right);
    return other(Number(left), Number(right));
  };
}

function remainder(left: number, right: number): Result {
  if (!Number.isInteger(left) || !Number.isInteger(right))
    return new Failure('only whole numbers have a remainder');
  return right === 0 ? BY_ZERO : left % right;
}

const sum = arithmetic(
  (a, b) => asInt(a + b),
  (a, b) => a + b,
);

function add(left: CelValue, right: CelValue, fuel: Fuel): Result {
  if (typeof left === 'string' && typeof right === 'string') {
    fuel.spendText(left.length + right.length);
    return left + right;
  }
  if (isList(left) && isList(right)) {
    fuel.spend(left.length + right.length);
    return [...left, ...right];
  }
  return sum(left, right, fuel);
}
