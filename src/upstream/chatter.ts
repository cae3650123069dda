/** So many lines a second are a lot for people to read, and little to write. */
const MAX_LINES = 3000;
const WINDOW_MS = 1000;

/** Bounds how much is logged of what a server prints besides messages: so many lines within a second. */
export class Chatter {
  readonly #onLeftOut: (bytes: number) => void;
  readonly #now: () => number;
  #windowEnds = -Infinity;
  #lines = 0;
  #leftOut = 0;

  /** Is told how many bytes were left out, once a second at most; the clock counts milliseconds. */
  constructor(onLeftOut: (bytes: number) => void, now: () => number = () => performance.now()) {
    this.#onLeftOut = onLeftOut;
    this.#now = now;
  }

  /** How long nothing more is to be logged, in milliseconds; 0 when there is room. */
  get spentForMs(): number {
    if (this.#lines < MAX_LINES) return 0;
    return Math.max(0, this.#windowEnds - this.#now());
  }

  /** Whether a line of so many bytes is to be logged. */
  admits(bytes: number): boolean {
    const now = this.#now();
    if (now >= this.#windowEnds) {
      this.#windowEnds = now + WINDOW_MS;
      this.#lines = 0;
    }
    this.#lines += 1;
    if (this.#lines <= MAX_LINES) return true;
    this.leaveOut(bytes);
    return false;
  }

  /** Notes bytes that were not even looked at. */
  leaveOut(bytes: number): void {
    if (this.#leftOut === 0) setTimeout(() => this.#tell(), WINDOW_MS).unref();
    this.#leftOut += bytes;
  }

  #tell(): void {
    const bytes = this.#leftOut;
    this.#leftOut = 0;
    this.#onLeftOut(bytes);
  }
}
