/** Numbers that look random and are the same in every run (mulberry32). */
export class SeededRandom {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** From 0 to 1, without 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  below(count: number): number {
    return Math.floor(this.next() * count);
  }

  /** One of some. */
  of<T>(some: readonly T[]): T {
    return some[this.below(some.length)] as T;
  }

  /** The same in another order. */
  shuffled<T>(some: readonly T[]): T[] {
    const mixed = [...some];
    for (let at = mixed.length - 1; at > 0; at -= 1) {
      const other = this.below(at + 1);
      [mixed[at], mixed[other]] = [mixed[other] as T, mixed[at] as T];
    }
    return mixed;
  }

  /** So many hexadecimal digits, not all of them zero. */
  hex(digits: number): string {
    const text = Array.from({ length: digits }, () => this.below(16).toString(16)).join('');
    return /^0+$/u.test(text) ? this.hex(digits) : text;
  }
}
