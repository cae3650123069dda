/** When a proxy is left alone, and for how long. */
export interface FailSafeTerms {
  readonly failuresToCooldown: number;
  readonly cooldownMs: number;
}

/**
 * Counts failures in a row: so many, and nothing goes through for the cool-down. After it one request tries first, and the
 * others follow once that one has arrived; the next failure begins another cool-down.
 */
export class FailSafe {
  readonly #terms: FailSafeTerms;
  readonly #now: () => number;
  #failures = 0;
  #coolsUntil = 0;
  #isTrying = false;
  #isCold = false;

  constructor(terms: FailSafeTerms, now: () => number = () => performance.now()) {
    this.#terms = terms;
    this.#now = now;
  }

  /** Whether a request may go through now. */
  get isOpen(): boolean {
    if (this.#failures < this.#terms.failuresToCooldown) return true;
    return !this.#isTrying && this.#now() >= this.#coolsUntil;
  }

  /** A request goes through. */
  begin(): void {
    if (this.#failures >= this.#terms.failuresToCooldown) this.#isTrying = true;
  }

  /** A request has arrived; how it ends is not known yet. */
  arrived(): void {
    if (!this.#isTrying) return;
    this.#isTrying = false;
    this.#failures = this.#terms.failuresToCooldown - 1;
  }

  /** A request ended in a way that says nothing about the proxy. */
  ended(): void {
    this.#isTrying = false;
  }

  /** True when this success is the first since a cool-down began. */
  succeeded(): boolean {
    const wasCold = this.#isCold;
    this.#failures = 0;
    this.#isTrying = false;
    this.#isCold = false;
    return wasCold;
  }

  /** True when this failure began a cool-down. */
  failed(): boolean {
    this.#isTrying = false;
    this.#failures += 1;
    if (this.#failures < this.#terms.failuresToCooldown) return false;
    // Requests that were on their way when the cool-down began do not make it longer.
    if (this.#isCold && this.#now() < this.#coolsUntil) return false;
    this.#coolsUntil = this.#now() + this.#terms.cooldownMs;
    this.#isCold = true;
    return true;
  }
}
