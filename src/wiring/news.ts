import type { Catalog, ChangeKind } from '../catalog/catalog.ts';
import { Subscriptions, type Deliver } from '../catalog/subscriptions.ts';
import { stringAt, type JsonObject } from '../kernel/json.ts';
import { notification, type Notification } from '../kernel/json-rpc.ts';
import type { Owner } from '../kernel/exchange.ts';
import type { Permit } from '../kernel/permit.ts';
import type { Principal } from '../kernel/principal.ts';
import type { ClientSession } from '../session/session.ts';
import type { SessionTable } from '../session/sessions.ts';
import type { Listening, ListenWish } from '../spine/ports.ts';
import type { UpstreamPool } from '../upstream/upstream-pool.ts';

/** What telling news needs. */
export interface NewsTerms {
  readonly pool: UpstreamPool;
  readonly sessions: SessionTable;
  readonly catalog: Catalog;
  /** Parameters of an upstream's message with its task ids as the principal's clients know them. */
  publicTasks(upstream: string, principal: Principal, params: JsonObject): JsonObject;
}

const TASKS = 'notifications/tasks';
const STANDING_MS = 1000;

interface Listener {
  readonly wish: ListenWish;
  readonly deliver: (message: Notification) => void;
}

/** Brings changes of lists and resources to the clients that want to hear of them. */
export class News {
  readonly #terms: NewsTerms;
  readonly #listeners = new Set<Listener>();
  readonly #resources: Subscriptions;
  readonly #tasks: Subscriptions;
  /** What clients subscribed to over a link of their own: URIs by upstream and client. */
  readonly #own = new Map<string, Set<string>>();
  #lastListener = 0;

  constructor(terms: NewsTerms) {
    this.#terms = terms;
    const watch = (upstream: string): Promise<void> => this.#watch(upstream);
    this.#resources = new Subscriptions(watch);
    this.#tasks = new Subscriptions(watch);
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
    if (owner === undefined) this.#resources.tell(upstream, uri);
    else owner.notify(updated(this.#terms.catalog.publicUri(upstream, uri)));
  }

  /** A task changed, about which modern clients asked to be told. */
  taskChanged(upstream: string, { params }: Notification): void {
    const id = stringAt(params, 'taskId');
    if (id !== undefined) this.#tasks.tell(upstream, id, params);
  }

  /** Subscribes or unsubscribes a legacy client. */
  async subscribe({ target }: Permit, owner: Owner, isOn: boolean): Promise<void> {
    const own = await this.#terms.pool.ownLink(target.upstream, owner);
    if (own !== undefined) {
      const uris = this.#ownUris(target.upstream, owner.key);
      if (isOn) uris.add(target.name);
      else uris.delete(target.name);
      await own.watch({ resources: [...uris], tasks: [] });
    } else if (isOn) {
      const deliver = this.#deliverTo(target.upstream, (message) => owner.notify(message));
      await this.#resources.add(target.upstream, target.name, owner.key, deliver);
    } else {
      await this.#resources.remove(target.upstream, target.name, owner.key);
    }
  }

  /** Opens a modern subscription. */
  listen(
    principal: Principal,
    wish: ListenWish,
    deliver: (message: Notification) => void,
  ): Listening {
    const listener: Listener = { wish, deliver };
    this.#lastListener += 1;
    const key = `listener ${this.#lastListener}`;
    this.#listeners.add(listener);
    const tellings = [
      ...[...wish.resources.values()].map(({ target }) => {
        const tell = this.#deliverTo(target.upstream, deliver);
        return this.#resources.add(target.upstream, target.name, key, tell);
      }),
      ...[...wish.tasks.values()].map(({ target }) => {
        const tell: Deliver = (_id, params) =>
          deliver(notification(TASKS, this.#terms.publicTasks(target.upstream, principal, params)));
        return this.#tasks.add(target.upstream, target.name, key, tell);
      }),
    ];
    return {
      standing: tellings.length === 0 ? undefined : settled(tellings),
      end: () => {
        this.#listeners.delete(listener);
        this.#tasks.removeAll(key);
        this.#resources.removeAll(key);
      },
    };
  }

  /** A client is gone. */
  forget(ownerKey: string): void {
    this.#resources.removeAll(ownerKey);
    for (const key of [...this.#own.keys()])
      if (key.endsWith(`\0${ownerKey}`)) this.#own.delete(key);
  }

  #watch(upstream: string): Promise<void> {
    const resources = this.#resources.watched(upstream);
    return this.#terms.pool.watch(upstream, { resources, tasks: this.#tasks.watched(upstream) });
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

/** A server that does not take a subscription has no changes to tell, and one that is slow must not keep others waiting. */
async function settled(tellings: readonly Promise<void>[]): Promise<void> {
  const late = new Promise<void>((resolve) => {
    setTimeout(resolve, STANDING_MS).unref();
  });
  await Promise.race([Promise.allSettled(tellings), late]);
}
