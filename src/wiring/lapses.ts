import type { Principal } from '../kernel/principal.ts';

const LOOK_MS = 1000;

/** Ends what stays open for a caller when what proved it no longer holds: a key revoked, a token run out. */
export class Lapses {
  readonly #ends = new Map<Principal, Set<() => void>>();
  readonly #holds: (principal: Principal) => boolean;
  readonly #timer: NodeJS.Timeout;

  constructor(holds: (principal: Principal) => boolean) {
    this.#holds = holds;
    this.#timer = setInterval(() => this.look(), LOOK_MS).unref();
  }

  /** Calls `end` once the caller's proof no longer holds; call the result when there is nothing to end any more. */
  watch(principal: Principal, end: () => void): () => void {
    const ends = this.#ends.get(principal) ?? new Set();
    this.#ends.set(principal, ends);
    ends.add(end);
    return () => {
      ends.delete(end);
      if (ends.size === 0 && this.#ends.get(principal) === ends) this.#ends.delete(principal);
    };
  }

  /** Looks at all callers now. */
  look(): void {
    for (const [principal, ends] of [...this.#ends]) {
      if (this.#holds(principal)) continue;
      this.#ends.delete(principal);
      for (const end of ends) end();
    }
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
