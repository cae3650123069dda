import type { ServerPlan } from '../kernel/plan.ts';
import type { HttpConnectors } from './connectors/http.ts';
import { openStdio } from './connectors/stdio.ts';
import { discreet } from './discreet.ts';
import type { UpstreamPorts } from './ports.ts';
import { OpenFailure, type Wire, type WireEvents } from './wire.ts';

/** What carries messages to a server. */
export type Carrier = 'stdio' | 'streamable-http' | 'sse';

/** All wires to one upstream, those of links being opened included, so that none outlives it. */
export class Wires {
  readonly #plan: ServerPlan;
  readonly #ports: UpstreamPorts;
  readonly #log: (level: 'debug' | 'info' | 'warn', message: string) => void;
  readonly #open = new Set<Wire>();
  #http: HttpConnectors | undefined;
  #carrier: Carrier | undefined;
  #isClosed = false;

  constructor(plan: ServerPlan, ports: UpstreamPorts) {
    this.#plan = plan;
    this.#ports = ports;
    this.#log = (level, message) => ports.log(level, plan.name, message);
  }

  /** Loads what only remote servers need; the gateway's port opens sooner without it. */
  async prepare(): Promise<void> {
    const { endpoint, limits } = this.#plan;
    if (endpoint.kind === 'stdio' || this.#http !== undefined) return;
    const { HttpConnectors } = await import('./connectors/http.ts');
    const { lunar: gateway } = this.#ports;
    const lunar = gateway === undefined ? undefined : { gateway, log: this.#log };
    this.#http ??= new HttpConnectors(endpoint, limits, lunar);
  }

  /** What the latest wire is carried by. */
  get carrier(): Carrier | undefined {
    return this.#carrier;
  }

  /** Opens a wire. Throws once the upstream is stopped. */
  connect(carrier: Carrier, events: WireEvents): Wire {
    if (this.#isClosed) throw new OpenFailure({ kind: 'broken', message: 'stopped' });
    this.#carrier = carrier;
    const opened: { wire?: Wire } = {};
    const { mask = (text) => text } = this.#ports;
    const wire = this.#create(carrier, {
      onMessage: (message, origin) => events.onMessage(discreet(message, mask), origin),
      onFailure: (id, failure) => events.onFailure(id, failure),
      onClosed: (reason, detail) => {
        if (opened.wire !== undefined) this.#forget(opened.wire);
        events.onClosed(reason, detail);
      },
    });
    opened.wire = wire;
    this.#open.add(wire);
    return wire;
  }

  /** Ends all wires and all that runs behind them. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#open].map((wire) => wire.close()));
    await this.#http?.close();
  }

  /** A wire may say that it is closed before all that ran behind it is gone. */
  #forget(wire: Wire): void {
    void wire.close().finally(() => this.#open.delete(wire));
  }

  #create(carrier: Carrier, events: WireEvents): Wire {
    const { endpoint, limits } = this.#plan;
    const terms = { limits, events, log: this.#log };
    if (endpoint.kind === 'stdio') {
      const { inheritedEnv, lunar } = this.#ports;
      const equipped = lunar?.equip(endpoint, inheritedEnv) ?? endpoint;
      return openStdio({ ...terms, endpoint: equipped, inheritedEnv });
    }
    if (this.#http === undefined) throw new Error('wires to a remote server were not prepared');
    return carrier === 'sse' ? this.#http.openSse(terms) : this.#http.openStreamable(terms);
  }
}
