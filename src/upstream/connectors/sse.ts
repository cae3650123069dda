import type { Message, RequestId } from '../../kernel/json-rpc.ts';
import { writeMessage, type Wire, type WireFailure } from '../wire.ts';
import type { FetchSink, Fetching } from './http-fetch.ts';
import type { HttpTerms } from './http.ts';
import { Transients } from '../../kernel/transients.ts';

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

/** How long a message that nobody answers may keep the next ones waiting. */
const HOLD_MS = 1000;
const NOT_STARTED: Fetching = { abort: () => undefined };

/** Nothing depends on a cancellation having been taken, and a server that hangs gets many. */
function mustBeTakenFirst(message: Message): boolean {
  if (!('method' in message)) return true;
  return !('id' in message) && message.method !== 'notifications/cancelled';
}

class SseWire implements Wire {
  readonly needsCancelMessage = true;
  readonly #terms: HttpTerms;
  readonly #stream: Fetching;
  #waiting: Parcel[] = [];
  /** Requests that are being posted. */
  readonly #posting = new Transients<RequestId, Fetching>();
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

  /** One stream carries all answers; only what is still on its way out can be kept back. */
  abandon(id: RequestId): void {
    this.#waiting = this.#waiting.filter(({ message }) => !('id' in message) || message.id !== id);
    const posting = this.#posting.get(id);
    this.#posting.delete(id);
    posting?.abort();
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
      this.#isHeld = mustBeTakenFirst(parcel.message);
      this.#post(parcel, this.#postUrl);
    }
  }

  #post({ message, headers, consumer }: Parcel, url: URL): void {
    const body = writeMessage(message, this.#terms.events);
    if (body === undefined) {
      this.#isHeld = false;
      return;
    }
    const id = 'method' in message && 'id' in message ? message.id : undefined;
    // In place before anything can fail.
    if (id !== undefined) this.#posting.set(id, NOT_STARTED);
    const posting = this.#terms.outlet.start({
      // An answer must not wait behind the calls.
      isBounded: id !== undefined,
      // Nobody waits for what answers no request, so nobody would give it up.
      headersMs: id === undefined ? this.#terms.limits.listTimeoutMs : undefined,
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
      sink: id === undefined ? this.#sinkOfOneWay() : this.#sinkOf(id),
    });
    if (id !== undefined && this.#posting.has(id)) this.#posting.set(id, posting);
  }

  #sinkOf(id: RequestId): FetchSink {
    return {
      onMessage: (answer) => this.#terms.events.onMessage(answer, undefined),
      onEnd: (failure) => {
        // What was given up fails for the reason it was given up for.
        if (!this.#posting.delete(id) || this.#isClosed) return;
        if (failure !== undefined) this.#terms.events.onFailure(id, failure);
      },
    };
  }

  #sinkOfOneWay(): FetchSink {
    let isOver = false;
    const goOn = (): void => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      this.#isHeld = false;
      this.#flush();
    };
    const timer = setTimeout(goOn, HOLD_MS).unref();
    return { onEnd: goOn };
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
    for (const posting of this.#posting.values()) posting.abort();
    this.#posting.clear();
    this.#stream.abort();
    this.#terms.events.onClosed(why.message, why.detail);
  }
}
