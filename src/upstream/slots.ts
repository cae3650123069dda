/** Limits how many things run at once; a place is given back by calling the function it came with. */
export class Slots {
  #free: number;
  readonly #queue: (() => void)[] = [];
  #turn: Promise<void> = Promise.resolve();

  constructor(count: number) {
    this.#free = count;
  }

  /** Waits for a place; resolves to the function that gives it back (calling it again does nothing). */
  async take(): Promise<() => void> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#queue.push(resolve));
    // One start per turn of the event loop: starting a process blocks it for tens of milliseconds, and whoever knocks
    // meanwhile must be answered.
    this.#turn = this.#turn.then(nextTurn);
    await this.#turn;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      const next = this.#queue.shift();
      if (next === undefined) this.#free += 1;
      else next();
    };
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
