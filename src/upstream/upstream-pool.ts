import type { Answer } from '../kernel/answer.ts';
import { LOG_LEVELS } from '../kernel/era.ts';
import type { Exchange, Owner } from '../kernel/exchange.ts';
import type { UpstreamState } from '../kernel/inventory.ts';
import type { Permit } from '../kernel/permit.ts';
import type { Plan, ServerPlan } from '../kernel/plan.ts';
import { Refusal } from '../kernel/refusals.ts';
import type { Link } from './link.ts';
import type { UpstreamCall, UpstreamPorts } from './ports.ts';
import { Slots } from './slots.ts';
import { Upstream } from './upstream.ts';

const LEVEL_WAIT_MS = 1000;

/** All configured upstreams. Those whose configuration did not change live on across reloads. */
export class UpstreamPool {
  readonly #ports: UpstreamPorts;
  readonly #slots: Slots;
  readonly #byName = new Map<string, Upstream>();
  readonly #leaving = new Set<Promise<void>>();

  constructor(ports: UpstreamPorts) {
    this.#ports = ports;
    this.#slots = new Slots(ports.startConcurrency);
  }

  /** Brings the set of running servers in line with a plan; returns at once. */
  apply(plan: Plan): void {
    const wanted = new Map<string, ServerPlan>(plan.servers.map((server) => [server.name, server]));
    for (const [name, upstream] of [...this.#byName]) {
      const next = wanted.get(name);
      const isSame =
        next?.fingerprint === upstream.plan.fingerprint && next.isActive === upstream.plan.isActive;
      if (isSame && next.pendingInput === upstream.plan.pendingInput) wanted.delete(name);
      else this.#remove(name, upstream);
    }
    for (const server of wanted.values()) {
      const upstream = new Upstream(server, this.#ports, this.#slots);
      this.#byName.set(server.name, upstream);
      upstream.start();
    }
    // States are told in the order of the configuration.
    const ordered = plan.servers.flatMap(({ name }) => this.#entry(name));
    this.#byName.clear();
    for (const [name, upstream] of ordered) this.#byName.set(name, upstream);
  }

  /** Sends a permitted request to the upstream it addresses. */
  send(permit: Permit, call: UpstreamCall, exchange: Exchange): Promise<Answer> {
    return this.#get(permit.target.upstream).send(permit, call, exchange);
  }

  /** The private link of a client to an upstream where its calls go over one; undefined where it shares one. */
  async ownLink(upstreamName: string, owner: Owner): Promise<Link | undefined> {
    const upstream = this.#get(upstreamName);
    if (!upstream.isPrivateTo(owner)) return undefined;
    const link = await upstream.linkOf(owner);
    return link.owner === undefined ? undefined : link;
  }

  /** Has an upstream take over what is watched for the clients that share it; rejects when it is refused. */
  watch(upstreamName: string): Promise<void> {
    return this.#get(upstreamName).watch();
  }

  /** Sets the log level of links that clients share, and of this client's own links. */
  async setLevel(sharedLevel: string, owner: Owner): Promise<void> {
    const tellings: Promise<void>[] = [];
    for (const upstream of this.#byName.values()) {
      for (const link of upstream.links(owner.key)) {
        const level = link.owner === undefined ? sharedLevel : (owner.logLevel ?? sharedLevel);
        tellings.push(link.setLevel(level, LEVEL_WAIT_MS));
      }
    }
    // A server that does not take the level must not keep the client waiting.
    await Promise.all(tellings);
  }

  /** Notes what of an upstream's offers is left out; empty when nothing is. */
  complain(upstreamName: string, reasons: readonly string[]): void {
    this.#byName.get(upstreamName)?.complain(reasons.length === 0 ? undefined : reasons.join('; '));
  }

  /** Tells the servers that serve this client alone that its roots changed. */
  rootsChanged(ownerKey: string): void {
    for (const upstream of this.#byName.values()) {
      for (const link of upstream.links(ownerKey)) {
        if (link.owner !== undefined) link.tell('notifications/roots/list_changed');
      }
    }
  }

  /** A client is gone: so are the instances kept for it. */
  forget(ownerKey: string): void {
    for (const upstream of this.#byName.values()) upstream.forget(ownerKey);
  }

  /** The state of every upstream, in the order of the configuration. */
  states(): UpstreamState[] {
    return [...this.#byName.values()].map((upstream) => upstream.state);
  }

  /** Ends every server and all that runs behind them. */
  async close(): Promise<void> {
    for (const [name, upstream] of [...this.#byName]) this.#remove(name, upstream);
    await Promise.all(this.#leaving);
  }

  #entry(name: string): [string, Upstream][] {
    const upstream = this.#byName.get(name);
    return upstream === undefined ? [] : [[name, upstream]];
  }

  #get(name: string): Upstream {
    const upstream = this.#byName.get(name);
    if (upstream === undefined)
      throw new Refusal('UPSTREAM_UNAVAILABLE', `Server "${name}" is no longer configured.`);
    return upstream;
  }

  #remove(name: string, upstream: Upstream): void {
    this.#byName.delete(name);
    const leaving = upstream.stop();
    this.#leaving.add(leaving);
    void leaving.finally(() => this.#leaving.delete(leaving));
  }
}

/** The most verbose of several log levels; undefined when there is none. */
export function mostVerbose(levels: Iterable<string | undefined>): string | undefined {
  let lowest: number | undefined;
  for (const level of levels) {
    const rank = level === undefined ? -1 : LOG_LEVELS.indexOf(level);
    if (rank >= 0) lowest = Math.min(lowest ?? rank, rank);
  }
  return lowest === undefined ? undefined : LOG_LEVELS[lowest];
}
