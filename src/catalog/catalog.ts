import { MUTE } from '../kernel/capabilities.ts';
import type { JsonObject } from '../kernel/json.ts';
import type { Inventory } from '../kernel/inventory.ts';
import type { ListKind } from '../kernel/methods.ts';
import type { Plan } from '../kernel/plan.ts';
import type { Principal } from '../kernel/principal.ts';
import type { Target } from '../kernel/target.ts';
import { changedKinds } from './changes.ts';
import { namesCaller } from '../kernel/extensions.ts';
import type { CatalogPorts, ChangeKind } from './ports.ts';
import { Snapshot, type Supplier } from './snapshot.ts';
import { knowsTasks } from './task-tools.ts';
import { CatalogView } from './view.ts';

/** What differs for one client, for its own instances offer something else. */
interface OwnOffers {
  readonly inventories: ReadonlyMap<string, Inventory>;
  readonly snapshot: Snapshot;
  readonly views: WeakMap<Principal, CatalogView>;
}

/** What there was to see before a change. */
interface Before {
  readonly snapshot: Snapshot;
  readonly own: ReadonlyMap<string, OwnOffers>;
}

const NONE: ReadonlyMap<string, Inventory> = new Map();
const NOTHING: ReadonlySet<ChangeKind> = new Set();
const MAX_VIEWS = 1000;
/** A clock that is set is noticed no later. */
const MAX_SLEEP_MS = 2_000;

/** What all upstreams offer, merged and named. Views are made once per snapshot and kind of caller, not per request. */
export class Catalog {
  readonly #ports: CatalogPorts;
  readonly #inventories = new Map<string, Inventory>();
  readonly #own = new Map<string, OwnOffers>();
  #plan: Plan;
  #snapshot: Snapshot;
  readonly #views = new Map<string, CatalogView>();
  /** Spares the key on the way of every request. */
  #byCaller = new WeakMap<Principal, CatalogView>();
  /** What each caller was last told of, to find out what has changed for it. */
  #told = new WeakMap<Principal, CatalogView>();
  #wakeAt: number | undefined;
  #sleepsSince = 0;
  #waking: NodeJS.Timeout | undefined;

  constructor(ports: CatalogPorts, plan: Plan) {
    this.#ports = ports;
    this.#plan = plan;
    this.#snapshot = new Snapshot([], plan.naming, plan.extensions);
  }

  /** Takes a new configuration: its order, naming, limits, and whatever its policy shows to whom. */
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
  putOwn(ownerKey: string, upstream: string, inventory: Inventory | undefined): void {
    const before = { snapshot: this.#snapshot, own: new Map(this.#own) };
    const inventories = new Map(this.#own.get(ownerKey)?.inventories);
    if (inventory === undefined) inventories.delete(upstream);
    else inventories.set(upstream, inventory);
    if (inventories.size === 0) this.#own.delete(ownerKey);
    else this.#own.set(ownerKey, this.#ownOffers(ownerKey, inventories));
    this.#ports.onChanged((principal, key) =>
      key === ownerKey ? this.#ownChanges(principal, key, before) : NOTHING,
    );
  }

  /** The same for a client of this protocol version: without what can be called as a task alone where it has no tasks. */
  viewFor(version: string, principal: Principal, ownerKey?: string): CatalogView {
    const view = this.view(principal, ownerKey);
    return knowsTasks(version) ? view : view.taskless;
  }

  /** The catalog as a principal sees it; with what its own instances offer, where the client has any that differ. */
  view(principal: Principal, ownerKey?: string): CatalogView {
    const own =
      ownerKey === undefined || this.#own.size === 0 ? undefined : this.#own.get(ownerKey);
    if (own !== undefined) return this.#ownView(own, principal);
    const last = this.#byCaller.get(principal);
    if (last !== undefined && this.#isCurrent(last)) return last;
    const view = this.#sharedView(principal);
    this.#byCaller.set(principal, view);
    if (!this.#told.has(principal)) this.#told.set(principal, view);
    return view;
  }

  /** The name clients know an upstream's URI by. */
  publicUri(upstream: string, uri: string): string {
    return this.#snapshot.publicUri(upstream, uri);
  }

  /** What an upstream knows by a URI, under the name clients know it by. */
  resourceOf(upstream: string, uri: string): Target {
    return this.#snapshot.resourceOf(upstream, uri, this.publicUri(upstream, uri));
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

  /** The clock is no longer watched. */
  close(): void {
    clearTimeout(this.#waking);
  }

  /** What the clock changes is as it was only while the clock goes on: it may be set back. */
  #isCurrent({ since, until }: CatalogView): boolean {
    if (until === undefined) return true;
    const now = this.#ports.now();
    return now >= since && now < until;
  }

  #sharedView(principal: Principal): CatalogView {
    const key = this.#ports.viewKey(principal);
    const present = this.#views.get(key);
    if (present !== undefined && this.#isCurrent(present)) return present;
    const view = this.#viewOf(this.#snapshot, principal);
    // A caller's kind may depend on its token: there may be as many as callers.
    if (this.#views.size >= MAX_VIEWS) this.#views.clear();
    this.#views.set(key, view);
    return view;
  }

  #ownView(own: OwnOffers, principal: Principal): CatalogView {
    const present = own.views.get(principal);
    if (present !== undefined && this.#isCurrent(present)) return present;
    const view = this.#viewOf(own.snapshot, principal, true);
    own.views.set(principal, view);
    return view;
  }

  /** What a client's own instances offer is nobody else's, whatever policy says. */
  #viewOf(snapshot: Snapshot, principal: Principal, isOwn = false): CatalogView {
    const until = this.#ports.viewUntil(principal);
    if (until !== undefined) this.#wakeBy(until);
    const isUniform = !isOwn && this.#isUniform();
    const isOpen = this.#isOpen() && principal.endpoint === undefined;
    return new CatalogView(
      { snapshot, principal, until, isUniform, isOpen },
      this.#ports,
      this.#plan.list,
    );
  }

  /** Whether all callers see the same, so that what one was sent may be kept for others. */
  #isUniform(): boolean {
    const { auth, access, extensions } = this.#plan;
    if (namesCaller(extensions)) return false;
    const entries = Object.keys(access.consumers).length + Object.keys(access.clientNames).length;
    return !auth.isOn && entries + access.rules.length === 0;
  }

  /** Whether no entry and no rule hides anything from anybody. */
  #isOpen(): boolean {
    const { consumers, clientNames, rules, default: entry } = this.#plan.access;
    const others = Object.keys(consumers).length + Object.keys(clientNames).length + rules.length;
    return others === 0 && entry.base === 'allow' && entry.block.length === 0;
  }

  #rebuild(): void {
    const before = { snapshot: this.#snapshot, own: new Map(this.#own) };
    this.#snapshot = this.#snapshotOf(NONE, '');
    this.#views.clear();
    this.#byCaller = new WeakMap();
    for (const [ownerKey, { inventories }] of before.own)
      this.#own.set(ownerKey, this.#ownOffers(ownerKey, inventories));
    this.#tellCollisions(before.snapshot);
    this.#announce(before);
  }

  #announce(before: Before): void {
    // Clients of one caller are asked about one after the other, and must all be told the same.
    const known = new Map<Principal, ReadonlySet<ChangeKind>>();
    const told = new WeakMap<Principal, CatalogView>();
    this.#ports.onChanged((principal, ownerKey = '') => {
      if (before.own.has(ownerKey) || this.#own.has(ownerKey))
        return this.#ownChanges(principal, ownerKey, before);
      const changes = known.get(principal) ?? this.#changes(principal, before);
      known.set(principal, changes);
      told.set(principal, this.view(principal));
      return changes;
    });
    // Whoever was not there to be told begins anew with the next list.
    this.#told = told;
  }

