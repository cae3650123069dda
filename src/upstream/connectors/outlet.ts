import { Agent } from 'undici';

import type { UpstreamLimits } from '../../kernel/plan.ts';
import { startFetch, type FetchSink, type Fetching } from './http-fetch.ts';
import { Lingering } from './lingering.ts';
import { Places } from './places.ts';

/** One request to a remote server, whichever way it goes. */
export interface Outgoing {
  readonly url: URL;
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  /**
   * Whether it counts among those that may be under way at once. Streams do not, which live long, nor what is answered with
   * nothing: the answer to a question must not wait behind the call that asked it.
   */
  readonly isBounded: boolean;
  /** Longest wait for the beginning of the response once it is sent, in milliseconds; no limit where it is absent. */
  readonly headersMs?: number | undefined;
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
  readonly #places: Places;
  readonly #lingering = new Lingering();
  readonly #maxBytes: number;
  readonly #origin: string | undefined;

  constructor(limits: UpstreamLimits, origin?: string) {
    this.#agent = new Agent({ connectTimeout: limits.connectTimeoutMs, allowH2: false });
    this.#places = new Places(limits.maxConnections);
    this.#maxBytes = limits.maxMessageBytes;
    this.#origin = origin;
  }

  start({ isBounded, ...request }: Outgoing): Fetching {
    const begin = (sink: FetchSink): Fetching =>
      startFetch({
        ...request,
        sink,
        origin: this.#origin ?? request.url.origin,
        dispatcher: this.#agent,
        maxBytes: this.#maxBytes,
        lingering: this.#lingering,
      });
    return isBounded ? this.#places.start(request.sink, begin) : begin(request.sink);
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}
