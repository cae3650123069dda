import { createParser } from 'eventsource-parser';
import type { Dispatcher } from 'undici';

import { cutOff } from '../../kernel/cut.ts';
import type { Json } from '../../kernel/json.ts';
import { isMessage, type Message } from '../../kernel/json-rpc.ts';
import { hasMoreValuesThan, MAX_SERVER_VALUES } from '../../kernel/values.ts';
import { keepVerbatim } from '../../kernel/verbatim.ts';
import type { WireFailure } from '../wire.ts';
import type { Lingerer, Lingering } from './lingering.ts';
import {
  bodyModeOf,
  encodingFault,
  redirectFault,
  type BodyMode,
  type HeaderLines,
} from './response-head.ts';
import { retryAfterMs } from './retry-after.ts';

/** One HTTP request to a server, and who is told what comes back. */
export interface FetchRequest {
  readonly url: URL;
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  /** Longest wait for the beginning of the response once the request is sent, in milliseconds; no limit where it is absent. */
  readonly headersMs?: number | undefined;
  readonly sink: FetchSink;
}

/** What all requests to one server have in common. */
export interface FetchWay {
  readonly dispatcher: Dispatcher;
  /** Where to connect: the origin of the URLs, or that of a proxy. */
  readonly origin: string;
  /** Longest message that is read. */
  readonly maxBytes: number;
  /** Where responses go that nobody needs any more. */
  readonly lingering: Lingering;
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
  /** What was wanted has come: its server may end the response in its own time, within bounds. */
  answered?(): void;
}

const MAX_ERROR_CHARS = 300;
/** Enough for an error of JSON-RPC. */
const MAX_ERROR_BYTES = 1_048_576;
const TOO_MANY_REQUESTS = 429;
const UNAVAILABLE = 503;

/**
 * Sends a request and reads JSON or server-sent events, whichever comes (spec: streamable HTTP). `onOver` is called just before the
 * sink is told of the end.
 */
export function startFetch(request: FetchRequest, way: FetchWay, onOver?: () => void): Fetching {
  const reader = new BodyReader(request, way, onOver);
  const { url, method, headers, body, headersMs } = request;
  way.dispatcher.dispatch(
    {
      origin: way.origin,
      path: url.pathname + url.search,
      method,
      headers,
      body: body ?? null,
      headersTimeout: headersMs ?? 0,
      bodyTimeout: 0,
    },
    reader,
  );
  return reader;
}

const TOO_MANY_VALUES: WireFailure = {
  kind: 'protocol',
  message: `sent a message of more than ${MAX_SERVER_VALUES} values`,
};

class BodyReader implements Fetching, Lingerer {
  readonly #url: URL;
  readonly #sink: FetchSink;
  readonly #way: FetchWay;
  readonly #onOver: (() => void) | undefined;
  /** Takes the text of a stream; made for streams alone, for most answers are none. */
  #feed: ((chunk: Buffer) => void) | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #isAborted = false;
  #isDone = false;
  #hasEnded = false;
  #mode: BodyMode = 'none';
  #status = 0;
  #chunks: Buffer[] = [];
  #size = 0;
  #retryAfterMs: number | undefined;
  #location: string | undefined;
  #lingers: number | undefined;

  constructor({ url, sink }: FetchRequest, way: FetchWay, onOver: (() => void) | undefined) {
    this.#url = url;
    this.#sink = sink;
    this.#way = way;
    this.#onOver = onOver;
  }

  abort(): void {
    this.#isAborted = true;
    this.#controller?.abort(new Error('aborted'));
    this.#finish(undefined);
  }

