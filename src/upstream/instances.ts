import { MUTE } from '../kernel/capabilities.ts';
import type { Owner } from '../kernel/exchange.ts';
import type { UpstreamLimits } from '../kernel/plan.ts';
import { Refusal } from '../kernel/refusals.ts';
import type { Link } from './link.ts';

/** What a set of instances needs. */
export interface InstancesTerms {
  readonly upstream: string;
  readonly limits: UpstreamLimits;
  /** Opens a link for one client, or for all that cannot be asked anything when there is no owner. */
  open(owner: Owner | undefined): Promise<Link>;
  onDropped(key: string): void;
  log(level: 'info' | 'warn', message: string): void;
}

interface Instance {
  readonly key: string;
  readonly opening: Promise<Link>;
  link: Link | undefined;
  usedAt: number;
}

const LOOK_AGAIN_MS = 100;
const JUST_USED_MS = 20;

/** The links of one upstream that serve one client each (docs/rules.md R9): counted, capped, never handed to another. */
export class Instances {
  readonly #terms: InstancesTerms;
  readonly #byKey = new Map<string, Instance>();
  readonly #closing = new Set<Promise<void>>();
  /** Who waits for a place, first come first. */
  readonly #queue: symbol[] = [];
  readonly #waiting: (() => void)[] = [];
  #sweeper: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(terms: InstancesTerms) {
    this.#terms = terms;
  }

  get size(): number {
    return this.#byKey.size;
  }

  /** Clients' calls that wait for an answer. */
  get inFlight(): number {
    let count = 0;
    for (const { link } of this.#byKey.values()) count += link?.inFlight ?? 0;
    return count;
  }

  /** Clients that wait for a place. */
  get queued(): number {
    return this.#queue.length;
  }

  /** The open links, for news that concern all of them. */
  *links(): Generator<Link> {
    for (const { link } of this.#byKey.values()) if (link?.isOpen === true) yield link;
  }

  /** The link of one client, if it has one that is open. */
  peek(key: string): Link | undefined {
    const link = this.#byKey.get(key)?.link;
    return link?.isOpen === true ? link : undefined;
  }

  /** The link for a client, opened when there is none; waits in a queue when every place is in use. */
  async get(owner: Owner | undefined): Promise<Link> {
    const key = owner?.key ?? MUTE;
    const end = performance.now() + this.#terms.limits.restartWaitMs;
    const ticket = Symbol(key);
    this.#queue.push(ticket);
    try {
      // Between finding a free place and taking it nothing is waited for: many may come at once.
      while (!this.#isClosed) {
        const present = this.#present(key);
        if (present !== undefined) return await present.opening;
        if (this.#queue[0] === ticket && this.#hasRoom())
          return await this.#open(key, owner, ticket);
        await this.#waitForRoom(end);
      }
    } finally {
      this.#leaveQueue(ticket);
    }
    throw new Refusal('UPSTREAM_UNAVAILABLE', `Server "${this.#terms.upstream}" is stopped.`);
  }

  /** Ends the instance of a client that is gone. */
  drop(key: string, reason: string): void {
    const instance = this.#byKey.get(key);
    if (instance === undefined) return;
    this.#byKey.delete(key);
    this.#terms.onDropped(key);
    const closing = instance.opening.then(
      (link) => link.close(reason),
      () => undefined,
    );
    this.#closing.add(closing);
    void closing.finally(() => {
      this.#closing.delete(closing);
      this.wakeNext();
    });
  }

  /** A call has ended: a client that waits may take the place of an idle one. */
  wakeNext(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }

  async close(reason: string): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#sweeper);
    this.wakeNext();
    for (const key of [...this.#byKey.keys()]) this.drop(key, reason);
    await Promise.all(this.#closing);
  }

  #open(key: string, owner: Owner | undefined, ticket: symbol): Promise<Link> {
    const instance: Instance = {
      key,
      opening: this.#terms.open(owner),
      link: undefined,
      usedAt: performance.now(),
    };
    this.#byKey.set(key, instance);
    this.#leaveQueue(ticket);
    if (this.#terms.limits.instanceIdleMs > 0)
      this.#sweeper ??= setInterval(
        () => this.#sweep(),
        Math.max(50, this.#terms.limits.instanceIdleMs / 4),
      ).unref();
    instance.opening.then(
      (link) => {
        instance.link = link;
      },
      () => {
        if (this.#byKey.get(key) === instance) this.#byKey.delete(key);
        this.wakeNext();
      },
    );
    return instance.opening;
  }

  /** Whoever has a place, or gives up waiting for one, lets the next one look. */
  #leaveQueue(ticket: symbol): void {
    const place = this.#queue.indexOf(ticket);
    if (place === -1) return;
    this.#queue.splice(place, 1);
    this.wakeNext();
  }

  /** The instance of a client, unless its link has gone. */
  #present(key: string): Instance | undefined {
    const present = this.#byKey.get(key);
    if (present?.link?.isOpen === false) {
      this.drop(key, 'is gone');
      return undefined;
    }
    if (present !== undefined) present.usedAt = performance.now();
    return present;
  }

  /** Whether a place is free; else the instance idle for longest is ended, one at a time, and its place is free then. */
  #hasRoom(): boolean {
    if (this.#byKey.size + this.#closing.size < this.#terms.limits.maxInstances) return true;
    const idle = this.#closing.size > 0 ? undefined : this.#longestIdle();
    if (idle !== undefined) this.#evict(idle, 'to make room for another client');
    return false;
  }

  /** Resolves when a call has ended or an instance is gone, or after a while all the same. */
  #waitForRoom(end: number): Promise<void> {
    const { upstream, limits } = this.#terms;
    if (performance.now() >= end) {
      const message = `All ${limits.maxInstances} instances of server "${upstream}" are in use.`;
      throw new Refusal('UPSTREAM_BUSY', message);
    }
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, LOOK_AGAIN_MS);
      this.#waiting.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #longestIdle(): Instance | undefined {
    let found: Instance | undefined;
    // One that was just handed out has its call still to come.
    const settled = performance.now() - JUST_USED_MS;
    for (const instance of this.#byKey.values()) {
      const isIdle = instance.link?.inFlight === 0 && instance.usedAt < settled;
      if (isIdle && (found === undefined || instance.usedAt < found.usedAt)) found = instance;
    }
    return found;
  }

  #sweep(): void {
    const limit = performance.now() - this.#terms.limits.instanceIdleMs;
    for (const instance of [...this.#byKey.values()]) {
      const isIdle = instance.link !== undefined && instance.link.inFlight === 0;
      if (isIdle && instance.usedAt < limit) this.#evict(instance, 'after idling');
    }
  }

  #evict(instance: Instance, why: string): void {
    this.#terms.log('info', `instance ended ${why}; the state it kept for its client is lost`);
    this.drop(instance.key, 'stopped');
  }
}
