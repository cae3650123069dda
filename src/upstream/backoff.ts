import type { UpstreamLimits } from '../kernel/plan.ts';
import type { OpenFailure } from './wire.ts';

/** A life this long is no part of a series of crashes. */
const STABLE_MS = 10_000;

/** The growing pauses between the attempts to keep a server alive. */
export class Backoff {
  readonly #limits: UpstreamLimits;
  #failures = 0;
  #wake: (() => void) | undefined;

  constructor(limits: UpstreamLimits) {
    this.#limits = limits;
  }

  /** Short lives in a row, the last one included. */
  get failures(): number {
    return this.#failures;
  }

  /** How long to pause, in milliseconds, after a life that lasted so long; at least as long as its server asked for. */
  after(livedMs: number, why?: OpenFailure): number {
    if (livedMs > STABLE_MS) this.#failures = 0;
    const { restartMinMs, restartMaxMs } = this.#limits;
    const waitMs = Math.min(restartMaxMs, restartMinMs * 2 ** this.#failures);
    this.#failures += 1;
    return Math.max(waitMs, why?.failure.retryAfterMs ?? 0);
  }

  async pause(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Ends the pause. */
  wake(): void {
    this.#wake?.();
  }
}
