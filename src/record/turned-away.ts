import type { TurnedAway } from '../kernel/entry.ts';

/** What counting those turned away needs. */
export interface TurnedAwayTerms {
  /** Milliseconds since the epoch. */
  now(): number;
  report(record: TurnedAway): void;
}

const MINUTE_MS = 60_000;
const MAX_KEYS = 1000;

interface Tally {
  readonly code: string;
  readonly address: string | undefined;
  readonly principal: string | undefined;
  /** Those after the first, which was reported at once. */
  count: number;
  firstAt: number;
  lastAt: number;
}

/**
 * Refusals outside the spine, by caller, code and minute (docs/rules.md R22): the first is reported at once, the others of the
 * same minute as one record when it ends. Of more than 1,000 kinds in a minute only the code is kept.
 */
export class TurnedAwayCounter {
  readonly #terms: TurnedAwayTerms;
  #tallies = new Map<string, Tally>();
  #minute = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(terms: TurnedAwayTerms) {
    this.#terms = terms;
  }

  /** Counts one refusal; the principal is the caller's key, where it is known. */
  note(code: string, address: string | undefined, principal?: string): void {
    const now = this.#terms.now();
    this.#enter(now);
    const tally = this.#tallyOf({ code, address, principal }, now);
    if (tally === undefined) return;
    if (tally.count === 0) tally.firstAt = now;
    tally.count += 1;
    tally.lastAt = now;
  }

  /** Reports what is counted and not reported yet. */
  close(): void {
    clearTimeout(this.#timer);
    this.#report();
  }

  /** What is counted already; undefined when this was the first of its kind, which is reported now. */
  #tallyOf(kind: Kind, now: number): Tally | undefined {
    const present = this.#tallies.get(keyOf(kind));
    if (present !== undefined) return present;
    const isWhole = kind.address === undefined && kind.principal === undefined;
    if (!isWhole && this.#tallies.size >= MAX_KEYS) {
      return this.#tallyOf({ code: kind.code, address: undefined, principal: undefined }, now);
    }
    this.#tallies.set(keyOf(kind), { ...kind, count: 0, firstAt: now, lastAt: now });
    this.#terms.report({ ...kind, count: 1, firstAt: now, lastAt: now });
    return undefined;
  }

  #enter(now: number): void {
    const minute = Math.floor(now / MINUTE_MS);
    if (minute === this.#minute) return;
    this.#report();
    this.#minute = minute;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#report(), MINUTE_MS - (now % MINUTE_MS)).unref();
  }

  #report(): void {
    const tallies = this.#tallies;
    this.#tallies = new Map();
    for (const tally of tallies.values()) if (tally.count > 0) this.#terms.report({ ...tally });
  }
}

/** What is counted together. */
type Kind = Pick<Tally, 'code' | 'address' | 'principal'>;

function keyOf({ code, address, principal }: Kind): string {
  return JSON.stringify([code, address ?? null, principal ?? null]);
}
