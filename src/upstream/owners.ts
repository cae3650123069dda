import type { Exchange, Owner } from '../kernel/exchange.ts';
import type { Flights } from './flights.ts';

/** Where a message of a server belongs: a request in flight, or a client as a whole. */
export type Claim = { readonly exchange: Exchange } | { readonly owner: Owner };

/** Above so many, clients that have left are looked for and forgotten. */
const MANY = 1000;

/**
 * Finds the client a message of the server belongs to, where the protocol does not say (docs/rules.md R9, R10).
 * On a link that clients share, the owner of a question is beyond doubt only while no other client that used the link is
 * still there, and none gave up a call: the server may ask late, on behalf of a call that has ended.
 */
export class Owners {
  readonly #flights: Flights;
  readonly #only: Owner | undefined;
  readonly #users = new Set<Owner>();
  readonly #givenUp = new Set<string>();

  constructor(flights: Flights, only: Owner | undefined) {
    this.#flights = flights;
    this.#only = only;
  }

  /** How many clients it knows of. */
  get size(): number {
    return this.#users.size + this.#givenUp.size;
  }

  /** The link is gone. */
  clear(): void {
    this.#users.clear();
    this.#givenUp.clear();
  }

  /** Notes that a client uses the link. */
  saw(owner: Owner): void {
    if (this.#only !== undefined) return;
    this.#users.add(owner);
    if (this.#users.size > MANY) this.#forgetThoseWhoLeft();
  }

  /** Notes that a call ended here without an answer: the server may still be working on it. */
  gaveUp(owner: Owner): void {
    if (this.#only === undefined && this.#givenUp.size < MANY) this.#givenUp.add(owner.key);
  }

  /** Whose question this is; undefined when in doubt. */
  ofQuestion(origin: number | undefined): Claim | undefined {
    const claim = this.ofLog(origin);
    if (claim === undefined || this.#only !== undefined || origin !== undefined) return claim;
    return this.#isBeyondDoubt(ownerOf(claim)) ? claim : undefined;
  }

  /** Whose log message this is: the only client with calls in flight; undefined when there are several or none. */
  ofLog(origin: number | undefined): Claim | undefined {
    const exchange = this.#flights.get(origin)?.exchange;
    if (exchange !== undefined) return { exchange };
    if (this.#only !== undefined) return this.#latest() ?? { owner: this.#only };
    // On the stream of a call that has ended: whoever is in flight now has nothing to do with it.
    return origin === undefined ? this.#latest() : undefined;
  }

  #isBeyondDoubt(owner: Owner): boolean {
    this.#forgetThoseWhoLeft();
    for (const key of this.#givenUp) if (key !== owner.key) return false;
    for (const user of this.#users) if (user.key !== owner.key) return false;
    return true;
  }

  /** The latest request in flight, if all in flight are one client's. */
  #latest(): Claim | undefined {
    let latest: Exchange | undefined;
    for (const each of this.#flights.exchanges()) {
      if (latest !== undefined && latest.owner.key !== each.owner.key) return undefined;
      latest = each;
    }
    return latest === undefined ? undefined : { exchange: latest };
  }

  #forgetThoseWhoLeft(): void {
    for (const user of this.#users) if (user.hasLeft) this.#users.delete(user);
  }
}

/** The client behind a claim. */
export function ownerOf(claim: Claim): Owner {
  return 'exchange' in claim ? claim.exchange.owner : claim.owner;
}
