import type { Meter } from './meter.ts';
import type { Moment } from './ports.ts';

/** What the meters of one limit need. */
export interface MetersTerms {
  /** How many may be kept apart. */
  most(): number;
  make(key: string): Meter;
  /** Told, once, that there are more. */
  onFull(): void;
}

/** Names of callers may be any number: those too many to be kept apart share a meter under this key. */
export const OTHERS = '';

const SWEEP_MS = 1000;

/**
 * The meters of one limit, by key, of a bounded number. One that tells nothing any more makes room; one that tells something is
 * never given up, or whoever sends many names would get a new allowance with each.
 */
export class Meters {
  readonly #terms: MetersTerms;
  readonly #byKey = new Map<string, Meter>();
  #others: Meter | undefined;
  #sweptAt = Number.NEGATIVE_INFINITY;
  #wasFull = false;

  constructor(terms: MetersTerms) {
    this.#terms = terms;
  }

  /** The meter of a key, made where it is missing; that of all others where there is no room. */
  of(key: string, moment: Moment): Meter {
    const present = this.#byKey.get(key);
    if (present !== undefined) return present;
    if (key === OTHERS || !this.#hasRoom(moment)) return this.#shared();
    const made = this.#terms.make(key);
    this.#byKey.set(key, made);
    return made;
  }

  *all(): Iterable<Meter> {
    yield* this.#byKey.values();
    if (this.#others !== undefined) yield this.#others;
  }

  #shared(): Meter {
    this.#others ??= this.#terms.make(OTHERS);
    return this.#others;
  }

  #hasRoom(moment: Moment): boolean {
    const most = this.#terms.most();
    if (this.#byKey.size < most) return true;
    // Going over all of them for each new name would be what a flood is after.
    if (moment.monotonic - this.#sweptAt >= SWEEP_MS) this.#sweep(moment);
    if (this.#byKey.size < most) return true;
    if (!this.#wasFull) this.#terms.onFull();
    this.#wasFull = true;
    return false;
  }

  #sweep(moment: Moment): void {
    this.#sweptAt = moment.monotonic;
    for (const [key, meter] of this.#byKey) {
      if (!meter.isFresh(moment)) continue;
      meter.isGone = true;
      this.#byKey.delete(key);
    }
  }
}
