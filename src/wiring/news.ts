import type { Catalog } from '../catalog/catalog.ts';
import type { ChangesFor } from '../catalog/ports.ts';
import { Subscriptions, type Deliver } from '../catalog/subscriptions.ts';
import { instanceKey } from '../kernel/capabilities.ts';
import { isObject, objectAt, stringAt, type JsonObject } from '../kernel/json.ts';
import { notification, type Notification } from '../kernel/json-rpc.ts';
import { MODERN_VERSION } from '../kernel/era.ts';
import type { Owner, Question } from '../kernel/exchange.ts';
import type { Permit } from '../kernel/permit.ts';
import type { Principal } from '../kernel/principal.ts';
import { Refusal } from '../kernel/refusals.ts';
import type { Target } from '../kernel/target.ts';
import type { Watched } from '../kernel/watched.ts';
import type { SessionTable } from '../session/sessions.ts';
import type { Listening, ListenWish } from '../spine/ports.ts';
import type { Asked } from './asks.ts';
import { WatchQuota } from './watch-quota.ts';
import type { UpstreamPool } from '../upstream/upstream-pool.ts';
import { OpenFailure } from '../upstream/wire.ts';

/** What telling news needs. */
export interface NewsTerms {
  readonly pool: UpstreamPool;
  readonly sessions: SessionTable;
  readonly catalog: Catalog;
  /** Parameters of an upstream's message with its task ids as the principal's clients know them. */
  publicTasks(upstream: string, principal: Principal, params: JsonObject): JsonObject;
  /** Whether a principal may see a target now. */
  sees(principal: Principal, target: Target): boolean;
  /** A server's question as its client may be shown it. Throws Refusal when it may not be asked (docs/rules.md R7). */
  admitQuestion(upstream: string, asked: Asked, question: Question, id: string): Question;
}

const TASKS = 'notifications/tasks';
const STANDING_MS = 1000;

interface Listener {
  readonly principal: Principal;
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
  readonly #quota = new WatchQuota();
  /** What gives back the room that a client's subscriptions take, by resource and client. */
  readonly #taken = new Map<string, Map<string, () => void>>();
  #lastListener = 0;

  constructor(terms: NewsTerms) {
    this.#terms = terms;
    const watch = (upstream: string): Promise<void> => terms.pool.watch(upstream);
    this.#resources = new Subscriptions(watch);
    this.#tasks = new Subscriptions(watch);
  }

  /** What clients see has changed, for each as far as it does for it (docs/rules.md R6). */
  listsChanged(changesFor: ChangesFor): void {
    for (const session of this.#terms.sessions.all()) {
      if (!session.isInitialized) continue;
      for (const kind of changesFor(session.principal, instanceKey(session)))
        session.notify(notification(`notifications/${kind}/list_changed`));
    }
    for (const { principal, wish, deliver } of this.#listeners) {
      for (const kind of changesFor(principal, wish.instance))
        if (wish.lists.has(kind)) deliver(notification(`notifications/${kind}/list_changed`));
    }
  }

