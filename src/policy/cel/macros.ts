import type { ASTNode } from '@marcbachmann/cel-js';
import type { Compiler } from './compile.ts';
import { Unsuited, type Evaluate, type Frame } from './part.ts';
import {
  and,
  FAILED,
  Failure,
  FALSE,
  isList,
  isMap,
  or,
  outcomesOf,
  resultOf,
  TRUE,
  Unknown,
  type CelValue,
  type Result,
} from './value.ts';

type Method = Extract<ASTNode, { op: 'rcall' }>;

/** A macro at work: what it runs over, and what it evaluates for each item. */
interface Loop {
  readonly range: Evaluate;
  /** Index of the item among the locals of a frame. */
  readonly slot: number;
  readonly body: Evaluate;
  /** Work of one round, in units of fuel. */
  readonly cost: number;
}

/** Units for each node of a body in each round. */
const NODE = 4;

const MACROS: ReadonlyMap<string, (loop: Loop, frame: Frame) => Result> = new Map([
  ['all/2', (loop, frame) => quantified(loop, frame, { join: and, start: TRUE, end: FALSE })],
  ['exists/2', (loop, frame) => quantified(loop, frame, { join: or, start: FALSE, end: TRUE })],
  ['exists_one/2', existsOne],
  ['filter/2', filtered],
  ['map/2', mapped],
]);

/** Whether a method call is one of the macros of CEL that run over a list or the keys of a map. */
export function isMacro({ args: [name, , given] }: Method): boolean {
  return MACROS.has(`${name}/${given.length}`) || isFilteringMap(name, given);
}

/** A macro. Each round of it spends fuel, so that nested ones may not multiply beyond what a decision may cost. */
export function compileMacro(compiler: Compiler, { args: [name, range, given] }: Method): Evaluate {
  const [variable, ...bodies] = given;
  if (variable?.op !== 'id')
    throw new Unsuited(`The first argument of ${name}() has to be the name of a variable.`);
  const over = compiler.compile(range);
  if (isFilteringMap(name, given)) {
    const kept = loopOf(compiler, over, variable.args, bodies[0]);
    return macro('map/2', loopOf(compiler, macro('filter/2', kept), variable.args, bodies[1]));
  }
  return macro(`${name}/${given.length}`, loopOf(compiler, over, variable.args, bodies[0]));
}

/** `map(item, condition, value)`. */
function isFilteringMap(name: string, given: readonly ASTNode[]): boolean {
  return name === 'map' && given.length === 3;
}

function loopOf(
  compiler: Compiler,
  range: Evaluate,
  variable: string,
  node: ASTNode | undefined,
): Loop {
  if (node === undefined) throw new Unsuited('A macro needs a body.');
  return compiler.within(variable, (slot) => ({
    range,
    slot,
    body: compiler.compile(node),
    cost: weightOf(node) * NODE,
  }));
}

function macro(key: string, loop: Loop): Evaluate {
  const run = MACROS.get(key);
  if (run === undefined) throw new Unsuited(`${key} is no macro.`);
  return (frame) => run(loop, frame);
}

/** Number of nodes of a tree, which is what evaluating it once may cost apart from the size of what it is about. */
function weightOf(node: unknown): number {
  if (Array.isArray(node)) return node.reduce<number>((sum, each) => sum + weightOf(each), 0);
  const isNode = typeof node === 'object' && node !== null && 'op' in node && 'args' in node;
  return isNode ? 1 + weightOf(node.args) : 0;
}

function itemsOf({ range }: Loop, frame: Frame): readonly CelValue[] | Failure | Unknown {
  const value = range(frame);
  if (value instanceof Failure || value instanceof Unknown) return value;
  if (isList(value)) return value;
  if (!isMap(value)) return new Failure('macros run over lists and maps');
  const keys = Object.keys(value);
  frame.fuel.spendKeys(keys.length);
  return keys;
}

function round(loop: Loop, frame: Frame, item: CelValue): Result {
  frame.fuel.spend(loop.cost);
  frame.locals[loop.slot] = item;
  return loop.body(frame);
}

interface Quantifier {
  readonly join: (left: number, right: number) => number;
  readonly start: number;
  readonly end: number;
}

function quantified(loop: Loop, frame: Frame, { join, start, end }: Quantifier): Result {
  const items = itemsOf(loop, frame);
  if (!isItems(items)) return items;
  let outcomes = start;
  let failed: Result = null;
  for (const item of items) {
    const result = round(loop, frame, item);
    const one = outcomesOf(result);
    if (one === FAILED && failed === null) failed = result;
    outcomes = join(outcomes, one);
    if (outcomes === end) break;
  }
  return resultOf(outcomes, failed);
}

function existsOne(loop: Loop, frame: Frame): Result {
  const found = filtered(loop, frame);
  return isItems(found) ? found.length === 1 : found;
}

/** What cannot be evaluated for one item fails the whole, here and in `map`. */
function filtered(loop: Loop, frame: Frame): CelValue[] | Failure | Unknown {
  const items = itemsOf(loop, frame);
  if (!isItems(items)) return items;
  const kept: CelValue[] = [];
  let isKnown = true;
  for (const item of items) {
    const result = round(loop, frame, item);
    const outcomes = outcomesOf(result);
    if (outcomes === FAILED) return resultOf(FAILED, result) as Failure;
    if (outcomes === TRUE) kept.push(item);
    else if (outcomes !== FALSE) isKnown = false;
  }
  return isKnown ? kept : Unknown.any;
}

function mapped(loop: Loop, frame: Frame): Result {
  const items = itemsOf(loop, frame);
  if (!isItems(items)) return items;
  const made: CelValue[] = [];
  let isKnown = true;
  for (const item of items) {
    const result = round(loop, frame, item);
    if (result instanceof Failure) return result;
    if (result instanceof Unknown) isKnown = false;
    else made.push(result);
  }
  return isKnown ? made : Unknown.any;
}

function isItems(items: readonly CelValue[] | Failure | Unknown): items is readonly CelValue[] {
  return !(items instanceof Failure) && !(items instanceof Unknown);
}
