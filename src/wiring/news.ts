import type { Catalog, ChangeKind } from '../catalog/catalog.ts';
import { Subscriptions } from '../catalog/subscriptions.ts';
import { notification, type Notification } from '../kernel/json-rpc.ts';
import type { Owner } from '../kernel/exchange.ts';
import type { Permit } from '../kernel/permit.ts';
import type { Principal } from '../kernel/principal.ts';
import type { ClientSession } from '../session/session.ts';
import type { SessionTable } from '../session/sessions.ts';
import type { ListenWish } from '../spine/ports.ts';
import type { UpstreamPool } from '../upstream/upstream-pool.ts';

/** What telling news needs. */
export interface NewsTerms {
  readonly pool: UpstreamPool;
  readonly sessions: SessionTable;
  readonly catalog: Catalog;
}

interface Listener {
  readonly wish: ListenWish;
  readonly deliver: (message: Notification) => void;
}

/** Brings changes of lists and resources to the clients that want to hear of them. */
export class News {
  readonly #terms: NewsTerms;
  readonly #listeners = new Set<Listener>();
  readonly #subscriptions: Subscriptions;
  /** What clients subscribed to over a link of their own: URIs by upstream and client. */
  readonly #own = new Map<string, Set<string>>();
  #lastListener = 0;

  constructor(terms: NewsTerms) {
    this.#terms = terms;
    this.#subscriptions = new Subscriptions((upstream, uris) => terms.pool.watch(upstream, uris));
  }

  /** Lists changed for one client alone. */
  listsChangedFor(session: ClientSession, kinds: ReadonlySet<ChangeKind>): void {
    if (!session.isInitialized) return;
    for (const kind of kinds) session.notify(notification(`notifications/${kind}/list_changed`));
  }

  /** Lists changed as clients see them. */
  listsChanged(kinds: ReadonlySet<ChangeKind>): void {
    for (const session of this.#terms.sessions.all()) this.listsChangedFor(session, kinds);
    for (const kind of kinds) {
      const message = notification(`notifications/${kind}/list_changed`);
      for (const { wish, deliver } of this.#listeners) if (wish.lists.has(kind)) deliver(message);
    }
  }

  /** A resource changed, for all who subscribed or for one client alone. */
  resourceUpdated(upstream: string, uri: string, owner: Owner | undefined): void {
    if (owner === undefined) this.#subscriptions.tell(upstream, uri);
    else owner.notify(updated(this.#terms.catalog.publicUri(upstream, uri)));
  }

  /** Subscribes or unsubscribes a legacy client. */
  async subscribe({ target }: Permit, owner: Owner, isOn: boolean): Promise<void> {
    const own = await this.#terms.pool.ownLink(target.upstream, owner);
    if (own !== undefined) {
      const uris = this.#ownUris(target.upstream, owner.key);
      if (isOn) uris.add(target.name);
      else uris.delete(target.name);
      await own.watch([...uris]);
    } else if (isOn) {
      const deliver = this.#deliverTo(target.upstream, (message) => owner.notify(message));
      await this.#subscriptions.add(target.upstream, target.name, owner.key, deliver);
    } else {
      await this.#subscriptions.remove(target.upstream, target.name, owner.key);
    }
  }

  /** Opens a modern subscription; the result ends it. */
  listen(
    principal: Principal,
    wish: ListenWish,
    deliver: (message: Notification) => void,
  ): () => void {
    const listener: Listener = { wish, deliver };
    this.#lastListener += 1;
    const key = `listener ${this.#lastListener}`;
    this.#listeners.add(listener);
    for (const { target } of wish.resources.values()) {
      // A server that does not take the subscription has no changes to tell.
      void this.#subscriptions
        .add(target.upstream, target.name, key, this.#deliverTo(target.upstream, deliver))
        .catch(() => undefined);
    }
    return () => {
      this.#listeners.delete(listener);
      this.#subscriptions.removeAll(key);
    };
  }

  /** A client is gone. */
  forget(ownerKey: string): void {
    this.#subscriptions.removeAll(ownerKey);
    for (const key of [...this.#own.keys()])
      if (key.endsWith(`\0${ownerKey}`)) this.#own.delete(key);
  }

  #ownUris(upstream: string, ownerKey: string): Set<string> {
    const key = `${upstream}\0${ownerKey}`;
    const uris = this.#own.get(key) ?? new Set<string>();
    this.#own.set(key, uris);
    return uris;
  }

  #deliverTo(upstream: string, deliver: (message: Notification) => void): (uri: string) => void {
    return (uri) => deliver(updated(this.#terms.catalog.publicUri(upstream, uri)));
  }
}

function updated(uri: string): Notification {
  return notification('notifications/resources/updated', { uri });
}
