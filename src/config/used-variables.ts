import { isInherited, type LookUp } from './environment.ts';

/** Remembers the values that are taken from variables. */
export class UsedVariables {
  readonly #values = new Set<string>();
  readonly #lookUp: LookUp;

  constructor(lookUp: LookUp) {
    this.#lookUp = lookUp;
  }

  /** Looks a variable up, and remembers what was found. */
  readonly lookUp: LookUp = (name) => {
    const value = this.#lookUp(name);
    if (value !== undefined && value !== '' && !isInherited(name)) this.#values.add(value);
    return value;
  };

  /** What was found so far, but for what variables hold that all child processes get. */
  get values(): readonly string[] {
    return [...this.#values];
  }
}
