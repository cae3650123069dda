import { isObject, type JsonObject } from '../kernel/json.ts';
import type { Problem } from '../kernel/plan.ts';
import { offsetOf, pathText, repeatedKeys, toJson, type Path, type Tree } from './tree.ts';

/** Something the parser of a file format found wrong. */
export interface Fault {
  readonly severity: Problem['severity'];
  readonly offset: number;
  readonly message: string;
}

/** Turns a text into a tree; what it cannot read it reports as faults. */
export type Parse = (text: string) => { readonly tree: Tree; readonly faults: readonly Fault[] };

const TOO_DEEP = 'The file is nested too deeply, or repeats itself too often through aliases.';
const NOTHING: [Tree, JsonObject] = [{ kind: 'map', offset: 0, pairs: [] }, {}];

/** One configuration file: its value, where each part stands, and all that is found wrong with it. */
export class ConfigFile {
  readonly name: string;
  readonly problems: Problem[] = [];
  /** The parsed mapping; empty when the file cannot be read as one. */
  readonly value: JsonObject;
  readonly tree: Tree;
  readonly #text: string;

  constructor(name: string, text: string, parse: Parse) {
    this.name = name;
    this.#text = text.replace(/^\uFEFF/, '');
    [this.tree, this.value] = this.#read(parse);
  }

  /** Reports an error at the value a path names, or at its key. */
  error(path: Path, message: string, at: 'key' | 'value' = 'value'): void {
    this.#add({ severity: 'error', offset: offsetOf(this.tree, path, at), message }, path);
  }

  /** Reports a warning at the key a path names. */
  warn(path: Path, message: string): void {
    this.#add({ severity: 'warning', offset: offsetOf(this.tree, path, 'key'), message }, path);
  }

  /** 1-based line of the key a path names. */
  line(path: Path): number {
    return this.#position(offsetOf(this.tree, path, 'key')).line;
  }

  #read(parse: Parse): [Tree, JsonObject] {
    try {
      const { tree, faults } = parse(this.#text);
      for (const fault of faults) this.#add(fault, []);
      if (faults.some(({ severity }) => severity === 'error')) return NOTHING;
      const value = toJson(tree);
      this.#refuseRepeatedKeys(tree);
      if (isObject(value)) return [tree, value];
      const message = 'The file must hold a mapping of keys to values at the top.';
      this.#add({ severity: 'error', offset: tree.offset, message }, []);
    } catch (error) {
      // Parsers recurse: a text nested some thousand levels deep exhausts the stack.
      if (!(error instanceof RangeError)) throw error;
      this.#add({ severity: 'error', offset: 0, message: TOO_DEEP }, []);
    }
    return NOTHING;
  }

  #refuseRepeatedKeys(tree: Tree): void {
    for (const { path, first, again } of repeatedKeys(tree)) {
      const { line } = this.#position(first.offset);
      const message = `"${again.key}" stands here again, after line ${line}; keep one of the two.`;
      this.#add({ severity: 'error', offset: again.offset, message }, path);
    }
  }

  #add(fault: Fault, path: Path): void {
    const { severity, message } = fault;
    this.problems.push({
      severity,
      file: this.name,
      ...this.#position(fault.offset),
      path: pathText(path),
      message,
    });
  }

  #position(offset: number): { line: number; column: number } {
    const before = this.#text.slice(0, offset);
    return { line: before.split('\n').length, column: offset - before.lastIndexOf('\n') };
  }
}
