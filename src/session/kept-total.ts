/** What keeps messages for a client that resumes. */
export interface Keeper {
  /** Characters it keeps. */
  readonly kept: number;
  /** Forgets its oldest messages until it keeps no more than so many characters. */
  shrinkTo(chars: number): void;
}

/** So much is made room for at once, as a share of the bound: who is over it again soon need not look for the largest soon. */
const ROOM = 1 / 16;

/** What all sessions keep together, within a number of characters: where it is too much, the one that keeps most forgets first. */
export class KeptTotal {
  readonly #maxChars: () => number;
  readonly #keepers = new Set<Keeper>();
  #chars = 0;

  constructor(maxChars: () => number) {
    this.#maxChars = maxChars;
  }

  /** Characters that are kept. */
  get chars(): number {
    return this.#chars;
  }

  /** Notes that a keeper keeps so many more, or fewer. */
  add(keeper: Keeper, chars: number): void {
    this.#chars += chars;
    if (keeper.kept === 0) this.#keepers.delete(keeper);
    else if (chars > 0) this.#keepers.add(keeper);
    const max = this.#maxChars();
    if (chars > 0 && this.#chars > max) this.#makeRoom(max * (1 - ROOM));
  }

  #makeRoom(target: number): void {
    while (this.#chars > target) {
      const largest = this.#largest();
      if (largest === undefined) return;
      // At least half of it stays: then another one may be the largest.
      largest.shrinkTo(Math.floor(Math.max(largest.kept / 2, largest.kept - this.#chars + target)));
    }
  }

  #largest(): Keeper | undefined {
    let largest: Keeper | undefined;
    for (const keeper of this.#keepers)
      if (largest === undefined || keeper.kept > largest.kept) largest = keeper;
    return largest;
  }
}
