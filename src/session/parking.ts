import type { Exchange } from '../kernel/exchange.ts';
import type { ParkingPlan } from '../kernel/plan.ts';
import type { Principal } from '../kernel/principal.ts';
import { Refusal } from '../kernel/refusals.ts';
import { Transients } from '../kernel/transients.ts';
import { RoundTrip, type Subject } from './round-trip.ts';

/** How a wait ended. */
export type ParkedEnd = 'resumed' | 'expired' | 'evicted' | 'denied' | 'shutdown';

/** What parking needs from the rest of the gateway. */
export interface ParkingTerms {
  plan(): ParkingPlan;
  /** An id nobody can guess. */
  newId(): string;
  /** Milliseconds of the clock that states of calls which wait are timed by. */
  now(): number;
  /** Calls `end` once what proved a caller no longer holds; call the result when there is nothing to end any more. */
  whenLapsed(principal: Principal, end: () => void): () => void;
  onEnded(how: ParkedEnd, trip: RoundTrip): void;
  /** A client that was waited for is gone: so is what servers keep for it alone. */
  onGone(ownerKey: string): void;
}

interface Parked {
  readonly id: string;
  readonly trip: RoundTrip;
  /** Key of the caller. */
  readonly principal: string;
  /** Ends what watches over it. */
  readonly letGo: () => void;
  bytes: number;
}

/** What one caller has waiting, oldest first. */
class Share {
  readonly byId = new Transients<string, Parked>();
  bytes = 0;
}

/** Where calls of modern clients wait between the rounds of a multi-round-trip request: bounded in number, bytes and time (docs/rules.md R3). */
export class Parking {
  readonly #terms: ParkingTerms;
  readonly #byId = new Transients<string, Parked>();
  readonly #shares = new Map<string, Share>();
  #bytes = 0;

  constructor(terms: ParkingTerms) {
    this.#terms = terms;
  }

