import type { Owner } from '../kernel/exchange.ts';

/** Someone who waits, told when that is over. */
export interface Waiter<T> {
  settle(outcome: T | Error): void;
}

/** Who waits for the same: one client, or all that cannot be asked anything. */
export interface Party<T> {
  readonly key: string;
  readonly owner: Owner | undefined;
  /** Whose client it is; undefined for those that cannot be asked anything. */
  readonly principal: string | undefined;
  readonly arrived: number;
  readonly waiters: Set<Waiter<T>>;
}

/** Who waits for a place: whose principal holds the fewest comes first, and of several the one that came first. */
export class Queue<T> {
  readonly #byKey = new Map<string, Party<T>>();
  /** Parties of each principal, first come first: looking for the next one costs by callers, not by calls. */
  readonly #byPrincipal = new Map<string | undefined, Map<string, Party<T>>>();
  #arrivals = 0;
  #size = 0;

  /** How many wait. */
  get size(): number {
    return this.#size;
  }

  /** Joins the party of its client, or becomes one; call what it returns to leave. */
  join(key: string, owner: Owner | undefined, waiter: Waiter<T>): () => void {
    const party = this.#byKey.get(key) ?? this.#begin(key, owner);
    party.waiters.add(waiter);
    this.#size += 1;
    return () => {
      if (!party.waiters.delete(waiter)) return;
      this.#size -= 1;
      if (party.waiters.size === 0) this.#remove(party);
    };
  }

  /** The party whose turn it is, given how many places each principal holds. */
  next(held: ReadonlyMap<string | undefined, number>): Party<T> | undefined {
    let found: Party<T> | undefined;
    let fewest = Infinity;
    for (const [principal, parties] of this.#byPrincipal) {
      const count = held.get(principal) ?? 0;
      const [first] = parties.values();
      if (first === undefined || count > fewest) continue;
      if (found !== undefined && count === fewest && found.arrived < first.arrived) continue;
      found = first;
      fewest = count;
    }
    return found;
  }

  /** Ends the waiting of a party. */
  settle(key: string, outcome: T | Error): void {
    const party = this.#byKey.get(key);
    if (party === undefined) return;
    this.#remove(party);
    this.#size -= party.waiters.size;
    const waiters = [...party.waiters];
    party.waiters.clear();
    for (const waiter of waiters) waiter.settle(outcome);
  }

  /** Ends the waiting of all. */
  settleAll(error: Error): void {
    for (const key of [...this.#byKey.keys()]) this.settle(key, error);
  }

  #begin(key: string, owner: Owner | undefined): Party<T> {
    this.#arrivals += 1;
    const principal = owner?.principal.key;
    const party = { key, owner, principal, arrived: this.#arrivals, waiters: new Set<Waiter<T>>() };
    this.#byKey.set(key, party);
    const siblings = this.#byPrincipal.get(principal) ?? new Map<string, Party<T>>();
    this.#byPrincipal.set(principal, siblings.set(key, party));
    return party;
  }

  #remove({ key, principal }: Party<T>): void {
    this.#byKey.delete(key);
    const siblings = this.#byPrincipal.get(principal);
    siblings?.delete(key);
    if (siblings?.size === 0) this.#byPrincipal.delete(principal);
  }
}
