/** So many pieces of work of one source are done at a time. */
const AT_ONCE = 8;

interface Line {
  running: number;
  readonly waiting: (() => void)[];
}

/** Work that is done only so many pieces at a time for each source; others wait their turn, in the order they came. */
export class Turns {
  readonly #lines = new Map<string, Line>();

  /** Does the work when its turn has come, and tells it whether it had to wait. */
  async take<T>(source: string, work: (hasWaited: boolean) => Promise<T>): Promise<T> {
    const line = this.#lines.get(source) ?? { running: 0, waiting: [] };
    this.#lines.set(source, line);
    const hasWaited = line.running >= AT_ONCE;
    if (hasWaited) await new Promise<void>((resolve) => line.waiting.push(resolve));
    else line.running += 1;
    try {
      return await work(hasWaited);
    } finally {
      this.#pass(source, line);
    }
  }

  /** The place goes to whoever has waited longest. */
  #pass(source: string, line: Line): void {
    const next = line.waiting.shift();
    if (next !== undefined) {
      next();
      return;
    }
    line.running -= 1;
    if (line.running === 0) this.#lines.delete(source);
  }
}
