/** For how long it is to be reckoned with that a server asks late, on behalf of a call that has ended, in milliseconds. */
const DOUBT_MS = 60_000;
/** Above so many, whoever asks is told that anybody may be meant. */
const MANY = 1000;

interface Doubt {
  readonly party: string;
  until: number;
}

/** Who may still be meant by a late question, each for a minute. */
export class Doubts {
  readonly #byKey = new Map<string | number, Doubt>();
  readonly #now: () => number;
  /** Until when more may be meant than are remembered. */
  #crowdedUntil = -Infinity;

  /** The clock counts milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  get size(): number {
    return this.#byKey.size;
  }

  /** A party may be meant for a minute from now. A key is always of one party. */
  note(key: string | number, party: string): void {
    const until = this.#now() + DOUBT_MS;
    const known = this.#byKey.get(key);
    if (known !== undefined) {
      known.until = until;
      return;
    }
    if (this.#byKey.size >= MANY) this.#expire();
    if (this.#byKey.size < MANY) this.#byKey.set(key, { party, until });
    else this.#crowdedUntil = until;
  }

  /** Nobody is meant by this key any more. */
  drop(key: string | number): void {
    this.#byKey.delete(key);
  }

  clear(): void {
    this.#byKey.clear();
    this.#crowdedUntil = -Infinity;
  }

  /** Whether anybody but this party may be meant. */
  concernsOthersThan(party: string): boolean {
    this.#expire();
    if (this.#now() < this.#crowdedUntil) return true;
    for (const doubt of this.#byKey.values()) if (doubt.party !== party) return true;
    return false;
  }

  #expire(): void {
    const now = this.#now();
    for (const [key, { until }] of this.#byKey) if (until <= now) this.#byKey.delete(key);
  }
}
