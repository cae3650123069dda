import type { Complaints } from './complaints.ts';
import { publicName } from './names.ts';
import { listed, offerOf, type Offer, type Supplier } from './offer.ts';

export type Naming = 'prefix' | 'flat';

/** What is offered under names that clients see: of several that would have the same one, the first has it (docs/rules.md R17). */
export class NamedOffers {
  readonly offers: Offer[] = [];
  readonly #owners = new Map<string, string>();
  readonly #naming: Naming;
  readonly #complaints: Complaints;

  constructor(naming: Naming, complaints: Complaints) {
    this.#naming = naming;
    this.#complaints = complaints;
  }

  /** Offers one thing of a server, or says why it is left out; `what` is what it is called then. */
  add(upstream: string, what: string, own: string, make: (shown: string) => Offer): void {
    const shown = publicName(this.#naming, upstream, own);
    const owner = this.#owners.get(shown);
    if (owner === undefined) {
      this.#owners.set(shown, upstream);
      this.offers.push(make(shown));
    } else {
      this.leaveOut(upstream, `${what} "${own}"`, `server "${owner}" already offers "${shown}"`);
    }
  }

  leaveOut(upstream: string, what: string, why: string): void {
    this.#complaints.add(upstream, `${what} is left out: ${why}`);
  }
}

/** The prompts of all servers. */
export function offerPrompts(
  suppliers: readonly Supplier[],
  naming: Naming,
  complaints: Complaints,
): readonly Offer[] {
  const named = new NamedOffers(naming, complaints);
  for (const supplier of suppliers) {
    const { name } = supplier;
    for (const [own, item] of listed(supplier, 'prompts'))
      named.add(name, 'prompt', own, (shown) => offerOf('prompts', name, item, shown));
  }
  return named.offers;
}
