import type { ViewWish } from '../admin/context.ts';
import type { Offer } from '../catalog/offer.ts';
import type { ListKind } from '../kernel/methods.ts';
import type { Plan } from '../kernel/plan.ts';
import type { Principal } from '../kernel/principal.ts';
import { contextCost, type CountTerms, type ViewCost } from '../record/tokens/context-cost.ts';
import { Counter } from '../record/tokens/counter.ts';
import { modelOfConsumer } from '../record/tokens/model.ts';
import { Desk } from './desk.ts';

/** What a caller is shown. */
export type Offers = Readonly<Record<ListKind, readonly Offer[]>>;

/** What a view takes of its model's context; `model` comes before the configured ones. */
export function costOfOffers(
  offers: Offers,
  { consumer, model }: Pick<ViewWish, 'consumer' | 'model'>,
  { plan, count }: { readonly plan: Plan; readonly count: CountTerms['count'] },
): Promise<ViewCost> {
  const { tokens } = plan;
  return contextCost({
    definitions: (Object.keys(offers) as ListKind[]).flatMap((kind) =>
      offers[kind].map(({ target, item }) => ({
        server: target.upstream,
        kind,
        name: target.publicName,
        item,
      })),
    ),
    model: model ?? modelOfConsumer(consumer, tokens) ?? tokens.model,
    plan: tokens,
    count,
  });
}

/** The context cost of a view, told without a gateway from what servers offered when one last saw them. */
export interface OfflineCost {
  readonly caller: Principal;
  readonly cost: ViewCost;
  /** Servers of the plan that were never seen. */
  readonly unseen: readonly string[];
}

/** Counts views without a gateway. */
export class CostDesk {
  readonly #desk: Desk;
  readonly #counter = new Counter();

  constructor(plan: Plan, dataDir: string) {
    this.#desk = new Desk({ plan, dataDir });
  }

  /** Why what servers offer cannot be read, where there is something that should be. */
  get fault(): string | undefined {
    return this.#desk.fault;
  }

  /** The cost of a supposed caller's view. Throws the Refusal that a token with such claims would meet. */
  async cost({ consumer, groups, client, endpoint, model }: ViewWish): Promise<OfflineCost> {
    const desk = this.#desk;
    const caller = desk.caller({ consumer, groups, client, endpoint });
    const seen = desk.catalog.offers;
    const shown = (offers: readonly Offer[]): readonly Offer[] =>
      offers.filter(({ target }) => desk.sight(caller, target) === 'seen');
    const offers: Offers = {
      tools: shown(seen.tools),
      prompts: shown(seen.prompts),
      resources: shown(seen.resources),
      resourceTemplates: shown(seen.resourceTemplates),
    };
    const cost = await costOfOffers(
      offers,
      { consumer: caller.consumer, model },
      { plan: desk.plan, count: (texts, encoding) => this.#count(texts, encoding) },
    );
    return { caller, cost, unseen: desk.catalog.unseen };
  }

  async #count(
    ...[texts, encoding]: Parameters<CountTerms['count']>
  ): ReturnType<CountTerms['count']> {
    const counts: number[] = [];
    for (const text of texts)
      counts.push(await this.#counter.count({ encoding, kind: 'text', text }));
    return { counts, isEstimate: false };
  }
}
