import { Cancelled, type Answer } from '../kernel/answer.ts';
import type { Exchange } from '../kernel/exchange.ts';
import type { BreakerPhase, UpstreamState } from '../kernel/inventory.ts';
import type { Permit } from '../kernel/permit.ts';
import type { ServerPlan } from '../kernel/plan.ts';
import { Refusal } from '../kernel/refusals.ts';
import { Breaker } from './breaker.ts';
import { Bulkhead } from './bulkhead.ts';
import type { LinkChoice } from './link-choice.ts';
import type { Link } from './link.ts';
import type { UpstreamCall } from './ports.ts';
import { asksForTask, isRepeatable } from './repeatable.ts';
import { SessionLost, Unanswered } from './unanswered.ts';

/** What a carriage needs of its server. */
export interface CarriageTerms {
  readonly plan: ServerPlan;
  readonly choice: LinkChoice;
  /** Whether the server answers a health check; undefined where there is no connection to ask over. */
  ping(): Promise<boolean> | undefined;
  onBreaker(phase: BreakerPhase, why: string): void;
  /** A call is over, with its answer where it has one. */
  onOver(exchange: Exchange, answer: Answer | undefined): void;
}

/** One call that could not simply be sent and answered. */
interface Errand {
  readonly permit: Permit;
  readonly call: UpstreamCall;
  readonly exchange: Exchange;
  /** When the call got here, in monotonic milliseconds. */
  readonly since: number;
  /** How often it was sent again. */
  again: number;
  isRenewed: boolean;
}

/** In what a call failed; times in monotonic milliseconds. */
interface Circumstances {
  readonly link: Link;
  readonly sentAt: number;
  /** Whether anything came from its server since. */
  readonly wasHeard: boolean;
  readonly isProbe: boolean;
}

/** What ends work that may hold all places: it must not wait for one. */
const ENDING = 'tasks/cancel';

/** Brings calls to one server: each within the places, while the breaker lets it, in its time, and again where it got lost. */
export class Carriage {
  readonly #terms: CarriageTerms;
  readonly #bulkhead: Bulkhead;
  readonly #breaker: Breaker;
  #retries = 0;
  #isStopped = false;

