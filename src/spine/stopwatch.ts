import type { Stages } from '../kernel/entry.ts';

/** When the stages of one exchange were through. */
export class Stopwatch {
  readonly #origin: number;
  readonly #arrived: number;
  #resolved: number | undefined;
  #decided: number | undefined;
  #guarded: number | undefined;
  #asked = 0;
  #answered: number | undefined;
  #upstreamMs = 0;

  /** Begins when the request arrived, in monotonic milliseconds; now when that is not known. */
  constructor(arrivedAt: number | undefined) {
    const now = performance.now();
    this.#origin = arrivedAt ?? now;
    this.#arrived = now - this.#origin;
  }

  /** Milliseconds since the epoch, with fractions. */
  get startedAt(): number {
    return performance.timeOrigin + this.#origin;
  }

  /** What was waited for the server behind, in milliseconds. */
  get upstreamMs(): number {
    return this.#upstreamMs;
  }

  resolved(): void {
    this.#resolved = this.elapsed();
  }

  decided(): void {
    this.#decided = this.elapsed();
  }

  guarded(): void {
    this.#guarded = this.elapsed();
  }

  /** Waits for the server behind, and counts how long that takes. */
  async waiting<T>(work: Promise<T>): Promise<T> {
    this.asked();
    try {
      return await work;
    } finally {
      this.answered();
    }
  }

  /** The server behind was asked, and is waited for until `answered`. */
  asked(): void {
    this.#asked = this.elapsed();
  }

  /** It answered, or failed to. */
  answered(): void {
    this.#answered = this.elapsed();
    this.#upstreamMs += this.#answered - this.#asked;
  }

  /** Milliseconds since the request arrived. */
  elapsed(): number {
    return performance.now() - this.#origin;
  }

  stages(): Stages {
    return {
      arrived: this.#arrived,
      resolved: this.#resolved,
      decided: this.#decided,
      guarded: this.#guarded,
      answered: this.#answered,
    };
  }
}