  /** How many wait, and what that takes in characters of JSON. */
  get stored(): { readonly count: number; readonly bytes: number } {
    return { count: this.#byId.size, bytes: this.#bytes };
  }

  /** A new call, whose client can be asked between its requests. */
  begin(exchange: Exchange, subject: Subject): RoundTrip {
    return new RoundTrip(exchange, subject, this.#terms.plan().gatherMs);
  }

  /** Lets a call wait for its client, and returns what to take it up by. Throws LIMITED where too many wait. */
  park(trip: RoundTrip): { readonly id: string; readonly expiresAt: number } {
    const { timeoutMs } = this.#terms.plan();
    const { principal } = trip.owner;
    const bytes = trip.size;
    this.#makeRoom(principal.key, bytes);
    const id = this.#terms.newId();
    const timer = setTimeout(() => this.#end(id, 'expired'), timeoutMs);
    const unwatch = this.#terms.whenLapsed(principal, () => this.#end(id, 'denied'));
    const letGo = (): void => {
      clearTimeout(timer);
      unwatch();
    };
    const parked: Parked = { id, trip, principal: principal.key, letGo, bytes };
    this.#byId.set(id, parked);
    const share = this.#shares.get(parked.principal) ?? new Share();
    this.#shares.set(parked.principal, share);
    share.byId.set(id, parked);
    share.bytes += bytes;
    this.#bytes += bytes;
    trip.onGrown = () => this.#resize(parked);
    return { id, expiresAt: this.#terms.now() + timeoutMs };
  }

  /** Takes up the call that waits under this id; undefined when none does any more. */
  take(id: string): RoundTrip | undefined {
    const parked = this.#remove(id);
    if (parked !== undefined) this.#terms.onEnded('resumed', parked.trip);
    return parked?.trip;
  }

  /** Whether a call waits under this id. */
  has(id: string): boolean {
    return this.#byId.has(id);
  }

  /** Ends the call that waits under this id: its caller may no longer make it, or was not told how to go on. */
  deny(id: string): void {
    this.#end(id, 'denied');
  }

  /** Ends a call that does not wait, at its server too. */
  drop(trip: RoundTrip, reason: string): void {
    trip.giveUp(reason);
    this.#terms.onGone(trip.owner.key);
  }

  /** Ends all that wait. */
  close(): void {
    for (const { id } of this.#byId.values()) this.#end(id, 'shutdown');
  }

  #end(id: string, how: Exclude<ParkedEnd, 'resumed'>): void {
    const parked = this.#remove(id);
    if (parked === undefined) return;
    this.#terms.onEnded(how, parked.trip);
    this.drop(parked.trip, REASONS[how]);
  }

  #remove(id: string): Parked | undefined {
    const parked = this.#byId.get(id);
    if (parked === undefined) return undefined;
    parked.letGo();
    this.#byId.delete(id);
    this.#bytes -= parked.bytes;
    const share = this.#shares.get(parked.principal);
    share?.byId.delete(id);
    if (share?.byId.size === 0) this.#shares.delete(parked.principal);
    else if (share !== undefined) share.bytes -= parked.bytes;
    parked.trip.onGrown = undefined;
    return parked;
  }

  /** A call of the caller with most makes room for one of another; one of the caller with most is refused itself. */
  #makeRoom(principal: string, bytes: number): void {
    const { maxPerPrincipal, maxBytesPerPrincipal, maxBytes } = this.#terms.plan();
    const own = this.#shares.get(principal);
    if (own !== undefined && own.byId.size >= maxPerPrincipal) refuse();
    if ((own?.bytes ?? 0) + bytes > maxBytesPerPrincipal || bytes > maxBytes) refuse();
    for (let by = this.#lackOf(bytes); by !== undefined; by = this.#lackOf(bytes))
      if (!this.#evict(by, own)) refuse();
  }

  /** What there is no room for one more in; undefined where there is room. */
  #lackOf(bytes: number): 'count' | 'bytes' | undefined {
    const { maxCount, maxBytes } = this.#terms.plan();
    if (this.#byId.size >= maxCount) return 'count';
    return this.#bytes + bytes > maxBytes ? 'bytes' : undefined;
  }

  /** Ends the oldest call of the caller with most; false where that is the one to be spared. */
  #evict(by: 'count' | 'bytes', spared: Share | undefined): boolean {
    const victim = this.#heaviest(by);
    const [oldest] = victim?.byId.values() ?? [];
    if (victim === spared || oldest === undefined) return false;
    this.#end(oldest.id, 'evicted');
    return true;
  }

  #heaviest(by: 'count' | 'bytes'): Share | undefined {
    const weightOf = (share: Share): number => (by === 'count' ? share.byId.size : share.bytes);
    let heaviest: Share | undefined;
    for (const share of this.#shares.values())
      if (heaviest === undefined || weightOf(share) > weightOf(heaviest)) heaviest = share;
    return heaviest;
  }

  /** What a server sends meanwhile is kept, too: a call beyond its caller's bound is given up, else the caller with most gives way. */
  #resize(parked: Parked): void {
    const more = parked.trip.size - parked.bytes;
    const share = this.#shares.get(parked.principal);
    if (share === undefined) return;
    parked.bytes += more;
    share.bytes += more;
    this.#bytes += more;
    const { maxBytes, maxBytesPerPrincipal } = this.#terms.plan();
    if (share.bytes > maxBytesPerPrincipal) this.#end(parked.id, 'evicted');
    while (this.#bytes > maxBytes) if (!this.#evict('bytes', undefined)) return;
  }
}

const REASONS: Readonly<Record<Exclude<ParkedEnd, 'resumed'>, string>> = {
  expired: 'its client did not come back in time',
  evicted: 'too many calls wait for their clients',
  denied: 'its caller may no longer make it',
  shutdown: 'the gateway is shutting down',
};

function refuse(): never {
  throw new Refusal('LIMITED', 'Too many of your calls wait for an answer already.');
}
