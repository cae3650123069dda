/** Numbers that look random and are the same for the same seed (xorshift32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    // Neighbouring seeds must not begin alike, and zero would stay zero.
    this.#state = Math.imul(seed | 0, 0x9e_37_79_b1) ^ 0x5b_d1_e9_95 || 1;
    for (let round = 0; round < 8; round += 1) this.next();
  }

  /** A whole number from 0 to 2^32 - 1. */
  next(): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state;
    return state >>> 0;
  }

  /** A whole number from 0 and below the bound; 0 where the bound is none. */
  below(bound: number): number {
    return bound <= 1 ? 0 : this.next() % bound;
  }

  /** Whether something of this probability happens. */
  chance(probability: number): boolean {
    return this.next() / 0x1_00_00_00_00 < probability;
  }

  /** One of some values. */
  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)] as T;
  }

  /** A generator of its own, that does not disturb this one. */
  fork(): Random {
    return new Random(this.next());
  }
}
