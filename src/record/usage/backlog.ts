import { exchangesOf, usageSum, type UsageItem } from '../../kernel/usage.ts';

/** Usage that waits to be kept, in little space and bounded. */
export class Backlog {
  readonly #items = new Map<string, UsageItem>();
  readonly #most: number;
  #dropped = 0;

  /** @param most items that may wait */
  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#items.size;
  }

  /** Exchanges that were dropped because too much waited. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Adds to what waits under a key. Where too much waits, the oldest is dropped and counted. */
  put(key: string, item: UsageItem): void {
    const present = this.#items.get(key);
    if (present === undefined && this.#items.size >= this.#most) this.#dropOldest();
    this.#items.set(key, present === undefined ? item : usageSum(present, item));
  }

  /** Takes the oldest items out, no more than so many. */
  take(most: number): UsageItem[] {
    const taken: UsageItem[] = [];
    for (const [key, item] of this.#items) {
      if (taken.length >= most) break;
      taken.push(item);
      this.#items.delete(key);
    }
    return taken;
  }

  #dropOldest(): void {
    for (const item of this.take(1)) this.#dropped += exchangesOf(item);
  }
}
