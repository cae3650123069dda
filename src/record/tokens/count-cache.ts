/** How much a cache may keep. */
export interface CacheBounds {
  readonly maxEntries: number;
  readonly maxChars: number;
}

/** Counts by text: of those that were not asked for lately the oldest half is forgotten at a time. */
export class CountCache {
  readonly #bounds: CacheBounds;
  #young = new Map<string, number>();
  #old: ReadonlyMap<string, number> = new Map();
  #chars = 0;

  /** Bounds hold for both halves together. */
  constructor({ maxEntries, maxChars }: CacheBounds) {
    this.#bounds = { maxEntries: maxEntries / 2, maxChars: maxChars / 2 };
  }

  get(text: string): number | undefined {
    const young = this.#young.get(text);
    if (young !== undefined) return young;
    const old = this.#old.get(text);
    if (old !== undefined) this.set(text, old);
    return old;
  }

  set(text: string, count: number): void {
    const { maxEntries, maxChars } = this.#bounds;
    if (text.length > maxChars || this.#young.has(text)) return;
    if (this.#young.size >= maxEntries || this.#chars + text.length > maxChars) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#chars = 0;
    }
    this.#young.set(text, count);
    this.#chars += text.length;
  }
}
