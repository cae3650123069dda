import type { ServerResponse } from 'node:http';

/** Bounds of an open event stream. */
export interface SseTerms {
  /** A reader that is behind by more than this many bytes is cut off; a resumable stream can be taken up again. */
  readonly maxBehindBytes: number;
}

const OPEN = new Set<SseWriter>();
let ticker: NodeJS.Timeout | undefined;

/** One open `text/event-stream` response. Comments keep it alive while it is silent. */
export class SseWriter {
  readonly #response: ServerResponse;
  readonly #maxBehindBytes: number;
  readonly #idPrefix: string | undefined;

  /** Events have ids only where a prefix is given: then the stream can be resumed. */
  constructor(
    response: ServerResponse,
    terms: SseTerms & { keepAliveMs: number },
    headers: Readonly<Record<string, string>>,
    idPrefix?: string,
  ) {
    this.#response = response;
    this.#maxBehindBytes = terms.maxBehindBytes;
    this.#idPrefix = idPrefix;
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
      ...headers,
    });
    response.flushHeaders();
    OPEN.add(this);
    ticker ??= setInterval(tick, terms.keepAliveMs).unref();
    response.on('close', () => this.#forget());
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
    this.#response.write(text);
    if (this.#response.writableLength > this.#maxBehindBytes) this.#response.destroy();
  }

  end(): void {
    if (!this.#response.writableEnded) this.#response.end();
  }

  #forget(): void {
    OPEN.delete(this);
    if (OPEN.size > 0) return;
    clearInterval(ticker);
    ticker = undefined;
  }
}

function tick(): void {
  for (const writer of OPEN) writer.raw(': keep-alive\n\n');
}
