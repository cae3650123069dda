import type { BreakerPhase } from '../kernel/inventory.ts';
import type { UpstreamLimits } from '../kernel/plan.ts';
import { Refusal } from '../kernel/refusals.ts';

/** What a breaker needs. */
export interface BreakerTerms {
  readonly upstream: string;
  readonly limits: Pick<UpstreamLimits, 'breakAfter' | 'breakMs' | 'restartMaxMs'>;
  /** Whether the server answers a health check; undefined where there is no connection to ask over. */
  ping(): Promise<boolean> | undefined;
  onChange(phase: BreakerPhase, why: string): void;
}

/** How a call failed; times in monotonic milliseconds. */
export interface Failure {
  readonly fault: string;
  readonly sentAt: number;
  readonly isProbe: boolean;
  /** Whether each such call counts, also where several were under way at once. */
  readonly isAlone: boolean;
}

/**
 * Refuses the calls of a server that leaves one after the other unanswered. After a pause the server must answer a health
 * check, then a single call, or one more each `breakMs` where that takes long; each time it does not, the pause doubles. While all is
 * well an answered call costs a comparison.
 */
export class Breaker {
  readonly #terms: BreakerTerms;
  #phase: BreakerPhase = 'closed';
  /** Calls in a row that were not answered. */
  #row = 0;
  #pauses = 0;
  #fault = '';
  #failedAt = -Infinity;
  #isProbing = false;
  /** When the latest call was let through to try the server, in monotonic milliseconds. */
  #probedAt = 0;
  /** Whether the pause is over, with nothing there to ask. */
  #isDue = false;
  /** Monotonic milliseconds. */
  #pausedUntil = 0;
  #timer: NodeJS.Timeout | undefined;
  #refused = 0;

  constructor(terms: BreakerTerms) {
    this.#terms = terms;
  }

  get phase(): BreakerPhase {
    return this.#phase;
  }

  get isClosed(): boolean {
    return this.#phase === 'closed';
  }

  /** Calls refused since the start. */
  get refused(): number {
    return this.#refused;
  }

  /** Throws UPSTREAM_UNAVAILABLE where a call may not be sent now. */
  check(): void {
    if (this.#phase === 'open' || (this.#phase === 'half-open' && !this.#mayTry))
      throw this.refusal();
  }

  /** A call may take its time, or wait for its client: that must not keep all others out until it ends. */
  get #mayTry(): boolean {
    return !this.#isProbing || performance.now() - this.#probedAt >= this.#terms.limits.breakMs;
  }

  /** The same for a call that is about to be sent; whether it is the one the server is tried with. Its end must be told. */
  enter(): boolean {
    this.check();
    this.#isProbing = this.#phase === 'half-open';
    if (this.#isProbing) this.#probedAt = performance.now();
    return this.#isProbing;
  }

  /** A call was answered. */
  answered(isProbe = false): void {
    if (isProbe && this.#phase === 'half-open') this.#close();
    else if (this.#row !== 0 && this.isClosed) this.#row = 0;
  }

  /** A call was not answered, and its server is to blame. */
  failed({ fault, sentAt, isProbe: wasProbe, isAlone }: Failure): void {
    // Of several that were to try it another one may have been answered, or have failed, before.
    const isProbe = wasProbe && this.#phase === 'half-open';
    // Calls that were sent before it opened say nothing new, nor do others that the same crash cost.
    if (!isProbe && (!this.isClosed || (!isAlone && sentAt < this.#failedAt))) return;
    if (isProbe) this.#pauses += 1;
    this.#failedAt = performance.now();
    this.#fault = fault;
    this.#row += 1;
    const { breakAfter } = this.#terms.limits;
    if (isProbe || (breakAfter > 0 && this.#row >= breakAfter)) this.#open();
  }

  /** A call ended in a way that says nothing about its server. */
  ignored(isProbe: boolean): void {
    if (isProbe) this.#isProbing = false;
  }

  /** A new connection stands: as good as an answered health check, once the pause is over. */
  linked(): void {
    if (this.#isDue) this.#try();
  }

  /** The refusal of a call for now. */
  refusal(): Refusal {
    this.#refused += 1;
    const { upstream, limits } = this.#terms;
    const leftMs = Math.ceil(this.#pausedUntil - performance.now());
    const retryAfterMs = leftMs > 0 ? leftMs : limits.breakMs;
    const message = `Server "${upstream}" is not called for now: ${this.#reason()}. Try again in ${retryAfterMs} ms.`;
    return new Refusal('UPSTREAM_UNAVAILABLE', message, { state: 'open', retryAfterMs });
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#isDue = false;
    this.#phase = 'closed';
  }

  #reason(): string {
    return `it failed ${this.#row} times in a row (${this.#fault})`;
  }

  #open(): void {
    const { breakMs, restartMaxMs } = this.#terms.limits;
    const pauseMs = Math.min(Math.max(breakMs, restartMaxMs), breakMs * 2 ** this.#pauses);
    this.#isProbing = false;
    this.#isDue = false;
    this.#pausedUntil = performance.now() + pauseMs;
    this.#timer = setTimeout(() => void this.#ask(), pauseMs).unref();
    this.#become('open', `${this.#reason()}; tried again in ${pauseMs} ms`);
  }

  async #ask(): Promise<void> {
    const asking = this.#terms.ping();
    if (asking === undefined) {
      this.#isDue = true;
      return;
    }
    const isWell = await asking;
    if (this.#phase !== 'open') return;
    if (isWell) {
      this.#try();
      return;
    }
    this.#pauses += 1;
    this.#open();
  }

  #try(): void {
    this.#isDue = false;
    this.#become('half-open', 'answers a health check: one call is let through to try it');
  }

  #close(): void {
    this.#row = 0;
    this.#pauses = 0;
    this.#isProbing = false;
    this.#become('closed', 'answers calls again');
  }

  #become(phase: BreakerPhase, why: string): void {
    this.#phase = phase;
    this.#terms.onChange(phase, why);
  }
}