  #changes(principal: Principal, before: Before): Set<ChangeKind> {
    const old = this.#told.get(principal) ?? this.#viewOf(before.snapshot, principal);
    return changedKinds(old, this.view(principal));
  }

  #ownChanges(principal: Principal, ownerKey: string, before: Before): Set<ChangeKind> {
    const own = before.own.get(ownerKey);
    const old =
      own === undefined
        ? (this.#told.get(principal) ?? this.#viewOf(before.snapshot, principal))
        : (own.views.get(principal) ?? this.#viewOf(own.snapshot, principal));
    return changedKinds(old, this.view(principal, ownerKey));
  }

  /** What the clock changes is looked at again when it does (docs/rules.md R5). */
  #wakeBy(until: number): void {
    if (this.#wakeAt !== undefined && this.#wakeAt <= until) return;
    const now = this.#ports.now();
    const wasSetBack = this.#wakeAt !== undefined && now < this.#sleepsSince;
    this.#wakeAt = until;
    this.#sleepTo(wasSetBack ? now : until);
  }

  /** Sleeps a while at a time: the clock may be set meanwhile. */
  #sleepTo(until: number): void {
    clearTimeout(this.#waking);
    this.#sleepsSince = this.#ports.now();
    const delay = Math.min(MAX_SLEEP_MS, Math.max(1, until - this.#sleepsSince));
    this.#waking = setTimeout(() => {
      const now = this.#ports.now();
      if (now >= this.#sleepsSince && now < until) {
        this.#sleepTo(until);
        return;
      }
      this.#wakeAt = undefined;
      const before = { snapshot: this.#snapshot, own: new Map(this.#own) };
      this.#forgetViews();
      this.#announce(before);
    }, delay).unref();
  }

  /** Made anew, views say how long they hold: where the clock was set, some were made before this was noticed. */
  #forgetViews(): void {
    this.#views.clear();
    this.#byCaller = new WeakMap();
    for (const [ownerKey, own] of this.#own)
      this.#own.set(ownerKey, { ...own, views: new WeakMap() });
  }

  #ownOffers(ownerKey: string, inventories: ReadonlyMap<string, Inventory>): OwnOffers {
    const snapshot = this.#snapshotOf(inventories, ownerKey);
    return { inventories, snapshot, views: new WeakMap() };
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
    return new Snapshot(suppliers, this.#plan.naming, this.#plan.extensions);
  }

  #tellCollisions(before: Snapshot): void {
    const { collisions } = this.#snapshot;
    for (const upstream of new Set([...before.collisions.keys(), ...collisions.keys()])) {
      this.#ports.onCollisions(upstream, collisions.get(upstream) ?? []);
    }
  }
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
