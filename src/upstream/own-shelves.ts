import type { ServerPlan } from '../kernel/plan.ts';
import type { Link } from './link.ts';
import type { UpstreamPorts } from './ports.ts';
import { readInventory } from './read-inventory.ts';

/** What these shelves need. */
export interface OwnShelvesTerms {
  readonly plan: ServerPlan;
  readonly ports: UpstreamPorts;
}

/** What clients' own instances offer, where it came to differ from what the shared one does. */
export class OwnShelves {
  readonly #terms: OwnShelvesTerms;
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #stocked = new Set<string>();

  constructor(terms: OwnShelvesTerms) {
    this.#terms = terms;
  }

  /** A client's own instance says that its lists changed: reads them after a pause, once for many such messages. */
  restock(ownerKey: string, link: () => Link | undefined): void {
    if (this.#timers.has(ownerKey)) return;
    const timer = setTimeout(() => {
      this.#timers.delete(ownerKey);
      const open = link();
      if (open !== undefined) void this.#read(ownerKey, open);
    }, this.#terms.ports.listDebounceMs());
    this.#timers.set(ownerKey, timer);
  }

  /** A client's own instance is gone. */
  drop(ownerKey: string): void {
    clearTimeout(this.#timers.get(ownerKey));
    this.#timers.delete(ownerKey);
    if (!this.#stocked.delete(ownerKey)) return;
    this.#terms.ports.onOwnInventory(this.#terms.plan.name, ownerKey, undefined);
  }

  async #read(ownerKey: string, link: Link): Promise<void> {
    const { plan, ports } = this.#terms;
    try {
      const inventory = await readInventory(link, plan.limits.listTimeoutMs);
      if (!link.isOpen) return;
      this.#stocked.add(ownerKey);
      ports.onOwnInventory(plan.name, ownerKey, inventory);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      ports.log('warn', plan.name, `the lists of a client's own instance cannot be read: ${why}`);
    }
  }
}
