import type { Exchange, Owner } from '../kernel/exchange.ts';
import { Doubts } from './doubts.ts';
import type { Flights } from './flights.ts';

/** Where a message of a server belongs: a request in flight, or a client as a whole. */
export type Claim = { readonly exchange: Exchange } | { readonly owner: Owner };

/** Above so many, or twice as many as were there the last time, clients that have left are looked for and forgotten. */
const MANY = 50;
/** Within so many milliseconds after the first, questions are those of one call. */
const TOGETHER_MS = 500;

/**
 * Finds the client a message of the server belongs to, where the protocol does not say (docs/rules.md R9, R10).
 * On a link that clients share, the owner of a question is beyond doubt only while no other client that used the link is
 * still there, and none gave up a call lately: the server may ask late, on behalf of a call that has ended.
 */
export class Owners {
  readonly #flights: Flights;
  readonly #only: Owner | undefined;
  /** Legacy clients, for as long as they are there. */
  readonly #users = new Set<Owner>();
  /** Above so many of them, those who left are looked for. */
  #most = MANY;
  /** Whoever gave up a call. */
  readonly #doubts: Doubts;
  readonly #now: () => number;
  /** Who was the first to use the link. */
  #first: string | undefined;
  #isOfOne = true;

  constructor(
    flights: Flights,
    only: Owner | undefined,
    now: () => number = () => performance.now(),
  ) {
    this.#flights = flights;
    this.#only = only;
    this.#now = now;
    this.#doubts = new Doubts(now);
  }

  /** How many clients it keeps. */
  get size(): number {
    return this.#users.size;
  }

  /** The link is gone. */
  clear(): void {
    this.#users.clear();
    this.#doubts.clear();
  }

  /** Notes that a client uses the link. */
  saw(exchange: Exchange): void {
    if (this.#only !== undefined) return;
    const party = partyOf(exchange);
    this.#first ??= party;
    if (this.#first !== party) this.#isOfOne = false;
    // A modern exchange is over when it is answered: nobody is left of it who could be asked late.
    if (exchange.era === 'modern') return;
    this.#users.add(exchange.owner);
    if (this.#users.size <= this.#most) return;
    this.#forgetThoseWhoLeft();
    this.#most = Math.max(MANY, 2 * this.#users.size);
  }

  /** Notes that a call ended here without an answer: the server may still be working on it. */
  gaveUp(id: number, exchange: Exchange): void {
    if (this.#only === undefined) this.#doubts.note(id, partyOf(exchange));
  }

  /** Notes that the server has answered a call that was given up: it works on it no more. */
  answeredLate(id: number): void {
    this.#doubts.drop(id);
  }

  /** Whose question this is; undefined when in doubt. */
  ofQuestion(origin: number | undefined): Claim | undefined {
    const claim = this.ofLog(origin);
    if (claim === undefined || this.#only !== undefined || origin !== undefined) return claim;
    return 'exchange' in claim && this.#isBeyondDoubt(claim.exchange) ? claim : undefined;
  }

  /** Whose log message this is: the only client with calls in flight; undefined when there are several or none. */
  ofLog(origin: number | undefined): Claim | undefined {
    const exchange = this.#flights.get(origin)?.exchange;
    if (exchange !== undefined) return { exchange };
    if (this.#only !== undefined) return this.#latest() ?? { owner: this.#only };
    // On the stream of a call that has ended: whoever is in flight now has nothing to do with it.
    return origin === undefined ? this.#latest() : undefined;
  }

  #isBeyondDoubt(exchange: Exchange): boolean {
    // While a call waits for its client, minutes may pass in which its server asks for any other that it has known.
    if (!this.#isOfOne && this.#isAsked(exchange)) return false;
    this.#forgetThoseWhoLeft();
    for (const user of this.#users) if (user.key !== exchange.owner.key) return false;
    return !this.#doubts.concernsOthersThan(partyOf(exchange));
  }

  /** Whether a call waits for its client already; what is asked together is one call's. */
  #isAsked({ owner }: Exchange): boolean {
    const now = this.#now();
    return this.#flights
      .concerned(owner, undefined)
      .some(({ askingSince = now }) => now - askingSince > TOGETHER_MS);
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

/**
 * Whom a call is counted as: every legacy session is a client of its own; of modern requests, which stand alone, those of one
 * caller and one client name are one client's.
 */
function partyOf({ era, owner }: Exchange): string {
  if (era === 'legacy') return owner.key;
  const { key, client } = owner.principal;
  return JSON.stringify([key, client ?? null]);
}
