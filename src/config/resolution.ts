import type { ConfigFile } from './config-file.ts';
import type { LookUp } from './environment.ts';
import { pathText, type Path } from './tree.ts';
import { ODD, resolved, type Value } from './value.ts';

/** Replaces references in the values of one server, and remembers what could not be replaced. */
export class Resolution {
  readonly #file: ConfigFile;
  readonly #lookUp: LookUp;
  readonly #missing: string[] = [];

  constructor(file: ConfigFile, lookUp: LookUp) {
    this.#file = file;
    this.#lookUp = lookUp;
  }

  /** What is missing and where it is wanted; undefined when every reference was replaced. */
  get pendingInput(): string | undefined {
    return this.#missing.length === 0 ? undefined : this.#missing.join(' ');
  }

  /** The text a value stands for; a reference that cannot be replaced leaves nothing in its place. */
  text(value: Value, path: Path): string {
    const { text, missing, hasOddity } = resolved(value, this.#lookUp);
    for (const name of missing) this.#missing.push(wanted(name, path));
    if (hasOddity) this.#file.warn(path, ODD);
    return text;
  }

  /** The texts of a list, in their order. */
  list(values: readonly string[], path: Path): string[] {
    return values.map((value, index) => this.text(value, [...path, index]));
  }

  /** The texts of a mapping, under their keys. */
  record(values: Readonly<Record<string, Value>>, path: Path): Record<string, string> {
    return Object.fromEntries(
      Object.entries(values).map(([key, value]) => [key, this.text(value, [...path, key])]),
    );
  }

  /** Reports a text that cannot be used: an error if the file itself holds it, else the server waits for another value. */
  reject(path: Path, written: unknown, text: string, message: string): void {
    if (written === text) return this.#file.error(path, message);
    const remedy = 'Correct the variable it takes its value from.';
    this.#missing.push(`${pathText(path)}: ${message} ${remedy}`);
  }
}

function wanted(name: string, path: Path): string {
  const place = pathText(path);
  if (name.startsWith('input:')) return `${place} wants "${name}", but nobody can be asked here.`;
  return `${place} needs the environment variable ${name}, which is not set.`;
}
