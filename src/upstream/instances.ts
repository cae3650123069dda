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
  readonly #waiting: (() => void)[] = [];
  #sweeper: NodeJS.Timeout | undefined;

  constructor(terms: InstancesTerms) {
    this.#terms = terms;
  }

  get size(): number {
    return this.#byKey.size;
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
    const present = this.#byKey.get(key);
    if (present !== undefined && present.link?.isOpen !== false) {
      present.usedAt = performance.now();
      return present.opening;
    }
    if (present !== undefined) this.drop(key, 'is gone');
    await this.#makeRoom();
    return this.#byKey.get(key)?.opening ?? this.#open(key, owner);
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
      this.#waiting.shift()?.();
    });
  }

  /** A call has ended: a client that waits may take the place of an idle one. */
  wakeNext(): void {
    this.#waiting.shift()?.();
  }

  async close(reason: string): Promise<void> {
    clearInterval(this.#sweeper);
    for (const key of [...this.#byKey.keys()]) this.drop(key, reason);
    await Promise.all(this.#closing);
  }

  #open(key: string, owner: Owner | undefined): Promise<Link> {
    const instance: Instance = {
      key,
      opening: this.#terms.open(owner),
      link: undefined,
      usedAt: performance.now(),
    };
    this.#byKey.set(key, instance);
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
        this.#waiting.shift()?.();
      },
    );
    return instance.opening;
  }

  /** Ends the instance idle for longest when every place is taken; waits while none is idle. */
  async #makeRoom(): Promise<void> {
    const { upstream, limits } = this.#terms;
    const end = performance.now() + limits.restartWaitMs;
    while (this.#byKey.size >= limits.maxInstances) {
      const idle = this.#longestIdle();
      if (idle !== undefined) {
        this.#evict(idle, 'to make room for another client');
      } else if (performance.now() >= end) {
        const message = `All ${limits.maxInstances} instances of server "${upstream}" are in use.`;
        throw new Refusal('UPSTREAM_BUSY', message);
      } else {
        await this.#waitForRoom();
      }
    }
  }

  /** Resolves when a call has ended or an instance is gone, or after a while all the same. */
  #waitForRoom(): Promise<void> {
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