  constructor(terms: CarriageTerms) {
    const { name: upstream, limits } = terms.plan;
    this.#terms = terms;
    this.#bulkhead = new Bulkhead({ upstream, ...placesOf(terms.plan) });
    this.#breaker = new Breaker({
      upstream,
      limits,
      ping: () => terms.ping(),
      onChange: (phase, why) => this.#onBreaker(phase, why),
    });
  }

  /** What an operator sees of it. */
  get report(): Pick<UpstreamState, 'queued' | 'breaker' | 'retries' | 'refused'> {
    return {
      queued: this.#bulkhead.queued,
      breaker: this.#breaker.phase,
      retries: this.#retries,
      refused: { ...this.#bulkhead.turnedDown, open: this.#breaker.refused },
    };
  }

  /** A call that waits for its client keeps no place from others. */
  onAsking(isAsking: boolean): void {
    if (isAsking) this.#bulkhead.leave();
    else this.#bulkhead.takeAnyhow();
  }

  /** A new connection to the server stands. */
  linked(): void {
    this.#breaker.linked();
  }

  /** Nothing is sent any more. */
  stop(): void {
    this.#isStopped = true;
    this.#breaker.stop();
    const message = `Server "${this.#terms.plan.name}" is stopped.`;
    this.#bulkhead.refuseAll(() => new Refusal('UPSTREAM_UNAVAILABLE', message));
  }

  /** Sends a permitted request. Where nothing has to be waited for it costs one promise besides that of its link. */
  async send(permit: Permit, call: UpstreamCall, exchange: Exchange): Promise<Answer> {
    const since = performance.now();
    let answer: Answer | undefined;
    try {
      const link = this.#linkAndPlace(permit, call, exchange);
      if (link === undefined) {
        answer = await this.#sendWhenReady(errandOf(permit, call, exchange, since));
        return answer;
      }
      const { heardAt } = link;
      try {
        answer = await link.call(permit, call, exchange);
        this.#bulkhead.leave();
        this.#breaker.answered();
      } catch (error) {
        this.#bulkhead.leave();
        const wasHeard = heardAt !== link.heardAt;
        this.#judge(error, { link, sentAt: since, wasHeard, isProbe: false });
        answer = await this.#sendAgain(errandOf(permit, call, exchange, since), link, error);
      }
      return answer;
    } finally {
      this.#terms.onOver(exchange, answer);
    }
  }

  /** An open link with a place taken, where neither has to be waited for. */
  #linkAndPlace(permit: Permit, call: UpstreamCall, exchange: Exchange): Link | undefined {
    if (!this.#breaker.isClosed) return undefined;
    const link = this.#terms.choice.now(permit, exchange.owner);
    if (link === undefined || wantsLevel(link, exchange)) return undefined;
    followLevel(link, exchange, this.#terms.plan.limits.listTimeoutMs);
    return this.#hasPlace(call) ? link : undefined;
  }

  #hasPlace({ method }: UpstreamCall): boolean {
    if (this.#bulkhead.take()) return true;
    if (method !== ENDING) return false;
    this.#bulkhead.takeAnyhow();
    return true;
  }

  /** Waits for all that a call needs, and sends it; one that got lost before is told so where it cannot be sent again. */
  async #sendWhenReady(errand: Errand, lost?: Unanswered): Promise<Answer> {
    const link = await this.#ready(errand).catch((error: unknown) => {
      throw error instanceof Cancelled ? error : (lost ?? error);
    });
    if (lost !== undefined) this.#retries += 1;
    try {
      return await this.#sendOnce(errand, link);
    } catch (error) {
      return this.#sendAgain(errand, link, error);
    }
  }

  /** Sends a call that has a place, which is left then. */
  async #sendOnce(errand: Errand, link: Link): Promise<Answer> {
    const { permit, call, exchange } = errand;
    const { heardAt } = link;
    const sentAt = performance.now();
    let isProbe = false;
    try {
      const leftMs = this.#leftMs(errand);
      isProbe = this.#breaker.enter();
      const answer = await link.call(permit, call, exchange, leftMs);
      this.#breaker.answered(isProbe);
      return answer;
    } catch (error) {
      this.#judge(error, { link, sentAt, wasHeard: heardAt !== link.heardAt, isProbe });
      throw error;
    } finally {
      this.#bulkhead.leave();
    }
  }

  /** An open link and a place, in whatever order they come free. */
  async #ready(errand: Errand): Promise<Link> {
    const { permit, call, exchange } = errand;
    const { listTimeoutMs } = this.#terms.plan.limits;
    for (;;) {
      this.#breaker.check();
      const link =
        this.#terms.choice.now(permit, exchange.owner) ?? (await this.#linkInTime(errand));
      if (wantsLevel(link, exchange))
        await link.raiseLevel(exchange.owner.logLevel ?? '', listTimeoutMs);
      followLevel(link, exchange, listTimeoutMs);
      if (!this.#hasPlace(call)) await this.#placeInTime(errand);
      // It may have closed meanwhile.
      if (link.isOpen) return link;
      this.#bulkhead.leave();
    }
  }

  #linkInTime(errand: Errand): Promise<Link> {
    const { owner, cancellation } = errand.exchange;
    const withinMs = this.#leftMs(errand);
    return this.#bulkhead.elsewhere(() => this.#terms.choice.wait(owner, cancellation, withinMs));
  }

  #placeInTime(errand: Errand): Promise<void> {
    const { cancellation, owner } = errand.exchange;
    const { queueWaitMs } = this.#terms.plan.limits;
    const withinMs = lesser(queueWaitMs, this.#leftMs(errand));
    return this.#bulkhead.wait(owner.principal.key, withinMs, cancellation);
  }

  /** What is left of the time for the call, in milliseconds; zero where there is no limit. Throws UPSTREAM_TIMEOUT when it is over. */
  #leftMs({ call, since }: Errand): number {
    const { name, limits } = this.#terms.plan;
    const { callTimeoutMs } = limits;
    if (callTimeoutMs === 0) return 0;
    const leftMs = callTimeoutMs - (performance.now() - since);
    if (leftMs > 0) return leftMs;
    const message = `Server "${name}" could not be given ${call.method} within ${callTimeoutMs} ms; the call was not sent.`;
    throw new Refusal('UPSTREAM_TIMEOUT', message);
  }

  /** Tells the breaker how a call ended that has no answer. */
  #judge(error: unknown, { link, sentAt, wasHeard, isProbe }: Circumstances): void {
    // What a client does to a process of its own says nothing of those of others (docs/rules.md R9).
    const isOwn = link.owner !== undefined && this.#terms.plan.endpoint.kind === 'stdio';
    const fault = error instanceof Unanswered && !isOwn ? error.fault : undefined;
    const isTimeout = error instanceof Unanswered && error.code === 'UPSTREAM_TIMEOUT';
    // A server that was heard meanwhile is there: only this call takes long.
    if (fault === undefined || (isTimeout && wasHeard)) this.#breaker.ignored(isProbe);
    else this.#breaker.failed({ fault, sentAt, isProbe, isAlone: isTimeout });
  }

  /** Sends a call again that got lost, if it may be; else throws why it was lost. */
  async #sendAgain(errand: Errand, link: Link, error: unknown): Promise<Answer> {
    if (!(error instanceof Unanswered) || !this.#maySendAgain(errand, link, error)) throw error;
    return this.#sendWhenReady(errand, error);
  }

  #maySendAgain(errand: Errand, link: Link, error: Unanswered): boolean {
    const { permit, call, exchange } = errand;
    if (this.#isStopped || exchange.cancellation.reason !== undefined) return false;
    if (error instanceof SessionLost && !errand.isRenewed) {
      errand.isRenewed = true;
      return true;
    }
    if (errand.again >= this.#terms.plan.limits.retries || !this.#breaker.isClosed) return false;
    if (exchange.isBegun === true || asksForTask(call)) return false;
    errand.again += 1;
    if (error.fate === 'unsent') return true;
    // What a client's own instance knew is lost with it: the same call may mean something else in a new one.
    const isOfAll = link.owner === undefined;
    return error.fate === 'lost' && isOfAll && isRepeatable(permit, call, exchange);
  }

  #onBreaker(phase: BreakerPhase, why: string): void {
    if (phase === 'open') this.#bulkhead.refuseAll(() => this.#breaker.refusal());
    this.#terms.onBreaker(phase, why);
  }
}

