import { toHeader } from '../../kernel/header-text.ts';
import type { UpstreamLimits } from '../../kernel/plan.ts';
import type { FetchSink, Fetching } from '../connectors/http-fetch.ts';
import { DirectOutlet, type Outgoing, type Outlet } from '../connectors/outlet.ts';
import { FailSafe } from './fail-safe.ts';
import type { LunarGateway } from './lunar-gateway.ts';
import { Passage } from './passage.ts';

/** The Lunar Gateway to go through, and where to say what becomes of it. */
export interface LunarTerms {
  readonly gateway: LunarGateway;
  readonly log: (level: 'debug' | 'info' | 'warn', message: string) => void;
}

/** A proxy that does not take a connection sooner is not waited for: whoever called waits as well. */
const CONNECT_MS = 2000;

/**
 * Sends requests to one server through a Lunar Gateway. One that cannot have run because of it is sent again, directly
 * (docs/rules.md R26). That the gateway cannot be reached counts for all servers; what it says of this one counts here, so
 * that no server can switch it off for the others.
 */
export class LunarOutlet implements Outlet {
  readonly #gateway: LunarGateway;
  readonly #failSafe: FailSafe;
  readonly #proxied: DirectOutlet;
  readonly #direct: DirectOutlet;
  readonly #log: LunarTerms['log'];
  #isClosed = false;

  constructor({ gateway, log }: LunarTerms, limits: UpstreamLimits, origin: string) {
    const connectTimeoutMs = Math.min(limits.connectTimeoutMs || CONNECT_MS, CONNECT_MS);
    this.#gateway = gateway;
    this.#failSafe = new FailSafe(gateway.plan);
    this.#proxied = new DirectOutlet(
      { ...limits, connectTimeoutMs },
      `http://${gateway.authority}`,
    );
    this.#direct = new DirectOutlet(limits, origin);
    this.#log = log;
  }

  start(outgoing: Outgoing): Fetching {
    const safes = [this.#gateway.failSafe, this.#failSafe];
    if (!safes.every((safe) => safe.isOpen)) return this.#direct.start(outgoing);
    for (const safe of safes) safe.begin();
    return new Passage({
      sink: outgoing.sink,
      proxied: (sink) => this.#startProxied(outgoing, sink),
      direct: (why) => {
        this.#log('debug', `${outgoing.method} goes directly: the Lunar Gateway ${why}`);
        return this.#direct.start(outgoing);
      },
      onArrived: () => safes.forEach((safe) => safe.arrived()),
      onUseless: () => safes.forEach((safe) => safe.ended()),
      onAnswered: () => this.#onAnswered(),
      onFailed: (isAboutAll, why) => this.#onFailed(isAboutAll, why),
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([this.#proxied.close(), this.#direct.close()]);
  }

  #startProxied(outgoing: Outgoing, sink: FetchSink): Fetching {
    const { url, headers, consumer } = outgoing;
    const own: Record<string, string> = {
      ...(consumer === undefined ? {} : { 'x-lunar-consumer-tag': toHeader(consumer) }),
      'x-lunar-host': url.host,
      'x-lunar-scheme': url.protocol.slice(0, -1),
    };
    // An entry may spell its headers as it likes: none of them says where the request goes.
    const others = Object.entries(headers).filter(
      ([name]) => !Object.hasOwn(own, name.toLowerCase()),
    );
    return this.#proxied.start({
      ...outgoing,
      headers: { ...Object.fromEntries(others), ...own },
      sink,
    });
  }

  #onAnswered(): void {
    const isBack = this.#gateway.failSafe.succeeded();
    if (this.#failSafe.succeeded() || isBack)
      this.#log('info', `the Lunar Gateway ${this.#gateway.authority} is in use again`);
  }

  #onFailed(isAboutAll: boolean, why: string): void {
    const [failed, other] = isAboutAll
      ? [this.#gateway.failSafe, this.#failSafe]
      : [this.#failSafe, this.#gateway.failSafe];
    other.ended();
    // Requests that are ended with their server say nothing about the way to it.
    if (this.#isClosed || !failed.failed()) return;
    const { failuresToCooldown, cooldownMs } = this.#gateway.plan;
    const whom = isAboutAll ? 'all servers are' : 'this server is';
    this.#log(
      'warn',
      `the Lunar Gateway ${this.#gateway.authority} ${why}, ${failuresToCooldown} times in a row: ${whom} reached directly for ${cooldownMs} ms`,
    );
  }
}
