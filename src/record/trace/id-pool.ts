const POOL_BYTES = 2048;

/** Hexadecimal digits of random bytes, made many at a time: asking for a few each time takes longer than all else of an exchange. */
export class IdPool {
  readonly #newBytes: (count: number) => string;
  #digits = '';
  #used = 0;

  /** Takes what gives so many random bytes as twice as many digits. */
  constructor(newBytes: (count: number) => string) {
    this.#newBytes = newBytes;
  }

  /** So many digits, at most 64, that nobody was given before. */
  take(digits: number): string {
    if (this.#used + digits > this.#digits.length) {
      this.#digits = this.#newBytes(POOL_BYTES);
      this.#used = 0;
    }
    this.#used += digits;
    return this.#digits.slice(this.#used - digits, this.#used);
  }
}
