import type { ASTNode, ASTOperator } from '@marcbachmann/cel-js';
import { ROOTS, type Root } from './environment.ts';
import type { Fuel } from './fuel.ts';
import { Unsuited, type Evaluate, type Frame } from './part.ts';
import { FUNCTIONS, METHODS, type Native } from './functions.ts';
import { compileMacro, isMacro } from './macros.ts';
import { BINARY } from './operators.ts';
import { compilePattern, find } from './patterns.ts';
import {
  and,
  FAILED,
  Failure,
  FALSE,
  isList,
  isMap,
  not,
  or,
  outcomesOf,
  resultOf,
  TRUE,
  Unknown,
  type CelValue,
  type Result,
} from './value.ts';

type NodeOf<Op extends ASTOperator> = Extract<ASTNode, { op: Op }>;

/**
 * Turns the syntax tree of a condition into functions. The library that parses it could evaluate it too, but not as
 * policy needs it: with arguments that are not known yet (a list shows what some arguments would be permitted), with the
 * work counted while it is done (fuel.ts), over JSON as it came, and so that nothing of JavaScript can be reached.
 */
export class Compiler {
  /** Variables the condition uses: with the field where it is a known one, such as `claims.team`. */
  readonly mentions: Set<string> = new Set();
  readonly #locals: string[] = [];

  compile(node: ASTNode): Evaluate {
    const { op } = node;
    if (Object.hasOwn(BINARY, op)) return compileBinary(this, node as NodeOf<'=='>);
    const compile = COMPILERS[op] as ((compiler: Compiler, node: ASTNode) => Evaluate) | undefined;
    if (compile === undefined) throw new Unsuited(`${op} is not available in conditions.`);
    return compile(this, node);
  }

  /** What is compiled with a variable of a macro in place, and where its value has to be put. */
  within<T>(name: string, compile: (slot: number) => T): T {
    if (isRoot(name))
      throw new Unsuited(`"${name}" is a variable already; call that of the macro something else.`);
    const slot = this.#locals.push(name) - 1;
    const compiled = compile(slot);
    this.#locals.pop();
    return compiled;
  }

  variable(name: string, field?: string): Evaluate {
    const slot = this.#locals.lastIndexOf(name);
    if (slot !== -1) return ({ locals }) => locals[slot] ?? null;
    if (!isRoot(name)) throw new Unsuited(`There is no variable "${name}"; ${KNOWN}.`);
    this.mentions.add(field === undefined ? name : `${name}.${field}`);
    return ({ roots }) => roots.root(name);
  }

  /** The part a field is read of; the field is kept with the variable it is a field of. */
  owner(node: ASTNode, field: string | undefined): Evaluate {
    return node.op === 'id' ? this.variable(node.args, field) : this.compile(node);
  }
}

const GLOBAL: Readonly<Record<string, true>> = Object.fromEntries(
  ROOTS.map((name) => [name, true as const]),
);
const KNOWN = `conditions have ${ROOTS.slice(0, -1).join(', ')} and ${ROOTS.at(-1) ?? ''}`;

function isRoot(name: string): name is Root {
  return Object.hasOwn(GLOBAL, name);
}

const COMPILERS: {
  readonly [Op in ASTOperator]?: (compiler: Compiler, node: NodeOf<Op>) => Evaluate;
} = {
  value: (_, { args }) => constant(literalOf(args)),
  id: (compiler, { args }) => compiler.variable(args),
  '.': compileField,
  '[]': compileIndex,
  '&&': (compiler, { args: [left, right] }) =>
    logical({
      left: compiler.compile(left),
      right: compiler.compile(right),
      join: and,
      end: FALSE,
    }),
  '||': (compiler, { args: [left, right] }) =>
    logical({ left: compiler.compile(left), right: compiler.compile(right), join: or, end: TRUE }),
  '!_': (compiler, { args }) => negation(compiler.compile(args)),
  '-_': (compiler, { args }) => strict1(compiler.compile(args), negated),
  '?:': (compiler, { args: [condition, yes, no] }) =>
    choice(compiler.compile(condition), compiler.compile(yes), compiler.compile(no)),
  list: (compiler, { args }) => listOf(args.map((item) => compiler.compile(item))),
  map: (compiler, { args }) => compileMap(compiler, args),
  call: compileCall,
  rcall: compileMethod,
};

function constant(value: CelValue): Evaluate {
  return () => value;
}

function literalOf(value: NodeOf<'value'>['args']): CelValue {
  if (value === null || typeof value !== 'object') return value;
  throw new Unsuited('Bytes and unsigned numbers are not available in conditions.');
}