  /** A resource changed, for all who subscribed or for one client alone. */
  resourceUpdated(upstream: string, uri: string, owner: Owner | undefined): void {
    if (owner === undefined) this.#resources.tell(upstream, uri);
    else
      this.#deliverTo(upstream, owner, (message) => {
        owner.notify(message);
      })(uri);
  }

  /** A task changed, about which modern clients asked to be told. */
  taskChanged(upstream: string, { params }: Notification): void {
    const id = stringAt(params, 'taskId');
    if (id !== undefined) this.#tasks.tell(upstream, id, params);
  }

  /** What of an upstream is watched: for all clients that share it, or for one over a link of its own. */
  watched(upstream: string, ownerKey?: string): Watched {
    if (ownerKey === undefined)
      return {
        resources: this.#resources.watched(upstream),
        tasks: this.#tasks.watched(upstream),
      };
    return { resources: [...(this.#own.get(ownKey(upstream, ownerKey)) ?? [])], tasks: [] };
  }

  /** How many more resources and tasks a caller may have watched. */
  room(principal: Principal): number {
    return this.#quota.room(principal.key);
  }

  /** Subscribes or unsubscribes a legacy client. */
  async subscribe(permit: Permit, owner: Owner, isOn: boolean): Promise<void> {
    const { upstream, name } = permit.target;
    const taken = this.#taken.get(owner.key) ?? new Map<string, () => void>();
    this.#taken.set(owner.key, taken);
    const key = `${upstream}\0${name}`;
    const before = taken.get(key);
    // Taken before the server has answered: however many ask at once, none gets more than there is.
    if (isOn && before === undefined) taken.set(key, this.#quota.take(owner.principal.key, 1));
    try {
      await this.#subscribe(permit, owner, isOn);
    } catch (error) {
      if (isOn && before === undefined) this.#giveBack(owner.key, key);
      throw unavailable(upstream, error);
    }
    if (!isOn) this.#giveBack(owner.key, key);
  }

  /** How many resources one client is subscribed to. */
  countOf(ownerKey: string): number {
    return this.#taken.get(ownerKey)?.size ?? 0;
  }

  #giveBack(ownerKey: string, key: string): void {
    const taken = this.#taken.get(ownerKey);
    taken?.get(key)?.();
    taken?.delete(key);
  }

  async #subscribe({ target }: Permit, owner: Owner, isOn: boolean): Promise<void> {
    const own = await this.#terms.pool.ownLink(target.upstream, owner);
    if (own !== undefined) {
      const uris = this.#ownUris(target.upstream, owner.key);
      if (isOn) uris.add(target.name);
      else uris.delete(target.name);
      try {
        await own.watch({ resources: [...uris], tasks: [] });
      } catch (error) {
        // What the server did not take must not be asked of it again with the next one.
        if (isOn) uris.delete(target.name);
        throw error;
      }
    } else if (isOn) {
      const deliver = this.#deliverTo(target.upstream, owner, (message) => owner.notify(message));
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
    const listener: Listener = { principal, wish, deliver };
    this.#lastListener += 1;
    const key = `listener ${this.#lastListener}`;
    this.#listeners.add(listener);
    const tellings = [
      ...[...wish.resources.values()].map(({ target }) => {
        const tell = this.#deliverTo(target.upstream, { principal }, deliver);
        return this.#resources.add(target.upstream, target.name, key, tell);
      }),
      ...[...wish.tasks.values()].map(({ target }) => {
        const tell: Deliver = (_id, params) => {
          if (!this.#terms.sees(principal, target)) return;
          const told = this.#withAdmitted(target, principal, params);
          deliver(notification(TASKS, this.#terms.publicTasks(target.upstream, principal, told)));
        };
        return this.#tasks.add(target.upstream, target.name, key, tell);
      }),
    ];
    const giveBack = this.#quota.take(principal.key, wish.resources.size + wish.tasks.size);
    return {
      standing: tellings.length === 0 ? undefined : settled(tellings),
      end: () => {
        giveBack();
        this.#listeners.delete(listener);
        this.#tasks.removeAll(key);
        this.#resources.removeAll(key);
      },
    };
  }

  /** A client is gone. */
  forget(ownerKey: string): void {
    for (const giveBack of this.#taken.get(ownerKey)?.values() ?? []) giveBack();
    this.#taken.delete(ownerKey);
    this.#resources.removeAll(ownerKey);
    for (const key of [...this.#own.keys()])
      if (key.endsWith(`\0${ownerKey}`)) this.#own.delete(key);
  }

  /** What a task asks is a question too: those its server may not ask are left out. */
  #withAdmitted({ upstream, name }: Target, principal: Principal, params: JsonObject): JsonObject {
    const requests = objectAt(params, 'inputRequests');
    if (requests === undefined) return params;
    const asked = { principal, key: principal.key, version: MODERN_VERSION, clientInfo: undefined };
    const inputRequests = Object.entries(requests).flatMap(([key, request]) => {
      const method = isObject(request) ? stringAt(request, 'method') : undefined;
      if (method === undefined || !isObject(request)) return [];
      const question = { method, params: objectAt(request, 'params') ?? {} };
      try {
        const id = JSON.stringify([name, key]);
        const shown = this.#terms.admitQuestion(upstream, asked, question, id);
        return [[key, { ...request, params: shown.params ?? {} }] as const];
      } catch {
        return [];
      }
    });
    return { ...params, inputRequests: Object.fromEntries(inputRequests) };
  }

  #ownUris(upstream: string, ownerKey: string): Set<string> {
    const key = ownKey(upstream, ownerKey);
    const uris = this.#own.get(key) ?? new Set<string>();
    this.#own.set(key, uris);
    return uris;
  }

  /** Rights may have changed since the client subscribed: it hears only of what it could read now. */
  #deliverTo(
    upstream: string,
    client: { readonly principal: Principal },
    deliver: (message: Notification) => void,
  ): (uri: string) => void {
    return (uri) => {
      const { catalog } = this.#terms;
      const shown = catalog.publicUri(upstream, uri);
      const { principal } = client;
      const target = catalog.view(principal).resource(shown) ?? catalog.resourceOf(upstream, uri);
      if (this.#terms.sees(principal, target)) deliver(updated(shown));
    };
  }
}

function ownKey(upstream: string, ownerKey: string): string {
  return `${upstream}\0${ownerKey}`;
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

/** A link that ended while it was asked to watch: what a client is told of that. */
function unavailable(upstream: string, error: unknown): unknown {
  if (!(error instanceof OpenFailure)) return error;
  return new Refusal('UPSTREAM_UNAVAILABLE', `Server "${upstream}" ${error.message}.`);
}
