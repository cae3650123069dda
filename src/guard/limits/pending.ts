import { Transients } from '../../kernel/transients.ts';
import type { Claim } from './ticket.ts';

/** Far more than can be in flight: every exchange is recorded, and leaves with its record. */
const MAX_CALLS = 100_000;

/** Budgets that wait for what calls used, by the ids of their exchanges. */
export class Pending {
  readonly #byExchange = new Transients<string, readonly Claim[]>();

  /** Keeps those that are about tokens or money: calls are counted at once. */
  put(id: string, claims: readonly Claim[]): void {
    const charged = claims.filter(({ limit }) => limit.isSpent);
    if (charged.length === 0) return;
    this.#byExchange.set(id, charged);
    if (this.#byExchange.size > MAX_CALLS) this.#byExchange.clear();
  }

  take(id: string): readonly Claim[] | undefined {
    const claims = this.#byExchange.get(id);
    if (claims !== undefined) this.#byExchange.delete(id);
    return claims;
  }
}
