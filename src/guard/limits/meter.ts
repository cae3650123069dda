import type { Budget } from './budget.ts';
import type { Moment } from './ports.ts';

/** How much a single call counts in the mean time calls take. */
const WEIGHT = 0.2;
const FULL = Number.NEGATIVE_INFINITY;

/** What one limit has counted for one key. */
export class Meter {
  readonly key: string;
  readonly budget: Budget | undefined;
  /** State of its token bucket. */
  paidUntil = FULL;
  /** Whether its limit has let go of it, as of one that told nothing. */
  isGone = false;
  #inFlight = 0;
  #meanMs: number | undefined;

  constructor(key: string, budget: Budget | undefined) {
    this.key = key;
    this.budget = budget;
  }

  /** Calls that have begun and not ended. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** How long its calls took lately, in milliseconds; undefined before the first has ended. */
  get meanMs(): number | undefined {
    return this.#meanMs;
  }

  begin(): void {
    this.#inFlight += 1;
  }

  end(afterMs: number): void {
    this.#inFlight -= 1;
    this.#meanMs =
      this.#meanMs === undefined ? afterMs : this.#meanMs + (afterMs - this.#meanMs) * WEIGHT;
  }

  /** As of a rate that has changed: nothing is owed. */
  refill(): void {
    this.paidUntil = FULL;
  }

  /** Whether a new one would do as well. */
  isFresh({ now, monotonic }: Moment): boolean {
    if (this.#inFlight > 0 || this.paidUntil > monotonic) return false;
    return this.budget?.at(now).isUnused ?? true;
  }
}
