import { MUTE } from '../kernel/capabilities.ts';
import type { JsonObject } from '../kernel/json.ts';
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

/** What differs for one client, for its own instances offer something else. */
interface OwnOffers {
  readonly inventories: ReadonlyMap<string, Inventory>;
  snapshot: Snapshot;
  view: CatalogView | undefined;
}

const NONE: ReadonlyMap<string, Inventory> = new Map();

/** What all upstreams offer, merged and named. Views are made once per snapshot and kind of caller, not per request. */
export class Catalog {
  readonly #ports: CatalogPorts;
  readonly #inventories = new Map<string, Inventory>();
  #plan: Plan;
  #snapshot: Snapshot;
  #views = new Map<string, CatalogView>();
  readonly #own = new Map<string, OwnOffers>();

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

  /** Takes what a client's own instance of an upstream offers; undefined when that instance is gone. */
  putOwn(ownerKey: string, upstream: string, inventory: Inventory | undefined): Set<ChangeKind> {
    const before = this.#own.get(ownerKey);
    const inventories = new Map(before?.inventories);
    if (inventory === undefined) inventories.delete(upstream);
    else inventories.set(upstream, inventory);
    const snapshot = this.#snapshotOf(inventories, ownerKey);
    if (inventories.size === 0) this.#own.delete(ownerKey);
    else this.#own.set(ownerKey, { inventories, snapshot, view: undefined });
    return changedKinds(before?.snapshot ?? this.#snapshot, snapshot);
  }

  /** The catalog as a principal sees it; with what its own instances offer, where the client has any that differ. */
  view(principal: Principal, ownerKey?: string): CatalogView {
    const own = ownerKey === undefined ? undefined : this.#own.get(ownerKey);
    if (own !== undefined) {
      own.view ??= this.#viewOf(own.snapshot, principal);
      return own.view;
    }
    const key = this.#ports.viewKey(principal);
    const present = this.#views.get(key);
    if (present !== undefined) return present;
    const view = this.#viewOf(this.#snapshot, principal);
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
    this.#snapshot = this.#snapshotOf(NONE, '');
    this.#views = new Map();
    for (const [ownerKey, own] of this.#own) {
      own.snapshot = this.#snapshotOf(own.inventories, ownerKey);
      own.view = undefined;
    }
    this.#tellCollisions(before);
    const changed = changedKinds(before, this.#snapshot);
    if (changed.size > 0) this.#ports.onChanged(changed);
  }

  /** A snapshot in which some upstreams offer what one client's own instances do. */
  #snapshotOf(own: ReadonlyMap<string, Inventory>, ownerKey: string): Snapshot {
    const suppliers: Supplier[] = [];
    for (const { name } of this.#plan.servers) {
      const shared = this.#inventories.get(name);
      const differing = own.get(name);
      if (shared === undefined) continue;
      // What clients that cannot be asked are shown must not depend on whether one of them has called before.
      const inventory = ownerKey === MUTE ? united(shared, differing) : (differing ?? shared);
      suppliers.push({ name, inventory });
    }
    return new Snapshot(suppliers, this.#plan.naming);
  }

  #viewOf(snapshot: Snapshot, principal: Principal): CatalogView {
    return new CatalogView(snapshot, principal, this.#ports, this.#plan.list);
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

/** An inventory with what another one of the same server has besides. */
function united(shared: Inventory, other: Inventory | undefined): Inventory {
  if (other === undefined) return shared;
  const unite = (kind: ListKind, key: string): readonly JsonObject[] => {
    const known = new Set(shared.lists[kind].map((item) => item[key]));
    return [...shared.lists[kind], ...other.lists[kind].filter((item) => !known.has(item[key]))];
  };
  return {
    ...shared,
    lists: {
      tools: unite('tools', 'name'),
      prompts: unite('prompts', 'name'),
      resources: unite('resources', 'uri'),
      resourceTemplates: unite('resourceTemplates', 'uriTemplate'),
    },
  };
}