/** A part over one other part: fails where that fails, is unknown where that is. */
function strict1(operand: Evaluate, apply: (value: CelValue, fuel: Fuel) => Result): Evaluate {
  return (frame) => {
    const value = operand(frame);
    if (value instanceof Failure) return value;
    return value instanceof Unknown ? Unknown.any : apply(value, frame.fuel);
  };
}

/** A part over two others; where one of them fails, it fails whatever the other turns out to be. */
function strict2(
  left: Evaluate,
  right: Evaluate,
  apply: (left: CelValue, right: CelValue, fuel: Fuel) => Result,
): Evaluate {
  return (frame) => {
    const first = left(frame);
    if (first instanceof Failure) return first;
    const second = right(frame);
    if (second instanceof Failure) return second;
    if (first instanceof Unknown || second instanceof Unknown) return Unknown.any;
    return apply(first, second, frame.fuel);
  };
}

/** Values of several parts, or what keeps them from being values. */
function valuesOf(parts: readonly Evaluate[], frame: Frame): CelValue[] | Failure | Unknown {
  const values: CelValue[] = [];
  let isKnown = true;
  for (const part of parts) {
    const value = part(frame);
    if (value instanceof Failure) return value;
    if (value instanceof Unknown) isKnown = false;
    else values.push(value);
  }
  return isKnown ? values : Unknown.any;
}

function compileBinary(compiler: Compiler, { op, args: [left, right] }: NodeOf<'=='>): Evaluate {
  return strict2(compiler.compile(left), compiler.compile(right), BINARY[op]);
}

function compileField(compiler: Compiler, { args: [owner, field] }: NodeOf<'.'>): Evaluate {
  const missing = new Failure(`${textOf(owner)} has no "${field}"`);
  return strict1(compiler.owner(owner, field), (value) => fieldOf(value, field, missing));
}

function compileIndex(compiler: Compiler, { args: [owner, index] }: NodeOf<'[]'>): Evaluate {
  const missing = new Failure(`${textOf(owner)} has no item ${textOf(index)}`);
  const key = index.op === 'value' && typeof index.args === 'string' ? index.args : undefined;
  return strict2(compiler.owner(owner, key), compiler.compile(index), (value, at) => {
    if (typeof at === 'string') return fieldOf(value, at, missing);
    if ((typeof at !== 'number' && typeof at !== 'bigint') || !isList(value)) return missing;
    const found = value[Number(at)];
    return found === undefined ? missing : found;
  });
}

/** Only what a map has itself: nothing of JavaScript is a key. */
function fieldOf(value: CelValue, field: string, missing: Failure): Result {
  const found = isMap(value) && Object.hasOwn(value, field) ? value[field] : undefined;
  return found === undefined ? missing : found;
}

function textOf({ input, start, end }: ASTNode): string {
  return input.slice(start, end);
}

interface Logical {
  readonly left: Evaluate;
  readonly right: Evaluate;
  readonly join: (left: number, right: number) => number;
  /** The outcome of the left side that decides alone. */
  readonly end: number;
}

function logical({ left, right, join, end }: Logical): Evaluate {
  return (frame) => {
    const first = left(frame);
    const sooner = outcomesOf(first);
    if (sooner === end) return first;
    const second = right(frame);
    return resultOf(join(sooner, outcomesOf(second)), sooner === FAILED ? first : second);
  };
}

function negation(operand: Evaluate): Evaluate {
  return (frame) => {
    const value = operand(frame);
    return resultOf(not(outcomesOf(value)), value);
  };
}

function negated(value: CelValue): Result {
  if (typeof value === 'number' || typeof value === 'bigint') return -value;
  return new Failure('only a number has an opposite');
}

function choice(condition: Evaluate, yes: Evaluate, no: Evaluate): Evaluate {
  return (frame) => {
    const chosen = condition(frame);
    const outcomes = outcomesOf(chosen);
    if (outcomes === TRUE) return yes(frame);
    if (outcomes === FALSE) return no(frame);
    if (outcomes === FAILED) return resultOf(FAILED, chosen);
    let possible = outcomes & FAILED;
    for (const [outcome, branch] of [[TRUE, yes] as const, [FALSE, no] as const]) {
      if ((outcomes & outcome) === 0) continue;
      const value = branch(frame);
      const isTruth = typeof value === 'boolean' || value instanceof Failure;
      possible |= isTruth ? outcomesOf(value) : Unknown.any.outcomes;
    }
    return resultOf(possible, chosen);
  };
}

