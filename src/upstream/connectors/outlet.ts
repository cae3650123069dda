import { Agent } from 'undici';

import type { UpstreamLimits } from '../../kernel/plan.ts';
import { startFetch, type FetchSink, type Fetching } from './http-fetch.ts';

/** One request to a remote server, whichever way it goes. */
export interface Outgoing {
  readonly url: URL;
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  /** Whether it brings a stream, which lives long and must not use up the connections that requests need. */
  readonly isStream: boolean;
  /** The consumer whose call it carries; undefined for the gateway's own requests. */
  readonly consumer?: string | undefined;
  readonly sink: FetchSink;
}

/** The way requests go to one remote server. */
export interface Outlet {
  start(outgoing: Outgoing): Fetching;
  /** Ends all connections. */
  close(): Promise<void>;
}

/** Keeps the connections to one server, or to the proxy at `origin` that stands for it. */
export class DirectOutlet implements Outlet {
  readonly #agent: Agent;
  readonly #streams: Agent;
  readonly #maxBytes: number;
  readonly #origin: string | undefined;

  constructor(limits: UpstreamLimits, origin?: string) {
    const options = { connectTimeout: limits.connectTimeoutMs, allowH2: false };
    this.#agent = new Agent({ ...options, connections: limits.maxConnections });
    this.#streams = new Agent(options);
    this.#maxBytes = limits.maxMessageBytes;
    this.#origin = origin;
  }

  start({ isStream, ...request }: Outgoing): Fetching {
    return startFetch({
      ...request,
      origin: this.#origin ?? request.url.origin,
      dispatcher: isStream ? this.#streams : this.#agent,
      maxBytes: this.#maxBytes,
    });
  }

  async close(): Promise<void> {
    await Promise.all([this.#agent.destroy(), this.#streams.destroy()]);
  }
}
