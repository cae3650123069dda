import type { Fetching } from './http-fetch.ts';

/** Starts a request; `onOver` is to be called as soon as it is over. */
type Begin = (onOver: () => void) => Fetching;

/**
 * How many requests to one server may be under way at once; whoever comes later waits, first come first. One whose server waits
 * for an answer of the gateway gives its place back: else those that wait for their clients would keep all others out.
 */
export class Places {
  #free: number;
  readonly #waiting = new Set<Placed>();

  constructor(count: number) {
    this.#free = count;
  }

  /** Starts a request as soon as there is a place; `onNever` is told where it is given up before. */
  start(begin: Begin, onNever: () => void): Fetching {
    const placed = new Placed(this, begin, onNever);
    if (this.#free > 0) {
      this.#free -= 1;
      placed.begin();
    } else {
      this.#waiting.add(placed);
    }
    return placed;
  }

  /** Whether it was still waiting. */
  forget(placed: Placed): boolean {
    return this.#waiting.delete(placed);
  }

  /** A place is free. */
  leave(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#free += 1;
      return;
    }
    this.#waiting.delete(next);
    next.begin();
  }
}

/** A request that has a place, waits for one, or has given it back. */
class Placed implements Fetching {
  readonly #places: Places;
  readonly #begin: Begin;
  readonly #onNever: () => void;
  #fetching: Fetching | undefined;
  #isHeld = false;

  constructor(places: Places, begin: Begin, onNever: () => void) {
    this.#places = places;
    this.#begin = begin;
    this.#onNever = onNever;
  }

  begin(): void {
    this.#isHeld = true;
    this.#fetching = this.#begin(() => this.giveWay());
  }

  giveWay(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#places.leave();
  }

  answered(): void {
    this.giveWay();
    this.#fetching?.answered?.();
  }

  abort(): void {
    if (this.#places.forget(this)) this.#onNever();
    else this.#fetching?.abort();
  }
}
