import { objectAt, type Json, type JsonObject } from '../kernel/json.ts';
import type { Target } from '../kernel/target.ts';
import type { CompiledSchema, compileSchema } from './compiled-schema.ts';

/** Characters and values that arguments may have together. */
const MAX_SIZE = 4_000_000;
const MAX_DEPTH = 64;
const TOO_LARGE = `The arguments are too large to be checked: at most ${MAX_SIZE} characters, nested ${MAX_DEPTH} deep. Send less.`;

const NONE: readonly string[] = [];

type Compile = typeof compileSchema;

/** Checks the arguments of calls against the schema that callers are shown (docs/rules.md R21). */
export class ArgumentsGuard {
  /** By input schema; a text says why there is none. */
  readonly #compiled = new WeakMap<JsonObject, CompiledSchema | string>();
  #compile: Compile | undefined;

  /**
   * What is wrong with a caller's arguments, in one sentence for the caller; undefined when nothing is. A promise only until
   * the compiler of schemas is loaded. A custom tool whose schema cannot be used cannot be called; of other tools the schema
   * is their server's affair.
   */
  check(
    target: Target,
    args: JsonObject | undefined,
  ): string | undefined | Promise<string | undefined> {
    const given = args ?? {};
    if (sizeWithin(given, MAX_SIZE, MAX_DEPTH) > MAX_SIZE) return TOO_LARGE;
    if (this.#compile !== undefined) return this.#problem(target, given, this.#compile);
    return this.#load().then((compile) => this.#problem(target, given, compile));
  }

  /** Most gateways customise nothing: what takes 50 ms to load is not loaded at their start. */
  async #load(): Promise<Compile> {
    const { compileSchema } = await import('./compiled-schema.ts');
    this.#compile = compileSchema;
    return compileSchema;
  }

  #problem(target: Target, args: JsonObject, compile: Compile): string | undefined {
    const schema = objectAt(target.shown ?? target.item, 'inputSchema');
    if (schema === undefined) return undefined;
    const compiled = this.#compiledOf(schema, target, compile);
    if (typeof compiled !== 'string') return compiled.problem(args);
    return target.shape === undefined
      ? undefined
      : `This custom tool cannot be called, for its input schema ${compiled}; ask the operator of this gateway.`;
  }

  #compiledOf(schema: JsonObject, { shape }: Target, compile: Compile): CompiledSchema | string {
    const present = this.#compiled.get(schema);
    if (present !== undefined) return present;
    const constraints = Object.values(shape?.params ?? {}).map((plan) => plan.constraints);
    const patterns = constraints.map((each) => each?.['pattern']);
    const binding = new Set(patterns.filter((each) => typeof each === 'string'));
    const compiled = compile(schema, binding);
    this.#compiled.set(schema, compiled);
    return compiled;
  }
}

/** The characters and values of something, counted no further than a bound, and over it for what is nested too deep. */
function sizeWithin(value: Json | undefined, bound: number, depth: number): number {
  if (typeof value === 'string') return value.length + 1;
  if (typeof value !== 'object' || value === null) return 1;
  if (depth === 0) return Infinity;
  let size = 1;
  const keys = Array.isArray(value) ? NONE : Object.keys(value);
  for (const key of keys) size += key.length;
  for (const below of Array.isArray(value) ? value : Object.values(value)) {
    size += sizeWithin(below, bound - size, depth - 1);
    if (size > bound) break;
  }
  return size;
}