function listOf(items: readonly Evaluate[]): Evaluate {
  return (frame) => valuesOf(items, frame);
}

function compileMap(compiler: Compiler, entries: NodeOf<'map'>['args']): Evaluate {
  const keys = entries.map(([key]) => {
    if (key.op === 'value' && typeof key.args === 'string') return key.args;
    throw new Unsuited('The keys of a map written in a condition have to be text.');
  });
  const values = entries.map(([, value]) => compiler.compile(value));
  return (frame) => {
    const found = valuesOf(values, frame);
    if (!Array.isArray(found)) return found;
    return Object.fromEntries(keys.map((key, index) => [key, found[index] ?? null]));
  };
}

function compileCall(compiler: Compiler, { args: [name, given] }: NodeOf<'call'>): Evaluate {
  if (name === 'has' && given.length === 1) return compileHas(compiler, given[0]);
  return native(
    FUNCTIONS,
    name,
    given.map((each) => compiler.compile(each)),
  );
}

/** Whether a map has a key; a map that is not known may have it or not, and cannot fail. */
function compileHas(compiler: Compiler, node: ASTNode | undefined): Evaluate {
  if (node?.op !== '.') throw new Unsuited('has() asks for a field, such as has(args.path).');
  const [owner, field] = node.args;
  const holder = compiler.owner(owner, field);
  const unsure = new Unknown(owner.op === 'id' ? TRUE | FALSE : TRUE | FALSE | FAILED);
  return (frame) => {
    const value = holder(frame);
    if (value instanceof Failure) return value;
    if (value instanceof Unknown) return unsure;
    if (isMap(value)) return Object.hasOwn(value, field) && value[field] !== undefined;
    return new Failure(`has() asks for "${field}" of what has no fields`);
  };
}

function compileMethod(compiler: Compiler, node: NodeOf<'rcall'>): Evaluate {
  if (isMacro(node)) return compileMacro(compiler, node);
  const [name, receiver, given] = node.args;
  const [first] = given;
  const isPattern = name === 'matches' && given.length === 1 && first?.op === 'value';
  if (isPattern && typeof first.args === 'string')
    return matching(compiler.compile(receiver), first.args);
  return native(
    METHODS,
    name,
    [receiver, ...given].map((each) => compiler.compile(each)),
    1,
  );
}

function matching(text: Evaluate, source: string): Evaluate {
  const pattern = compilePattern(source);
  if (pattern instanceof Failure) throw new Unsuited(`In the condition ${pattern.why}.`);
  return strict1(text, (value, fuel) =>
    typeof value === 'string' ? find(pattern, value, fuel) : new Failure('matches() is for text'),
  );
}

function native(
  table: ReadonlyMap<string, Native>,
  name: string,
  parts: readonly Evaluate[],
  receivers = 0,
): Evaluate {
  const apply = table.get(`${name}/${parts.length - receivers}`);
  if (apply === undefined) throw unsuitedCall(table, name);
  const [first, second] = parts;
  if (parts.length === 2 && first !== undefined && second !== undefined)
    return nativeOfTwo(apply, first, second);
  return (frame) => {
    const values = valuesOf(parts, frame);
    return Array.isArray(values) ? apply(values, frame.fuel) : values;
  };
}

/** Most calls are of two values, and rules are many: the place they are handed over in is made once. */
function nativeOfTwo(apply: Native, left: Evaluate, right: Evaluate): Evaluate {
  const values: CelValue[] = [null, null];
  return (frame) => {
    const first = left(frame);
    if (first instanceof Failure) return first;
    const second = right(frame);
    if (second instanceof Failure) return second;
    if (first instanceof Unknown || second instanceof Unknown) return Unknown.any;
    values[0] = first;
    values[1] = second;
    const result = apply(values, frame.fuel);
    // Arguments are not kept longer than their call.
    values[0] = null;
    values[1] = null;
    return result;
  };
}

function unsuitedCall(table: ReadonlyMap<string, Native>, name: string): Unsuited {
  const isKnown = [...table.keys()].some((key) => key.startsWith(`${name}/`));
  if (isKnown)
    return new Unsuited(`${name}() takes another number of arguments; correct the call.`);
  return new Unsuited(`There is no function ${name}() here; ${AVAILABLE}.`);
}

const AVAILABLE = `conditions have ${[
  ...new Set([...FUNCTIONS.keys(), ...METHODS.keys()].map((key) => key.split('/')[0])),
  'has',
  'all',
  'exists',
  'exists_one',
  'filter',
  'map',
].join(', ')}`;
