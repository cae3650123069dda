/** Work one decision may put into conditions; a unit is some 10 ns, so all of it some 50 ms. */
const UNITS = 5_000_000;

/** More characters than this of a text are handled in one unit. */
const TEXT_SHIFT = 4;

/** A condition that would take more work than a decision may. */
export class OverBudget extends Error {
  constructor() {
    super('it takes more work than one decision may; what it was given is too large');
    this.name = 'OverBudget';
  }
}

/**
 * What is left of the work that conditions may do. Arguments come from anybody and are as large as a body may be, and macros
 * in macros multiply: only counting while it is done bounds what a decision costs without forbidding either.
 */
export class Fuel {
  #left: number;

  constructor(units: number = UNITS) {
    this.#left = units;
  }

  /** Throws OverBudget when there is not as much left; it stays used up then. */
  spend(units: number): void {
    this.#left -= units;
    if (this.#left < 0) throw new OverBudget();
  }

  /** What listing the keys of a map costs, which engines keep in a table when there are many. */
  spendKeys(keys: number): void {
    this.spend(1 + keys * KEY);
  }

  /** What reading so many characters once costs. */
  spendText(characters: number): void {
    this.spend(1 + (characters >> TEXT_SHIFT));
  }

  /** What looking for one text in another may cost: the engine's search goes quadratic for long needles. */
  spendSearch(text: string, needle: string): void {
    this.spendText(text.length + needle.length);
    if (needle.length > LONG_NEEDLE) this.spend((text.length * needle.length) / COMPARED);
  }
}

const KEY = 16;
const LONG_NEEDLE = 64;
/** Characters compared in one unit. */
const COMPARED = 64;
