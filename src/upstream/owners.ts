import type { Exchange, Owner } from '../kernel/exchange.ts';
import type { Flights } from './flights.ts';

/** Where a message of a server belongs: a request in flight, or a client as a whole. */
export type Claim = { readonly exchange: Exchange } | { readonly owner: Owner };

/**
 * Finds the client a message of the server belongs to, where the protocol does not say (docs/rules.md R9, R10).
 * On a link that clients share, the owner of a question is beyond doubt only while exactly one client has calls in
 * flight and no call of another client was given up, for the server may still be working on such a call.
 */
export class Owners {
  readonly #flights: Flights;
  readonly #only: Owner | undefined;
  #givenUp: string | undefined;
  #hasSeveralGivenUp = false;

  constructor(flights: Flights, only: Owner | undefined) {
    this.#flights = flights;
    this.#only = only;
  }

  /** Notes that a call ended here without an answer: the server may still ask on its behalf. */
  gaveUp(owner: Owner): void {
    this.#hasSeveralGivenUp ||= this.#givenUp !== undefined && this.#givenUp !== owner.key;
    this.#givenUp = owner.key;
  }

  /** Whose question this is; undefined when in doubt. */
  ofQuestion(origin: number | undefined): Claim | undefined {
    const claim = this.ofLog(origin);
    if (claim === undefined || this.#only !== undefined || origin !== undefined) return claim;
    const isDoubtful =
      this.#hasSeveralGivenUp || (this.#givenUp ?? ownerOf(claim).key) !== ownerOf(claim).key;
    return isDoubtful ? undefined : claim;
  }

  /** Whose log message this is: the only client with calls in flight; undefined when there are several or none. */
  ofLog(origin: number | undefined): Claim | undefined {
    const exchange = this.#flights.get(origin)?.exchange;
    if (exchange !== undefined) return { exchange };
    // On the stream of a call that has ended: whoever is in flight now has nothing to do with it.
    if (origin !== undefined && this.#only === undefined) return undefined;
    let latest: Exchange | undefined;
    for (const each of this.#flights.exchanges()) {
      if (latest !== undefined && latest.owner.key !== each.owner.key) return undefined;
      latest = each;
    }
    if (latest !== undefined) return { exchange: latest };
    return this.#only === undefined ? undefined : { owner: this.#only };
  }
}

/** The client behind a claim. */
export function ownerOf(claim: Claim): Owner {
  return 'exchange' in claim ? claim.exchange.owner : claim.owner;
}
