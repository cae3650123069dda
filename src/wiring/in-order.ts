/** So many places are let go of at once. */
const MAX_PASSED = 1024;

/** Passes items on in the order in which their places were taken, each as soon as it and all before it are known. */
export class InOrder<T extends object> {
  readonly #pass: (item: T) => void;
  /** Items by place, from the first that is kept; undefined while one is not known. */
  readonly #items: (T | undefined)[] = [];
  /** The place of the first that is kept. */
  #first = 0;
  /** The next place to be passed on. */
  #next = 0;

  constructor(pass: (item: T) => void) {
    this.#pass = pass;
  }

  /** Takes the next place; fill it once. */
  place(): number {
    return this.#first + this.#items.push(undefined) - 1;
  }

  /** Says what belongs in a place. */
  fill(place: number, item: T): void {
    this.#items[place - this.#first] = item;
    if (place === this.#next) this.#passOn();
  }

  /** Whether what belongs there was passed on. */
  isPassed(place: number): boolean {
    return place < this.#next;
  }

  #passOn(): void {
    for (;;) {
      const index = this.#next - this.#first;
      const item = this.#items[index];
      if (item === undefined) break;
      this.#items[index] = undefined;
      this.#next += 1;
      this.#pass(item);
    }
    const passed = this.#next - this.#first;
    if (passed < this.#items.length && passed < MAX_PASSED) return;
    this.#items.splice(0, passed);
    this.#first = this.#next;
  }
}
