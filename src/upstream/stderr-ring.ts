/** The last lines a child process wrote to stderr, within a number of characters. */
export class StderrRing {
  readonly #maxChars: number;
  readonly #lines: string[] = [];
  #size = 0;

  constructor(maxChars: number) {
    this.#maxChars = maxChars;
  }

  /** Adds one line, dropping the oldest ones above the bound. */
  add(line: string): void {
    const kept = line.length > this.#maxChars ? line.slice(0, this.#maxChars) : line;
    this.#lines.push(kept);
    this.#size += kept.length;
    while (this.#size > this.#maxChars) this.#size -= this.#lines.shift()?.length ?? this.#size;
  }

  /** The newest lines, oldest first. */
  last(count: number): string[] {
    return this.#lines.slice(-count);
  }
}
