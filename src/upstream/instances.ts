import { Cancelled } from '../kernel/answer.ts';
import { MUTE } from '../kernel/capabilities.ts';
import type { Cancellation, Owner } from '../kernel/exchange.ts';
import type { UpstreamLimits } from '../kernel/plan.ts';
import { Refusal } from '../kernel/refusals.ts';
import type { Link } from './link.ts';
import { Queue } from './queue.ts';

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
  /** Whose client it serves; undefined for those that cannot be asked anything. */
  readonly principal: string | undefined;
  readonly opening: Promise<Link>;
  link: Link | undefined;
  usedAt: number;
}

/** Who wants an instance, and for how long. */
interface Wish {
  readonly owner: Owner | undefined;
  readonly withinMs: number;
  readonly signal: Cancellation | undefined;
}

const LOOK_AGAIN_MS = 50;
const JUST_USED_MS = 20;
/** Whoever holds so many more instances than one who waits has to share. */
const UNFAIR = 2;

/** The links of one upstream that serve one client each (docs/rules.md R9): counted, capped, never handed to another. */
export class Instances {
  readonly #terms: InstancesTerms;
  readonly #byKey = new Map<string, Instance>();
  readonly #closing = new Set<Promise<void>>();
  readonly #queue = new Queue<Promise<Link>>();
  #looking: NodeJS.Timeout | undefined;
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

  /** Calls that wait for a place. */
  get queued(): number {
    return this.#queue.size;
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

  /** The same, for a call that is about to be sent; it counts as used then. */
  use(key: string): Link | undefined {
    return this.#present(key)?.link;
  }

  /**
   * The link for a client, opened when there is none; waits in a queue when every place is in use. Rejects with Cancelled
   * as soon as the signal is cancelled, with UPSTREAM_BUSY after `withinMs` in the queue.
   */
  async get(
    owner: Owner | undefined,
    signal?: Cancellation,
    withinMs = this.#terms.limits.restartWaitMs,
  ): Promise<Link> {
    const key = owner?.key ?? MUTE;
    const present = this.#present(key);
    if (present?.link !== undefined) return present.link;
    if (this.#isClosed) throw this.#stopped();
    if (signal?.reason !== undefined) throw new Cancelled(signal.reason);
    return this.#wait({ owner, withinMs, signal }, present);
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
      this.#serve();
    });
  }

  /** A client is gone: so is its instance, and its calls wait for none. */
  forget(key: string, reason: string): void {
    this.#queue.settle(key, new Cancelled(reason));
    this.drop(key, reason);
  }

  /** A call has ended: a client that waits may take the place of an idle one. */
  wakeNext(): void {
    this.#serve();
  }

  async close(reason: string): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#sweeper);
    clearInterval(this.#looking);
    this.#queue.settleAll(this.#stopped());
    for (const key of [...this.#byKey.keys()]) this.drop(key, reason);
    await Promise.all(this.#closing);
  }

  /** Waits for a place, or for the link that is being opened already. */
  #wait({ owner, withinMs, signal }: Wish, present: Instance | undefined): Promise<Link> {
    return new Promise((resolve, reject) => {
      let leave = (): void => undefined;
      const settle = (outcome: Promise<Link> | Error): void => {
        clearTimeout(timer);
        if (outcome instanceof Error) end(() => reject(outcome));
        else
          outcome.then(
            (link) => end(() => resolve(link)),
            (error: Error) => end(() => reject(error)),
          );
      };
      const end = (how: () => void): void => {
        leave();
        clearTimeout(timer);
        signal?.listen(undefined);
        how();
      };
      const timer = setTimeout(() => end(() => reject(this.#busy())), withinMs);
      signal?.listen((reason) => end(() => reject(new Cancelled(reason))));
      if (present !== undefined) {
        settle(present.opening);
        return;
      }
      leave = this.#queue.join(owner?.key ?? MUTE, owner, { settle });
      this.#serve();
    });
  }

  /** Gives places to those who wait, while there are any. */
  #serve(): void {
    // Between finding a free place and taking it nothing is waited for: many may come at once.
    while (this.#queue.size > 0 && !this.#isClosed) {
      const held = this.#held();
      const next = this.#queue.next(held);
      if (next === undefined) break;
      if (!this.#hasRoom(next.principal, held)) {
        // A link falls idle, or waits for its client, without saying so.
        this.#looking ??= setInterval(() => this.#serve(), LOOK_AGAIN_MS);
        return;
      }
      this.#queue.settle(next.key, this.#open(next.key, next.owner));
    }
    clearInterval(this.#looking);
    this.#looking = undefined;
  }

  #open(key: string, owner: Owner | undefined): Promise<Link> {
    const instance: Instance = {
      key,
      principal: owner?.principal.key,
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
        instance.usedAt = performance.now();
      },
      () => {
        if (this.#byKey.get(key) === instance) this.#byKey.delete(key);
        this.#serve();
      },
    );
    return instance.opening;
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

  /** How many instances each principal holds. */
  #held(): ReadonlyMap<string | undefined, number> {
    const held = new Map<string | undefined, number>();
    for (const { principal } of this.#byKey.values())
      held.set(principal, (held.get(principal) ?? 0) + 1);
    return held;
  }

  /** Whether a place is free; else one is made free, if it can be, one at a time, and it is free then. */
  #hasRoom(principal: string | undefined, held: ReadonlyMap<string | undefined, number>): boolean {
    if (this.#byKey.size + this.#closing.size < this.#terms.limits.maxInstances) return true;
    if (this.#closing.size > 0) return false;
    const idle = this.#longestIdle();
    if (idle !== undefined) {
      this.#evict(idle, 'to make room for another client');
      return false;
    }
    const most = Math.max(...held.values());
    if (most - (held.get(principal) ?? 0) >= UNFAIR) this.#takeFrom(most, held);
    return false;
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

  /** Ends, of those whose principal holds most, the one whose call has waited longest for its client alone (docs/rules.md R9). */
  #takeFrom(most: number, held: ReadonlyMap<string | undefined, number>): void {
    let found: { readonly instance: Instance; readonly since: number } | undefined;
    for (const instance of this.#byKey.values()) {
      const since = instance.link?.askingSince;
      if (since === undefined || held.get(instance.principal) !== most) continue;
      if (found === undefined || since < found.since) found = { instance, since };
    }
    if (found === undefined) return;
    const { limits } = this.#terms;
    this.#terms.log(
      'info',
      'instance ended for another caller, while its call waited for its client',
    );
    const why = `had to give its place to another caller while the call waited for its client (answer sooner, or raise maxInstances of this server, which is ${limits.maxInstances})`;
    this.drop(found.instance.key, why);
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

  #busy(): Refusal {
    const { upstream, limits } = this.#terms;
    const message = `All ${limits.maxInstances} instances of server "${upstream}" are in use.`;
    return new Refusal('UPSTREAM_BUSY', message);
  }

  #stopped(): Refusal {
    return new Refusal('UPSTREAM_UNAVAILABLE', `Server "${this.#terms.upstream}" is stopped.`);
  }
}
