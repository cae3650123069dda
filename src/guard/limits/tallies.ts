import type { Limit } from './limit.ts';

/** How often one limit has refused calls, or would have in shadow mode, and was warned of. */
export interface Tally {
  readonly hits: number;
  readonly warnings: number;
}

const NONE: Tally = { hits: 0, warnings: 0 };

/** The tallies of all limits, since the start and across reloads; one whose mode changes begins anew. */
export class Tallies {
  readonly #byLimit = new Map<string, Tally>();

  get(limit: Limit): Tally {
    return this.#byLimit.get(keyOf(limit)) ?? NONE;
  }

  hit(limit: Limit): void {
    const { hits, warnings } = this.get(limit);
    this.#byLimit.set(keyOf(limit), { hits: hits + 1, warnings });
  }

  warned(limit: Limit): void {
    const { hits, warnings } = this.get(limit);
    this.#byLimit.set(keyOf(limit), { hits, warnings: warnings + 1 });
  }

  /** Forgets all but these. */
  keep(limits: readonly Limit[]): void {
    const kept = new Set(limits.map((limit) => keyOf(limit)));
    for (const key of this.#byLimit.keys()) if (!kept.has(key)) this.#byLimit.delete(key);
  }
}

function keyOf({ id, plan }: Limit): string {
  return `${plan.mode} ${id}`;
}
