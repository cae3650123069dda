import { Pool } from 'undici';

import type { UpstreamLimits } from '../../kernel/plan.ts';
import type { WireFailure } from '../wire.ts';
import { startFetch, type FetchRequest, type Fetching, type FetchWay } from './http-fetch.ts';
import { Lingering } from './lingering.ts';
import { Places } from './places.ts';

/** One request to a remote server, whichever way it goes. */
export interface Outgoing extends FetchRequest {
  /**
   * Whether it counts among those that may be under way at once. Streams do not, which live long, nor what is answered with
   * nothing: the answer to a question must not wait behind the call that asked it.
   */
  readonly isBounded: boolean;
  /** The consumer whose call it carries; undefined for the gateway's own requests. */
  readonly consumer?: string | undefined;
}

const NOT_SENT: WireFailure = {
  kind: 'unsent',
  message: 'ended its connection before this was sent',
};

/** The way requests go to one remote server. */
export interface Outlet {
  start(outgoing: Outgoing): Fetching;
  /** Ends all connections. */
  close(): Promise<void>;
}

/** Keeps the connections to one origin: that of a server, or of the proxy that stands for it. */
export class DirectOutlet implements Outlet {
  readonly #pool: Pool;
  readonly #places: Places;
  readonly #way: FetchWay;

  constructor(limits: UpstreamLimits, origin: string) {
    const { connectTimeoutMs: connectTimeout, maxMessageBytes: maxBytes } = limits;
    this.#pool = new Pool(origin, { connectTimeout, allowH2: false });
    this.#places = new Places(limits.maxConnections);
    this.#way = { dispatcher: this.#pool, origin, maxBytes, lingering: new Lingering() };
  }

  start(outgoing: Outgoing): Fetching {
    if (!outgoing.isBounded) return startFetch(outgoing, this.#way);
    return this.#places.start(
      (onOver) => startFetch(outgoing, this.#way, onOver),
      () => outgoing.sink.onEnd(NOT_SENT),
    );
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }
}