/** A remote server has no more places than connections: who waits for one of those would wait out of turn. */
function placesOf({ endpoint, limits }: ServerPlan): {
  readonly max: number;
  readonly setting: string;
  readonly maxQueued: number;
} {
  const { maxInFlight, maxConnections, maxQueued } = limits;
  if (endpoint.kind === 'stdio' || maxInFlight <= maxConnections)
    return { max: maxInFlight, setting: 'maxInFlight', maxQueued };
  return { max: maxConnections, setting: 'maxConnections', maxQueued };
}

/** Whether a modern client says with its request which log messages it wants of a server that must be told before (docs/rules.md R10). */
function wantsLevel(link: Link, { era, owner }: Exchange): boolean {
  return era === 'modern' && owner.logLevel !== undefined && link.facts.era === 'legacy';
}

/** A later request of the same call may want more messages. */
function followLevel(link: Link, exchange: Exchange, timeoutMs: number): void {
  if (exchange.onLevel === undefined || link.facts.era === 'modern') return;
  exchange.onLevel((level) => void link.raiseLevel(level, timeoutMs));
}

function errandOf(
  ...[permit, call, exchange, since]: [...Parameters<Carriage['send']>, number]
): Errand {
  return { permit, call, exchange, since, again: 0, isRenewed: false };
}

/** The lesser of two times of which zero is no limit. */
function lesser(oneMs: number, otherMs: number): number {
  if (oneMs === 0 || otherMs === 0) return Math.max(oneMs, otherMs);
  return Math.min(oneMs, otherMs);
}
