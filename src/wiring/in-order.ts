/** So many places are let go of at once. */
const MAX_PASSED = 1024;

interface Place<T> {
  /** Undefined while it is not known. */
  item: T | undefined;
}

/** Passes items on in the order in which their places were taken, each as soon as it and all before it are known. */
export class InOrder<T extends object> {
  readonly #pass: (item: T) => void;
  /** Those before the head are passed on. */
  readonly #places: (Place<T> | undefined)[] = [];
  #head = 0;

  constructor(pass: (item: T) => void) {
    this.#pass = pass;
  }

  /** Takes the next place; call the result once, with the item. */
  place(): (item: T) => void {
    const place: Place<T> = { item: undefined };
    this.#places.push(place);
    return (item) => {
      place.item = item;
      this.#passOn();
    };
  }

  #passOn(): void {
    for (let item = this.#next(); item !== undefined; item = this.#next()) this.#pass(item);
    if (this.#head === this.#places.length) {
      this.#places.length = 0;
      this.#head = 0;
    } else if (this.#head >= MAX_PASSED) {
      this.#places.splice(0, this.#head);
      this.#head = 0;
    }
  }

  #next(): T | undefined {
    const item = this.#places[this.#head]?.item;
    if (item === undefined) return undefined;
    this.#places[this.#head] = undefined;
    this.#head += 1;
    return item;
  }
}
