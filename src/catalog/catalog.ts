import type { Inventory } from '../kernel/inventory.ts';
import type { ListKind } from '../kernel/methods.ts';
import type { Plan } from '../kernel/plan.ts';
import type { Principal } from '../kernel/principal.ts';
import type { CatalogPorts } from './ports.ts';
import { Snapshot, type Supplier } from './snapshot.ts';
import { CatalogView } from './view.ts';

/** The names under which list changes are told. */
export type ChangeKind = 'tools' | 'prompts' | 'resources';

const TOLD_AS: Readonly<Record<ListKind, ChangeKind>> = {
  tools: 'tools',
  prompts: 'prompts',
  resources: 'resources',
  resourceTemplates: 'resources',
};

/** What all upstreams offer, merged and named. Views are made once per snapshot and kind of caller, not per request. */
export class Catalog {
  readonly #ports: CatalogPorts;
  readonly #inventories = new Map<string, Inventory>();
  #plan: Plan;
  #snapshot: Snapshot;
  #views = new Map<string, CatalogView>();

  constructor(ports: CatalogPorts, plan: Plan) {
    this.#ports = ports;
    this.#plan = plan;
    this.#snapshot = new Snapshot([], plan.naming);
  }

  /** Takes a new configuration: its order, naming and limits. */
  apply(plan: Plan): void {
    this.#plan = plan;
    this.#rebuild();
  }

  /** Takes what an upstream offers now; undefined when it offers nothing any more. */
  put(upstream: string, inventory: Inventory | undefined): void {
    if (inventory === undefined) this.#inventories.delete(upstream);
    else this.#inventories.set(upstream, inventory);
    this.#rebuild();
  }

  view(principal: Principal): CatalogView {
    const key = this.#ports.viewKey(principal);
    const present = this.#views.get(key);
    if (present !== undefined) return present;
    const view = new CatalogView(this.#snapshot, principal, this.#ports, this.#plan.list);
    this.#views.set(key, view);
    return view;
  }

  /** The name clients know an upstream's URI by. */
  publicUri(upstream: string, uri: string): string {
    return this.#snapshot.publicUri(upstream, uri);
  }

  /** How many of each kind are on offer. */
  get counts(): Readonly<Record<ListKind, number>> {
    const { tools, prompts, resources, resourceTemplates } = this.#snapshot.offers;
    return {
      tools: tools.length,
      prompts: prompts.length,
      resources: resources.length,
      resourceTemplates: resourceTemplates.length,
    };
  }

  #rebuild(): void {
    const before = this.#snapshot;
    const suppliers: Supplier[] = [];
    for (const { name } of this.#plan.servers) {
      const inventory = this.#inventories.get(name);
      if (inventory !== undefined) suppliers.push({ name, inventory });
    }
    this.#snapshot = new Snapshot(suppliers, this.#plan.naming);
    this.#views = new Map();
    this.#tellCollisions(before);
    const changed = changedKinds(before, this.#snapshot);
    if (changed.size > 0) this.#ports.onChanged(changed);
  }

  #tellCollisions(before: Snapshot): void {
    const { collisions } = this.#snapshot;
    for (const upstream of new Set([...before.collisions.keys(), ...collisions.keys()])) {
      this.#ports.onCollisions(upstream, collisions.get(upstream) ?? []);
    }
  }
}

/** Which lists differ between two snapshots, as clients see them. */
function changedKinds(before: Snapshot, after: Snapshot): Set<ChangeKind> {
  const changed = new Set<ChangeKind>();
  for (const kind of Object.keys(TOLD_AS) as ListKind[]) {
    const old = before.offers[kind];
    const now = after.offers[kind];
    // Lists of an upstream that was not read again hold the very same objects.
    const isSame =
      old.length === now.length &&
      old.every((offer, index) => isSameItem(offer.item, now[index]?.item));
    if (!isSame) changed.add(TOLD_AS[kind]);
  }
  return changed;
}

function isSameItem(old: unknown, now: unknown): boolean {
  return old === now || JSON.stringify(old) === JSON.stringify(now);
}
