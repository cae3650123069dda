import type { ServerResponse } from 'node:http';

import type { Answer } from '../kernel/answer.ts';
import type { RequestId } from '../kernel/json-rpc.ts';
import { responseText } from './answer.ts';
import { keptText, takesGzip, type KeptText } from './kept-text.ts';

/** Where messages go once an answer has become a stream. */
export interface Channel {
  write(text: string): void;
  end(): void;
}

/** How one POST is answered. */
export interface ReplyTerms {
  readonly response: ServerResponse;
  /** How many answers the POST waits for. */
  readonly expected: number;
  readonly isBatch: boolean;
  /** After so long without an answer it becomes a stream; zero: never by time alone (docs/rules.md R15). */
  readonly afterMs: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Whether the connection ends with this answer. */
  readonly traffic: { readonly isClosing: boolean };
  /** Turns the response into a stream. */
  openChannel(): Channel;
  /** The client closed the connection before everything was answered. */
  onGone(): void;
}

/** The answer to one POST: JSON when nothing precedes it, an event stream otherwise. */
export class HttpReply {
  readonly #terms: ReplyTerms;
  readonly #texts: string[] = [];
  readonly #timer: NodeJS.Timeout | undefined;
  #channel: Channel | undefined;
  #left: number;
  #isGone = false;

  constructor(terms: ReplyTerms) {
    this.#terms = terms;
    this.#left = terms.expected;
    if (terms.afterMs > 0) this.#timer = setTimeout(() => this.#stream(), terms.afterMs);
    terms.response.on('close', () => this.#onClose());
  }

  /** Whether several answers are in it. */
  get isBatch(): boolean {
    return this.#terms.isBatch;
  }

  /** Whether nobody can be told anything any more. */
  get isLost(): boolean {
    return this.#isGone && this.#channel === undefined;
  }

  /** A message that precedes the answer. */
  write(text: string): void {
    this.#stream()?.write(text);
  }

  /** The answer to one request; what is answered again and again is not written anew. */
  answer(id: RequestId, answer: Answer, status: number): void {
    const isAlone = this.#channel === undefined && !this.#terms.isBatch && this.#left === 1;
    const text = isAlone ? keptText(answer) : undefined;
    if (text === undefined) this.finish(responseText(id, answer), status);
    else this.#writeKept(text, id, status);
  }

  /** One answer. The status and the headers with it count only while nothing was sent. */
  finish(text: string, status: number, headers?: Readonly<Record<string, string>>): void {
    this.#left -= 1;
    if (this.#channel !== undefined) this.#channel.write(text);
    else this.#texts.push(text);
    if (this.#left > 0) return;
    clearTimeout(this.#timer);
    if (this.#channel !== undefined) this.#channel.end();
    else if (!this.#isGone) this.#writeJson(status, headers);
  }

  /** One request that gets no answer, for it was cancelled. */
  skip(): void {
    this.#left -= 1;
    if (this.#left > 0) return;
    clearTimeout(this.#timer);
    if (this.#channel !== undefined) this.#channel.end();
    else if (this.#texts.length > 0) this.#writeJson(200);
    else if (!this.#isGone) this.#terms.response.writeHead(202, this.#terms.headers).end();
  }

  #stream(): Channel | undefined {
    if (this.#channel !== undefined || this.#isGone || this.#left <= 0) return this.#channel;
    clearTimeout(this.#timer);
    const channel = this.#terms.openChannel();
    this.#channel = channel;
    for (const text of this.#texts.splice(0)) channel.write(text);
    return channel;
  }

  #writeJson(status: number, more?: Readonly<Record<string, string>>): void {
    const { response, isBatch, headers, traffic } = this.#terms;
    if (traffic.isClosing) response.shouldKeepAlive = false;
    const body = isBatch ? `[${this.#texts.join(',')}]` : (this.#texts[0] ?? '');
    response.writeHead(status, {
      ...headers,
      ...more,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    });
    response.end(body);
  }

  #writeKept(text: KeptText, id: RequestId, status: number): void {
    this.#left -= 1;
    clearTimeout(this.#timer);
    if (this.#isGone) return;
    const { response, headers } = this.#terms;
    const body = text.body(id, takesGzip(response.req.headers['accept-encoding']));
    response.writeHead(status, { ...headers, ...body.headers, 'content-type': 'application/json' });
    response.cork();
    for (const part of body.parts) response.write(part);
    response.end();
    response.uncork();
  }

  #onClose(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    clearTimeout(this.#timer);
    if (this.#left > 0) this.#terms.onGone();
  }
}
