import type { Inventory } from '../kernel/inventory.ts';
import { isObject } from '../kernel/json.ts';
import type { ListKind } from '../kernel/methods.ts';
import type { ServerPlan } from '../kernel/plan.ts';
import type { Link } from './link.ts';
import type { UpstreamPorts } from './ports.ts';
import { readInventory } from './read-inventory.ts';

/** What a shelf needs. */
export interface ShelfTerms {
  readonly plan: ServerPlan;
  readonly ports: UpstreamPorts;
  readonly debounceMs: number;
  onFailure(reason: string): void;
}

const NOTHING: Readonly<Record<ListKind, number>> = {
  tools: 0,
  prompts: 0,
  resources: 0,
  resourceTemplates: 0,
};

/** What one upstream offers: read when a link opens and when the server says it changed, kept on disk for the next start. */
export class Shelf {
  readonly #terms: ShelfTerms;
  #inventory: Inventory | undefined;
  #watched: readonly string[] = [];
  #timer: NodeJS.Timeout | undefined;
  #isReading = false;
  #isStale = false;

  constructor(terms: ShelfTerms) {
    this.#terms = terms;
  }

  get counts(): Readonly<Record<ListKind, number>> {
    const lists = this.#inventory?.lists;
    if (lists === undefined) return NOTHING;
    return {
      tools: lists.tools.length,
      prompts: lists.prompts.length,
      resources: lists.resources.length,
      resourceTemplates: lists.resourceTemplates.length,
    };
  }

  /** Offers what the server had the last time it ran with this configuration (docs/rules.md R14). */
  recall(): void {
    const { plan, ports } = this.#terms;
    const known = ports.recallInventory(plan.fingerprint);
    if (known !== undefined) this.#publish(known);
  }

  /** Reads everything over a new link and has its changes told; false when the lists could not be read. */
  async stock(link: Link): Promise<boolean> {
    // Watching comes first, so that no change falls between reading and watching.
    await this.#watchOn(link);
    return this.#read(link);
  }

  /** The server says that something changed: reads again after a pause, once for many such messages. */
  restock(link: () => Link | undefined): void {
    this.#isStale = true;
    if (this.#timer !== undefined || this.#isReading) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      const open = link();
      if (open === undefined) return;
      void this.#read(open).then(() => {
        if (this.#isStale) this.restock(link);
      });
    }, this.#terms.debounceMs);
  }

  /** Which resources the shared link watches from now on. */
  watch(uris: readonly string[]): void {
    this.#watched = uris;
  }

  /** Asks again for changes after the stream that told them was lost. */
  watchAgain(link: Link): void {
    setTimeout(() => {
      if (link.isOpen) void this.stock(link);
    }, this.#terms.plan.limits.restartMinMs);
  }

  /** Offers nothing any more. */
  clear(): void {
    if (this.#inventory === undefined) return;
    this.#inventory = undefined;
    this.#terms.ports.onInventory(this.#terms.plan.name, undefined);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.clear();
  }

  async #read(link: Link): Promise<boolean> {
    const { plan, ports } = this.#terms;
    this.#isReading = true;
    this.#isStale = false;
    try {
      const inventory = await readInventory(link, plan.limits.listTimeoutMs);
      if (!link.isOpen) return false;
      this.#publish(inventory);
      ports.rememberInventory(plan.fingerprint, inventory);
      return true;
    } catch (error) {
      if (link.isOpen)
        this.#terms.onFailure(
          `its lists cannot be read: ${error instanceof Error ? error.message : String(error)}`,
        );
      return false;
    } finally {
      this.#isReading = false;
    }
  }

  async #watchOn(link: Link): Promise<void> {
    const canWatch =
      link.facts.era === 'modern' ||
      (this.#watched.length > 0 && isObject(link.facts.capabilities['resources']));
    if (!canWatch) return;
    try {
      await link.watch(this.#watched);
    } catch (error) {
      this.#terms.ports.log(
        'warn',
        this.#terms.plan.name,
        `does not report changes: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }

  #publish(inventory: Inventory): void {
    this.#inventory = inventory;
    this.#terms.ports.onInventory(this.#terms.plan.name, inventory);
  }
}
