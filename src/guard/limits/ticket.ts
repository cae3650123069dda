import type { Admission } from '../../kernel/admission.ts';
import type { JsonObject } from '../../kernel/json.ts';
import { Refusal } from '../../kernel/refusals.ts';
import type { Limit, Weight } from './limit.ts';
import type { Meter } from './meter.ts';
import type { Moment } from './ports.ts';
import { shownOf } from './report.ts';
import type { Applied } from './standing.ts';
import type { Tallies } from './tallies.ts';

/** A limit that has let a call through, with the meter that counts it. */
export interface Claim {
  readonly limit: Limit;
  readonly meter: Meter;
}

/** What a ticket is made of. */
export interface TicketTerms {
  readonly applied: Applied;
  readonly claims: readonly Claim[];
  readonly weight: Weight;
  readonly warnings: string[];
  readonly tallies: Tallies;
  readonly showsState: boolean;
  moment(): Moment;
  expectRetry(isNamed: boolean): void;
}

/** One call that was let through. */
export class Ticket implements Admission {
  readonly #terms: TicketTerms;
  readonly #beganAt: number;
  #isReleased = false;

  constructor(terms: TicketTerms, beganAt: number) {
    this.#terms = terms;
    this.#beganAt = beganAt;
  }

  get warnings(): readonly string[] {
    return this.#terms.warnings;
  }

  get maxResultBytes(): number | undefined {
    return this.#terms.applied.size?.maxBytes;
  }

  get maxResultLimit(): string | undefined {
    return this.#terms.applied.size?.limit.id;
  }

  checkResult(fits: (maxBytes: number) => boolean): void {
    const { applied, tallies, warnings } = this.#terms;
    const { size, shadowSizes } = applied;
    if (size !== undefined && !fits(size.maxBytes)) {
      tallies.hit(size.limit);
      throw tooLarge(size.limit.id, size.maxBytes);
    }
    for (const { limit, maxBytes } of shadowSizes) {
      if (fits(maxBytes)) continue;
      tallies.hit(limit);
      warnings.push(`shadow ${limit.id}`);
    }
  }

  expectRetry(isNamed = false): void {
    this.#terms.expectRetry(isNamed);
  }

  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    const { claims, weight } = this.#terms;
    if (!weight.isHeld || claims.length === 0) return;
    const took = this.#terms.moment().monotonic - this.#beganAt;
    for (const { meter } of claims) meter.end(took);
  }

  state(): JsonObject | undefined {
    const { claims, weight, showsState } = this.#terms;
    if (!showsState || !weight.isHeld) return undefined;
    const moment = this.#terms.moment();
    const shown = claims
      .filter(({ limit }) => !limit.isShadow)
      .map(({ limit, meter }) => [limit.id, shownOf(limit, meter, moment)] as const)
      .filter(([, state]) => Object.keys(state).length > 0);
    return shown.length === 0 ? undefined : Object.fromEntries(shown);
  }
}

function tooLarge(limit: string, maxResultBytes: number): Refusal {
  return new Refusal(
    'RESULT_TOO_LARGE',
    `The result is larger than the limit "${limit}" allows (${maxResultBytes} bytes). Ask for less at once.`,
    { limit, maxResultBytes },
  );
}