  answered(): void {
    if (this.#mode === 'sse') this.#linger();
  }

  expire(): void {
    this.#lingers = undefined;
    if (this.#hasEnded) return;
    if (this.#mode === 'error' && !this.#isDone) this.#finish(this.#errorSoFar());
    this.#controller?.abort(new Error('done'));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#isAborted) controller.abort(new Error('aborted'));
    else this.#sink.onStart?.();
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    this.#status = status;
    // What is only informational has no body, and the response is yet to come.
    if (status < 200) return;
    this.#mode = bodyModeOf(status, headers);
    if (this.#mode === 'error') this.#noteError(headers);
    if (!this.#isDone) this.#sink.onHeaders?.(status, headers);
    if (this.#mode === 'error' || this.#mode === 'none') this.#linger();
    // What a body would add is not needed: nobody is to wait for its end.
    if (this.#mode === 'none') this.#finish(encodingFault(headers));
    else if (status === 401 || status === 403) this.#finish(this.#errorSoFar());
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#size += chunk.length;
    if (this.#isDone) {
      // Worth no more than to let the connection be used again.
      if (this.#size > MAX_ERROR_BYTES) controller.abort(new Error('too large'));
      return;
    }
    if (this.#mode !== 'sse') this.#chunks.push(chunk);
    else (this.#feed ??= this.#createFeed())(chunk);
    const isError = this.#mode === 'error';
    if (this.#size <= (isError ? MAX_ERROR_BYTES : this.#way.maxBytes)) return;
    // Told before it is ended, for the end of it is no reason.
    if (isError) this.#finish(this.#errorSoFar());
    this.#finish({
      kind: 'protocol',
      message: `sent a message of more than ${this.#way.maxBytes} bytes (maxMessageBytes)`,
    });
    controller.abort(new Error('too large'));
  }

  onResponseEnd(): void {
    this.#hasEnded = true;
    this.#linger(false);
    if (this.#isDone) return;
    if (this.#mode === 'json') this.#finish(this.#deliver(this.#text()));
    else if (this.#mode === 'error') this.#finish(this.#errorSoFar());
    else this.#finish(undefined);
  }

  onResponseError(
    _controller: Dispatcher.DispatchController,
    error: Error & { code?: string },
  ): void {
    this.#linger(false);
    const code = error.code ?? error.name;
    // Without a connection nothing was sent, whatever the reason: no address, no port, no trust.
    if (this.#controller === undefined)
      this.#finish({ kind: 'refused', message: `cannot be reached: ${code}` });
    else this.#finish({ kind: 'broken', message: `broke the connection: ${code}` });
  }

  #text(): string {
    const [first] = this.#chunks;
    const isOne = first !== undefined && this.#chunks.length === 1;
    return (isOne ? first : Buffer.concat(this.#chunks)).toString('utf8');
  }

  #createFeed(): (chunk: Buffer) => void {
    const decoder = new TextDecoder();
    const parser = createParser({
      onEvent: (event) => this.#onEvent(event.event, event.data),
      onId: (id) => this.#sink.onId?.(id),
      onRetry: (ms) => this.#sink.onRetry?.(ms),
    });
    return (chunk) => parser.feed(decoder.decode(chunk, { stream: true }));
  }

  /** Whether the response goes on though it is of no use any more. */
  #linger(isSo = true): void {
    if (isSo) this.#lingers ??= this.#way.lingering.keep(this);
    else if (this.#lingers !== undefined) {
      this.#way.lingering.gone(this.#lingers);
      this.#lingers = undefined;
    }
  }

  #noteError(headers: HeaderLines): void {
    const { location } = headers;
    if (typeof location === 'string') this.#location = location;
    if (this.#status === TOO_MANY_REQUESTS || this.#status === UNAVAILABLE)
      this.#retryAfterMs = retryAfterMs(headers);
  }

  #onEvent(name: string | undefined, data: string): void {
    // The bound is for one message, not for the life of the stream.
    this.#size = 0;
    if (this.#isDone) return;
    if (name !== undefined && name !== 'message') {
      this.#sink.onEvent?.(name, data);
      return;
    }
    if (data === '') return;
    // Chatter on a stream is passed over, as it is on stdio: what comes next may be whole.
    const failure = this.#deliver(data);
    if (failure === TOO_MANY_VALUES) this.#end(failure);
    else if (failure !== undefined) this.#sink.onNoise?.(failure.message);
  }

  /** Ends the stream: who waits for what came of it would wait for ever. */
  #end(failure: WireFailure): void {
    this.#finish(failure);
    this.#controller?.abort(new Error('ended'));
  }

  #deliver(text: string): WireFailure | undefined {
    if (hasMoreValuesThan(MAX_SERVER_VALUES, text)) return TOO_MANY_VALUES;
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
      if (message === value) keepVerbatim(message, text);
      this.#sink.onMessage?.(message);
    }
    return undefined;
  }

  /** An HTTP error may carry a JSON-RPC error, which says more than the status. */
  #errorSoFar(): WireFailure {
    const status = this.#status;
    if (status === 401 || status === 403)
      return { kind: 'unauthorized', status, message: `refused access with HTTP ${status}` };
    if (status < 400) return redirectFault(status, this.#location, this.#url);
    const text = this.#text();
    const isTold = text.startsWith('{') && this.#deliver(text) === undefined;
    const shown = cutOff(text, MAX_ERROR_CHARS).replaceAll(/\s+/gu, ' ');
    const detail = isTold || shown === '' ? undefined : shown;
    const message = `answered with HTTP ${status}`;
    return { kind: 'http', status, message, detail, retryAfterMs: this.#retryAfterMs };
  }

  #finish(failure: WireFailure | undefined): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#chunks = [];
    // Whatever still comes is of no use; a stream left open would keep its connection.
    if (this.#mode === 'sse' && !this.#hasEnded) this.#controller?.abort(new Error('done'));
    this.#onOver?.();
    this.#sink.onEnd(
      this.#isAborted ? { kind: 'aborted', message: 'was not listened to any more' } : failure,
    );
  }
}
