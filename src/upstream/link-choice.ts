import { canBeAsked, MUTE } from '../kernel/capabilities.ts';
import type { Cancellation, Owner } from '../kernel/exchange.ts';
import type { Permit } from '../kernel/permit.ts';
import type { ServerPlan } from '../kernel/plan.ts';
import type { Instances } from './instances.ts';
import type { Link } from './link.ts';
import type { Nature } from './nature.ts';
import type { Standing } from './standing.ts';

/** What there is to choose from. */
export interface LinkChoiceTerms {
  readonly plan: Pick<ServerPlan, 'isolation' | 'limits'>;
  readonly nature: Nature;
  readonly instances: Instances;
  readonly standing: Standing;
  /** The link all share, while it is open. */
  shared(): Link | undefined;
}

/** Which link of a server a client's calls go over: the one all share, or its own (docs/rules.md R9). */
export class LinkChoice {
  readonly #terms: LinkChoiceTerms;

  constructor(terms: LinkChoiceTerms) {
    this.#terms = terms;
  }

  /** Whether this client's calls go over a link of its own. */
  isPrivateTo(owner: Owner): boolean {
    const { plan, nature } = this.#terms;
    if (nature.era === 'modern' || plan.isolation === 'shared') return false;
    return plan.isolation === 'session' || (nature.isInteractive && canBeAsked(owner.capabilities));
  }

  /** The link for a call, where it needs not be waited for. */
  now({ target }: Permit, owner: Owner): Link | undefined {
    const { instances, nature } = this.#terms;
    const shared = this.#terms.shared();
    if (shared === undefined || this.#isShared(shared)) return shared;
    // A task lives where it was made, also when its client has come to use another link since.
    if (target.kind === 'task' && shared.knowsTask(target.name)) return shared;
    if (this.isPrivateTo(owner)) return instances.use(owner.key);
    return nature.isInteractive ? instances.use(MUTE) : shared;
  }

  /**
   * The link for a client. Waits for a server that is starting and for an instance, until cancelled, and no longer than
   * `withinMs` for each, where that is not zero.
   */
  async wait(owner: Owner, signal: Cancellation | undefined, withinMs = 0): Promise<Link> {
    const { plan, nature, instances, standing } = this.#terms;
    const { restartWaitMs } = plan.limits;
    const waitMs = withinMs === 0 ? restartWaitMs : Math.min(restartWaitMs, withinMs);
    const shared =
      this.#terms.shared() ?? (await standing.whenUp(waitMs, () => this.#terms.shared(), signal));
    if (this.#isShared(shared)) return shared;
    if (this.isPrivateTo(owner)) return instances.get(owner, signal, waitMs);
    // Clients that can be asked nothing share a link that declares nothing, so the server does not try.
    return nature.isInteractive ? instances.get(undefined, signal, waitMs) : shared;
  }

  #isShared({ facts }: Link): boolean {
    return facts.era === 'modern' || this.#terms.plan.isolation === 'shared';
  }
}
