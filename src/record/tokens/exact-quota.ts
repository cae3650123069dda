const SECOND_MS = 1000;

/**
 * How many exchanges may be counted exactly: the first so many of every second. Were they spread over it, some exchange would always
 * be waiting to be counted, and with it, for records keep their order, all that ended after it.
 */
export class ExactQuota {
  #left = 0;
  #since = -Infinity;

  /** Takes one at a time in monotonic milliseconds; false where there is none left. */
  take(perSecond: number, now: number): boolean {
    if (now - this.#since >= SECOND_MS) {
      this.#since = now;
      this.#left = perSecond;
    }
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
