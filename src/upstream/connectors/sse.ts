import type { Message, RequestId } from '../../kernel/json-rpc.ts';
import { writeMessage, type Wire, type WireFailure } from '../wire.ts';
import type { Fetching } from './http-fetch.ts';
import type { HttpTerms } from './http.ts';

/** Reaches a server by HTTP+SSE, the transport of 2024-11-05: one stream for all that comes, one URL for all that goes. */
export function openSse(terms: HttpTerms): Wire {
  return new SseWire(terms);
}

/** A message on its way out. */
interface Parcel {
  readonly message: Message;
  readonly headers: Readonly<Record<string, string>> | undefined;
  readonly consumer: string | undefined;
}

class SseWire implements Wire {
  readonly needsCancelMessage = true;
  readonly #terms: HttpTerms;
  readonly #stream: Fetching;
  readonly #waiting: Parcel[] = [];
  #postUrl: URL | undefined;
  #isHeld = false;
  #isClosed = false;

  constructor(terms: HttpTerms) {
    this.#terms = terms;
    this.#stream = terms.outlet.start({
      isBounded: false,
      url: new URL(terms.endpoint.url),
      method: 'GET',
      headers: { ...terms.endpoint.headers, accept: 'text/event-stream' },
      body: undefined,
      sink: {
        onMessage: (message) => terms.events.onMessage(message, undefined),
        onEvent: (name, data) => {
          if (name === 'endpoint') this.#onEndpoint(data);
        },
        onEnd: (failure) => this.#onEnd(failure),
      },
    });
  }

  send(message: Message, headers?: Readonly<Record<string, string>>, consumer?: string): void {
    if (this.#isClosed) return;
    this.#waiting.push({ message, headers, consumer });
    this.#flush();
  }

  abandon(): void {
    // One stream carries all answers: there is nothing to close for a single request.
  }

  settled(): void {
    // Nothing depends on the version here.
  }

  async listen(): Promise<void> {
    // The stream has been open from the start.
  }

  async close(): Promise<void> {
    this.#shut({ kind: 'broken', message: 'stopped' });
  }

  #onEndpoint(data: string): void {
    const base = new URL(this.#terms.endpoint.url);
    const url = URL.canParse(data, base.href) ? new URL(data, base.href) : undefined;
    // A server must not point the gateway, and the headers it sends, at another host.
    if (url?.origin !== base.origin) {
      this.#shut({ kind: 'protocol', message: 'named an endpoint of another origin' });
      return;
    }
    this.#postUrl = url;
    this.#flush();
  }

  /**
   * Posts what waits, in order. Every POST may take a connection of its own: what comes after a notification or an answer
   * waits until the server has taken that, so that `initialized` is not overtaken by the first call.
   */
  #flush(): void {
    while (this.#postUrl !== undefined && !this.#isHeld) {
      const parcel = this.#waiting.shift();
      if (parcel === undefined) return;
      this.#isHeld = !('method' in parcel.message && 'id' in parcel.message);
      this.#post(parcel, this.#postUrl);
    }
  }

  #post({ message, headers, consumer }: Parcel, url: URL): void {
    const body = writeMessage(message, this.#terms.events);
    if (body === undefined) {
      this.#isHeld = false;
      return;
    }
    const id: RequestId | undefined =
      'method' in message && 'id' in message ? message.id : undefined;
    this.#terms.outlet.start({
      // An answer must not wait behind the calls.
      isBounded: id !== undefined,
      url,
      method: 'POST',
      headers: {
        ...this.#terms.endpoint.headers,
        ...headers,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
      body,
      consumer,
      sink: {
        onMessage: (answer) => this.#terms.events.onMessage(answer, undefined),
        onEnd: (failure) => {
          if (id === undefined) this.#isHeld = false;
          this.#flush();
          if (failure !== undefined && id !== undefined) this.#terms.events.onFailure(id, failure);
        },
      },
    });
  }

  #onEnd(failure: WireFailure | undefined): void {
    this.#shut(failure ?? { kind: 'broken', message: 'ended its stream' });
  }

  /** Whoever waits for the stream to be ready is told why it never will be. */
  #shut(why: WireFailure): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const { message } of this.#waiting.splice(0)) {
      if ('method' in message && 'id' in message) this.#terms.events.onFailure(message.id, why);
    }
    this.#stream.abort();
    this.#terms.events.onClosed(why.message, why.detail);
  }
}
