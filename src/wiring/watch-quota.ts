/** How many resources and tasks one caller may have watched at once, over all its sessions and streams. */
const MAX_WATCHED = 2000;

/** Who has how much watched, so that no caller can have a server watch without end. */
export class WatchQuota {
  readonly #held = new Map<string, number>();

  /** How many more a caller may have watched. */
  room(caller: string): number {
    return Math.max(0, MAX_WATCHED - (this.#held.get(caller) ?? 0));
  }

  /** Notes that a caller has so many more watched; call the result, once or more often, when it has not any more. */
  take(caller: string, count: number): () => void {
    this.#held.set(caller, (this.#held.get(caller) ?? 0) + count);
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      const left = (this.#held.get(caller) ?? 0) - count;
      if (left > 0) this.#held.set(caller, left);
      else this.#held.delete(caller);
    };
  }
}
