import type { JsonObject } from '../kernel/json.ts';

/** Told what changed, by the upstream's own id, with the parameters of the news. */
export type Deliver = (id: string, params: JsonObject) => void;

interface Watch {
  readonly upstream: string;
  readonly uri: string;
  readonly subscribers: Map<string, Deliver>;
  /** Settles when the upstream has been told. */
  told: Promise<void>;
}

const NOW = Promise.resolve();

/** Who is told when a resource or a task changes, counted per upstream so that each is watched once. */
export class Subscriptions {
  readonly #byResource = new Map<string, Watch>();
  readonly #telling = new Map<string, Promise<void>>();
  readonly #onWatched: (upstream: string) => Promise<void>;

  /** `onWatched` is told whenever what is watched of an upstream changes. */
  constructor(onWatched: (upstream: string) => Promise<void>) {
    this.#onWatched = onWatched;
  }

  /** Adds a subscriber; resolves when the upstream has been told, rejects when it does not take it. */
  async add(upstream: string, uri: string, subscriber: string, deliver: Deliver): Promise<void> {
    const key = keyOf(upstream, uri);
    const present = this.#byResource.get(key);
    if (present !== undefined) {
      present.subscribers.set(subscriber, deliver);
      await present.told;
      return;
    }
    const watch: Watch = {
      upstream,
      uri,
      subscribers: new Map([[subscriber, deliver]]),
      told: NOW,
    };
    this.#byResource.set(key, watch);
    watch.told = this.#tell(upstream);
    try {
      await watch.told;
    } catch (error) {
      if (this.#byResource.get(key) === watch) this.#byResource.delete(key);
      throw error;
    }
  }

  /** Removes a subscriber from one resource. */
  async remove(upstream: string, uri: string, subscriber: string): Promise<void> {
    const key = keyOf(upstream, uri);
    const present = this.#byResource.get(key);
    if (present?.subscribers.delete(subscriber) !== true || present.subscribers.size > 0) return;
    this.#byResource.delete(key);
    await this.#tell(upstream);
  }

  /** Removes a subscriber from everything. */
  removeAll(subscriber: string): void {
    for (const { upstream, uri, subscribers } of [...this.#byResource.values()]) {
      // The upstream may be gone; then there is nothing to unsubscribe from.
      if (subscribers.has(subscriber))
        void this.remove(upstream, uri, subscriber).catch(() => undefined);
    }
  }

  /** Tells all who want to know that a resource changed. A change of a parent concerns what lies below it too. */
  tell(upstream: string, uri: string, params: JsonObject = {}): void {
    for (const each of this.#byResource.values()) {
      if (each.upstream !== upstream || !concerns(each.uri, uri)) continue;
      for (const deliver of each.subscribers.values()) deliver(uri, params);
    }
  }

  /** What changes within one turn is told once, however many resources a client asks for. */
  #tell(upstream: string): Promise<void> {
    const present = this.#telling.get(upstream);
    if (present !== undefined) return present;
    const telling = Promise.resolve().then(() => {
      this.#telling.delete(upstream);
      return this.#onWatched(upstream);
    });
    this.#telling.set(upstream, telling);
    return telling;
  }

  /** The ids of what is watched of an upstream. */
  watched(upstream: string): string[] {
    return [...this.#byResource.values()]
      .filter((each) => each.upstream === upstream)
      .map((each) => each.uri);
  }
}

function keyOf(upstream: string, uri: string): string {
  return `${upstream}\0${uri}`;
}

/** A server may report a change of something below the resource that was subscribed to (spec: resources, "Subscriptions"). */
function concerns(watched: string, changed: string): boolean {
  return changed === watched || changed.startsWith(watched.endsWith('/') ? watched : `${watched}/`);
}
