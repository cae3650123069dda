import type { LimitPlan } from '../../kernel/limits-plan.ts';

type Rate = NonNullable<LimitPlan['rate']>;

/** Sums of fractions of milliseconds are not exact. */
const TOLERANCE_MS = 1e-6;

/**
 * A token bucket, whose state is one number: until when the calls made so far have paid, in monotonic milliseconds. The bucket
 * is full where that is past, and empty where it is a whole burst ahead.
 */
export class Pace {
  readonly rate: Rate;
  readonly #intervalMs: number;
  readonly #burst: number;

  constructor(rate: Rate) {
    this.rate = rate;
    this.#intervalMs = rate.perMs / rate.calls;
    this.#burst = Math.max(1, Math.floor(rate.burst));
  }

  /** How long the next call has to wait; zero when it may be made now. */
  waitMs(paidUntil: number, now: number): number {
    const wait = paidUntil - (this.#burst - 1) * this.#intervalMs - now;
    return wait <= TOLERANCE_MS ? 0 : wait;
  }

  /** The state after a call. */
  after(paidUntil: number, now: number): number {
    return Math.max(paidUntil, now) + this.#intervalMs;
  }

  /** How many calls could be made at once now. */
  left(paidUntil: number, now: number): number {
    const owed = Math.max(0, paidUntil - now - TOLERANCE_MS) / this.#intervalMs;
    return Math.max(0, Math.floor(this.#burst - owed));
  }
}
