import { Cancelled } from '../kernel/answer.ts';
import type { Cancellation } from '../kernel/exchange.ts';
import { Refusal } from '../kernel/refusals.ts';

/** How much one server may be given to do. */
export interface BulkheadTerms {
  readonly upstream: string;
  /** Calls under way at once, and the setting that says so. */
  readonly max: number;
  readonly setting: string;
  /** Calls that may wait for a place. */
  readonly maxQueued: number;
}

/** Calls that were refused here since the start: there was no room to wait, or they waited too long. */
export interface TurnedDown {
  readonly full: number;
  readonly late: number;
}

/** A call that waits for a place; told that it has one, or why it gets none. */
interface Waiter {
  readonly caller: string;
  settle(error?: Error): void;
}

/** A caller who has so many more calls waiting than another one gives way to that where no more may wait. */
const UNFAIR = 2;

/**
 * The places of one server: so many calls may be under way at once, and so many wait for that. A free place costs a counter
 * and no promise. Callers who wait take turns, each one's own calls first come first.
 */
export class Bulkhead {
  readonly #terms: BulkheadTerms;
  /** Whose turn is next stands first. */
  readonly #waiting = new Map<string, Set<Waiter>>();
  #taken = 0;
  #queued = 0;
  #elsewhere = 0;
  #full = 0;
  #late = 0;

  constructor(terms: BulkheadTerms) {
    this.#terms = terms;
  }

  /** Places that are taken. */
  get taken(): number {
    return this.#taken;
  }

  /** Calls that wait for one. */
  get queued(): number {
    return this.#queued;
  }

  get turnedDown(): TurnedDown {
    return { full: this.#full, late: this.#late };
  }

  /** Takes a place where there is one. Whoever has one must leave it, once. */
  take(): boolean {
    if (this.#taken >= this.#terms.max) return false;
    this.#taken += 1;
    return true;
  }

  /** Takes a place whether there is one or not, for what is under way already. */
  takeAnyhow(): void {
    this.#taken += 1;
  }

  /** Gives a place back; where calls wait, the next one has it. */
  leave(): void {
    this.#taken -= 1;
    if (this.#queued > 0) this.#serve();
  }

  /**
   * Waits for a place and takes it. Rejects with UPSTREAM_BUSY at once where too many wait, later where it gives way to another
   * caller's, and when the time is over; with Cancelled when the signal says so. Zero milliseconds: no limit.
   */
  wait(caller: string, withinMs: number, signal: Cancellation): Promise<void> {
    if (this.#queued >= this.#terms.maxQueued && !this.#makeRoom(caller))
      return Promise.reject(this.#tooMany());
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined;
      const waiter: Waiter = {
        caller,
        settle: (error) => {
          if (!this.#remove(waiter)) return;
          clearTimeout(timer);
          signal.listen(undefined);
          if (error === undefined) resolve();
          else reject(error);
        },
      };
      this.#add(waiter);
      if (withinMs > 0) timer = setTimeout(() => waiter.settle(this.#tooLate(withinMs)), withinMs);
      signal.listen((reason) => waiter.settle(new Cancelled(reason)));
    });
  }

  /** Counts a call in that waits for something else than a place: for its server to come up, or for an instance. */
  async elsewhere<T>(begin: () => Promise<T>): Promise<T> {
    const { max, maxQueued } = this.#terms;
    if (this.#elsewhere + this.#queued + this.#taken >= max + maxQueued) throw this.#tooMany();
    this.#elsewhere += 1;
    try {
      return await begin();
    } finally {
      this.#elsewhere -= 1;
    }
  }

  /** Ends the waiting of all, each with an error of its own. */
  refuseAll(make: () => Error): void {
    for (const waiters of [...this.#waiting.values()])
      for (const waiter of [...waiters]) waiter.settle(make());
  }

  #serve(): void {
    while (this.#taken < this.#terms.max) {
      const [first] = this.#waiting;
      if (first === undefined) return;
      const [caller, waiters] = first;
      const [waiter] = waiters;
      this.#taken += 1;
      waiter?.settle();
      // Whoever was served goes to the end, with what is left of its calls.
      if (waiters.size === 0) continue;
      this.#waiting.delete(caller);
      this.#waiting.set(caller, waiters);
    }
  }

  /** Whether the latest call of whoever has most waiting gave way to one of a caller who has fewer. */
  #makeRoom(caller: string): boolean {
    let most: Set<Waiter> | undefined;
    for (const waiters of this.#waiting.values())
      if (waiters.size > (most?.size ?? 0)) most = waiters;
    const own = this.#waiting.get(caller)?.size ?? 0;
    if (most === undefined || most.size - own < UNFAIR) return false;
    [...most].at(-1)?.settle(this.#tooMany());
    return true;
  }

  #add(waiter: Waiter): void {
    this.#queued += 1;
    const waiters = this.#waiting.get(waiter.caller);
    if (waiters === undefined) this.#waiting.set(waiter.caller, new Set([waiter]));
    else waiters.add(waiter);
  }

  #remove(waiter: Waiter): boolean {
    const waiters = this.#waiting.get(waiter.caller);
    if (waiters?.delete(waiter) !== true) return false;
    this.#queued -= 1;
    if (waiters.size === 0) this.#waiting.delete(waiter.caller);
    return true;
  }

  #tooMany(): Refusal {
    this.#full += 1;
    const { upstream, max, setting, maxQueued } = this.#terms;
    const message = `Server "${upstream}" has as many calls as it may have: ${max} under way (${setting}) and ${maxQueued} waiting (maxQueued). Try again later.`;
    return new Refusal('UPSTREAM_BUSY', message);
  }

  #tooLate(withinMs: number): Refusal {
    this.#late += 1;
    const { upstream, max, setting } = this.#terms;
    const message = `Server "${upstream}" had ${max} calls under way (${setting}) for ${withinMs} ms; this one found no place and was not sent. Try again later.`;
    return new Refusal('UPSTREAM_BUSY', message);
  }
}
