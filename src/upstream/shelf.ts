import type { Inventory } from '../kernel/inventory.ts';
import { isObject } from '../kernel/json.ts';
import type { ListKind } from '../kernel/methods.ts';
import type { ServerPlan } from '../kernel/plan.ts';
import { Backoff } from './backoff.ts';
import type { Link } from './link.ts';
import type { UpstreamPorts } from './ports.ts';
import { readInventory } from './read-inventory.ts';

/** What a shelf needs. */
export interface ShelfTerms {
  readonly plan: ServerPlan;
  readonly ports: UpstreamPorts;
  readonly debounceMs: () => number;
  onStocked(): void;
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
  readonly #watchBackoff: Backoff;
  #inventory: Inventory | undefined;
  #link: Link | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isReading = false;
  #isStale = false;
  #failures = 0;
  #watchedAt = 0;
  #remembered: string | undefined;

  constructor(terms: ShelfTerms) {
    this.#terms = terms;
    this.#watchBackoff = new Backoff(terms.plan.limits);
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

  /** Reads everything over a new link and has its changes told. */
  async stock(link: Link): Promise<void> {
    this.#link = link;
    this.#failures = 0;
    // Watching comes first, so that no change falls between reading and watching.
    await this.#watchOn(link);
    await this.#read();
  }

  /** The server says that something changed: reads again after a pause, once for many such messages. */
  restock(): void {
    this.#readIn(this.#terms.debounceMs());
  }

  /** Asks again for changes after the stream that told them was lost, ever less often while that keeps happening. */
  watchAgain(): void {
    const link = this.#link;
    const waitMs = this.#watchBackoff.after(performance.now() - this.#watchedAt);
    setTimeout(() => {
      if (link?.isOpen === true && link === this.#link) void this.stock(link);
    }, waitMs).unref();
  }

  /** Offers nothing any more. */
  clear(): void {
    if (this.#inventory === undefined) return;
    this.#inventory = undefined;
    this.#terms.ports.onInventory(this.#terms.plan.name, undefined);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#link = undefined;
    this.clear();
  }

  #readIn(ms: number): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#read();
    }, ms);
  }

  /** Reads over the current link; what changes while it reads is read again. */
  async #read(): Promise<void> {
    this.#isStale = true;
    if (this.#isReading) return;
    this.#isReading = true;
    while (this.#isStale && this.#link !== undefined) {
      this.#isStale = false;
      await this.#readOver(this.#link);
    }
    this.#isReading = false;
  }

  async #readOver(link: Link): Promise<void> {
    const { plan } = this.#terms;
    try {
      const inventory = await readInventory(link, plan.limits.listTimeoutMs);
      if (!link.isOpen || link !== this.#link) return;
      this.#failures = 0;
      this.#publish(inventory);
      this.#remember(inventory);
      this.#terms.onStocked();
    } catch (error) {
      if (link.isOpen && link === this.#link) this.#onFailure(textOf(error));
    }
  }

  /** Writing is not free: what is on disk already is not written again. */
  #remember(inventory: Inventory): void {
    const text = JSON.stringify(inventory);
    if (text === this.#remembered) return;
    this.#remembered = text;
    this.#terms.ports.rememberInventory(this.#terms.plan.fingerprint, text);
  }

  /** A server may be too busy to list: it is asked again, ever less often. */
  #onFailure(why: string): void {
    const { restartMinMs, restartMaxMs } = this.#terms.plan.limits;
    this.#terms.onFailure(`its lists cannot be read: ${why}`);
    this.#readIn(Math.min(restartMaxMs, restartMinMs * 2 ** this.#failures));
    this.#failures += 1;
  }

  async #watchOn(link: Link): Promise<void> {
    const { plan, ports } = this.#terms;
    const watched = ports.watched(plan.name);
    const hasResources = isObject(link.facts.capabilities['resources']);
    const isNeeded = watched.resources.length > 0 && hasResources;
    if (link.facts.era === 'legacy' && !isNeeded) return;
    this.#watchedAt = performance.now();
    try {
      await link.watch(watched);
    } catch (error) {
      ports.log('warn', plan.name, `does not report changes: ${textOf(error)}`);
    }
  }

  #publish(inventory: Inventory): void {
    this.#inventory = inventory;
    this.#terms.ports.onInventory(this.#terms.plan.name, inventory);
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
