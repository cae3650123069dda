import type { Owner } from '../kernel/exchange.ts';

const MAX_REMEMBERED = 1000;

/** Whom later messages about a task or an elicitation belong to, by its id; the oldest are forgotten. */
export class Followers {
  readonly #byId = new Map<string, Owner>();

  get size(): number {
    return this.#byId.size;
  }

  clear(): void {
    this.#byId.clear();
  }

  remember(id: string, owner: Owner): void {
    this.#byId.set(id, owner);
    if (this.#byId.size <= MAX_REMEMBERED) return;
    for (const oldest of this.#byId.keys()) {
      this.#byId.delete(oldest);
      return;
    }
  }

  /** Forgets all that belongs to a client that is gone. */
  forget(owner: Owner): void {
    for (const [id, each] of this.#byId) if (each === owner) this.#byId.delete(id);
  }

  of(id: string | undefined): Owner | undefined {
    return id === undefined ? undefined : this.#byId.get(id);
  }
}
