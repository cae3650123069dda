import { createParser } from 'eventsource-parser';
import type { Dispatcher } from 'undici';

import { cutOff } from '../../kernel/cut.ts';
import type { Json } from '../../kernel/json.ts';
import { isMessage, type Message } from '../../kernel/json-rpc.ts';
import type { WireFailure } from '../wire.ts';

/** One HTTP request to a server, and who is told what comes back. */
export interface FetchTerms {
  readonly dispatcher: Dispatcher;
  /** Where to connect: the URL's own origin, or that of a proxy. */
  readonly origin: string;
  readonly url: URL;
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly maxBytes: number;
  readonly sink: FetchSink;
}

/** What an HTTP request can bring. `onEnd` is called exactly once, and last. */
export interface FetchSink {
  /** A connection stands, and the request is about to be written to it: before, nothing of it was sent. */
  onStart?(): void;
  onHeaders?(
    status: number,
    headers: Readonly<Record<string, string | string[] | undefined>>,
  ): void;
  onMessage?(message: Message): void;
  /** A server-sent event that is not a message, such as `endpoint`. */
  onEvent?(name: string, data: string): void;
  /** The id of the latest server-sent event, to resume from. */
  onId?(id: string): void;
  onRetry?(ms: number): void;
  /** An event was no message. */
  onNoise?(what: string): void;
  onEnd(failure: WireFailure | undefined): void;
}

/** A request under way. */
export interface Fetching {
  abort(): void;
  /** Its server waits for an answer of the gateway: it does not keep others from their turn any more. */
  giveWay?(): void;
}

const CONNECT_CODES = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);
const MAX_ERROR_CHARS = 300;

/** Sends a request and reads JSON or server-sent events, whichever comes (spec: streamable HTTP). */
export function startFetch(terms: FetchTerms): Fetching {
  const reader = new BodyReader(terms);
  terms.dispatcher.dispatch(
    {
      origin: terms.origin,
      path: `${terms.url.pathname}${terms.url.search}`,
      method: terms.method,
      headers: terms.headers,
      body: terms.body ?? null,
      headersTimeout: 0,
      bodyTimeout: 0,
    },
    reader,
  );
  return reader;
}

type Mode = 'json' | 'sse' | 'error' | 'none';

class BodyReader implements Fetching {
  readonly #terms: FetchTerms;
  readonly #decoder = new TextDecoder();
  readonly #parser = createParser({
    onEvent: (event) => this.#onEvent(event.event, event.data),
    onId: (id) => this.#terms.sink.onId?.(id),
    onRetry: (ms) => this.#terms.sink.onRetry?.(ms),
  });
  #controller: Dispatcher.DispatchController | undefined;
  #isAborted = false;
  #isDone = false;
  #hasEnded = false;
  #mode: Mode = 'none';
  #status = 0;
  #chunks: Buffer[] = [];
  #size = 0;

  constructor(terms: FetchTerms) {
    this.#terms = terms;
  }

  abort(): void {
    this.#isAborted = true;
    this.#controller?.abort(new Error('aborted'));
    this.#finish(undefined);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#isAborted) controller.abort(new Error('aborted'));
    else this.#terms.sink.onStart?.();
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    this.#status = status;
    this.#mode = modeOf(status, String(headers['content-type'] ?? ''));
    if (!this.#isDone) this.#terms.sink.onHeaders?.(status, headers);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#isDone || this.#mode === 'none') return;
    this.#size += chunk.length;
    if (this.#mode !== 'sse') this.#chunks.push(chunk);
    else this.#parser.feed(this.#decoder.decode(chunk, { stream: true }));
    if (this.#size <= this.#terms.maxBytes) return;
    controller.abort(new Error('too large'));
    this.#finish({
      kind: 'protocol',
      message: `sent a message of more than ${this.#terms.maxBytes} bytes (maxMessageBytes)`,
    });
  }

  onResponseEnd(): void {
    this.#hasEnded = true;
    if (this.#isDone) return;
    const text = Buffer.concat(this.#chunks).toString('utf8');
    if (this.#mode === 'json') this.#finish(this.#deliver(text));
    else if (this.#mode === 'error') this.#finish(this.#deliverError(text));
    else this.#finish(undefined);
  }

  onResponseError(
    _controller: Dispatcher.DispatchController,
    error: Error & { code?: string },
  ): void {
    const code = error.code ?? error.name;
    if (CONNECT_CODES.has(code))
      this.#finish({ kind: 'refused', message: `cannot be reached: ${code}` });
    else this.#finish({ kind: 'broken', message: `broke the connection: ${code}` });
  }

  #onEvent(name: string | undefined, data: string): void {
    // The bound is for one message, not for the life of the stream.
    this.#size = 0;
    if (this.#isDone) return;
    if (name !== undefined && name !== 'message') {
      this.#terms.sink.onEvent?.(name, data);
      return;
    }
    if (data === '') return;
    // Chatter on a stream is passed over, as it is on stdio: what comes next may be whole.
    const failure = this.#deliver(data);
    if (failure !== undefined) this.#terms.sink.onNoise?.(failure.message);
  }

  #deliver(text: string): WireFailure | undefined {
    let value: Json;
    try {
      value = JSON.parse(text) as Json;
    } catch {
      return { kind: 'protocol', message: 'answered with something that is not JSON' };
    }
    const messages = Array.isArray(value) ? value : [value];
    for (const message of messages) {
      if (!isMessage(message)) {
        return { kind: 'protocol', message: 'answered with JSON that is not JSON-RPC' };
      }
      this.#terms.sink.onMessage?.(message);
    }
    return undefined;
  }

  /** An HTTP error may carry a JSON-RPC error, which says more than the status. */
  #deliverError(text: string): WireFailure {
    const status = this.#status;
    if (status === 401 || status === 403)
      return { kind: 'unauthorized', status, message: `refused access with HTTP ${status}` };
    const isTold = text.startsWith('{') && this.#deliver(text) === undefined;
    const shown = cutOff(text, MAX_ERROR_CHARS).replaceAll(/\s+/gu, ' ');
    const detail = isTold || shown === '' ? undefined : shown;
    return { kind: 'http', status, message: `answered with HTTP ${status}`, detail };
  }

  #finish(failure: WireFailure | undefined): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#chunks = [];
    // Whatever still comes is of no use; a stream left open would keep its connection.
    if (this.#mode === 'sse' && !this.#hasEnded) this.#controller?.abort(new Error('done'));
    this.#terms.sink.onEnd(
      this.#isAborted ? { kind: 'broken', message: 'was not listened to any more' } : failure,
    );
  }
}

function modeOf(status: number, contentType: string): Mode {
  if (status >= 300) return 'error';
  if (contentType.startsWith('text/event-stream')) return 'sse';
  return contentType.startsWith('application/json') ? 'json' : 'none';
}
