import type { ServerResponse } from 'node:http';

import type { Unread } from './unread.ts';

/** Bounds of an open event stream. */
export interface SseTerms {
  /** A reader that is behind by more than this many bytes is cut off; a resumable stream can be taken up again. */
  readonly maxBehindBytes: number;
  readonly keepAliveMs: number;
  /** Where it is noted what its reader leaves waiting. */
  readonly unread: Unread;
}

/** The open streams by how often they are kept alive, with one timer for all of a kind. */
const TICKERS = new Map<
  number,
  { readonly timer: NodeJS.Timeout; readonly open: Set<SseWriter> }
>();

/** One open `text/event-stream` response. Comments keep it alive while it is silent. */
export class SseWriter {
  readonly #response: ServerResponse;
  readonly #maxBehindBytes: number;
  readonly #unread: Unread;
  readonly #idPrefix: string | undefined;
  #isTaken = false;

  /** Events have ids only where a prefix is given: then the stream can be resumed. */
  constructor(
    response: ServerResponse,
    terms: SseTerms,
    headers: Readonly<Record<string, string>>,
    idPrefix?: string,
  ) {
    this.#response = response;
    this.#maxBehindBytes = terms.maxBehindBytes;
    this.#unread = terms.unread;
    this.#idPrefix = idPrefix;
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
      ...headers,
    });
    response.flushHeaders();
    const forget = keepAlive(this, terms.keepAliveMs);
    response.on('finish', () => {
      this.#isTaken = true;
    });
    response.on('close', forget);
  }

  /** Whether it ended, and its reader took all of it. */
  get isTaken(): boolean {
    return this.#isTaken;
  }

  /** One message; its number within the stream becomes part of its id. */
  write(event: number, text: string): void {
    this.raw(
      this.#idPrefix === undefined
        ? `data: ${text}\n\n`
        : `id: ${this.#idPrefix}_${event}\ndata: ${text}\n\n`,
    );
  }

  /** Text that is event-stream syntax already. */
  raw(text: string): void {
    if (this.#response.writableEnded || this.#response.destroyed) return;
    // One message may be larger than the bound: only what still waits from before says that the reader is behind.
    if (this.#response.writableLength > this.#maxBehindBytes) this.#response.destroy();
    else if (!this.#response.write(text)) this.#unread.note(this.#response);
  }

  end(): void {
    if (!this.#response.writableEnded) this.#response.end();
  }
}

/** Comments that keep a silent stream open through proxies; zero sends none. Call the result when the stream is closed. */
function keepAlive(writer: SseWriter, everyMs: number): () => void {
  if (everyMs === 0) return () => undefined;
  const ticker = TICKERS.get(everyMs) ?? startTicker(everyMs);
  ticker.open.add(writer);
  return () => {
    ticker.open.delete(writer);
    if (ticker.open.size > 0 || TICKERS.get(everyMs) !== ticker) return;
    clearInterval(ticker.timer);
    TICKERS.delete(everyMs);
  };
}

function startTicker(everyMs: number): { timer: NodeJS.Timeout; open: Set<SseWriter> } {
  const open = new Set<SseWriter>();
  const timer = setInterval(() => {
    for (const writer of open) writer.raw(': keep-alive\n\n');
  }, everyMs).unref();
  const ticker = { timer, open };
  TICKERS.set(everyMs, ticker);
  return ticker;
}
