import type { Message, RequestId } from '../../kernel/json-rpc.ts';
import type { WireFailure } from '../wire.ts';
import type { FetchSink } from './http-fetch.ts';
import { boundedRetry, type ResumeState } from './resuming.ts';
import type { HeaderLines } from './response-head.ts';

/** The wire whose requests are answered. */
export interface AnswerListener {
  /** Whether its server has given it a session. */
  hasSession(): boolean;
  onSession(id: string | string[] | undefined): void;
  /** Whether a message says that the server does not know the session any more. */
  isAboutSession(message: Message): boolean;
  onMessage(message: Message, id: RequestId): void;
  onNoise(what: string): void;
  onEnd(answering: Answering, failure: WireFailure | undefined): void;
}

/** One request's answer: on its own stream, which may be resumed where the server gave its events ids (spec 2025-11-25). */
export class Answering implements FetchSink, ResumeState {
  readonly id: RequestId;
  readonly consumer: string | undefined;
  lastEventId: string | undefined;
  namedMs: number | undefined;
  resumes = 0;
  isLost = false;
  isBegun = false;
  status = 0;
  readonly #listener: AnswerListener;

  constructor(listener: AnswerListener, id: RequestId, consumer: string | undefined) {
    this.#listener = listener;
    this.id = id;
    this.consumer = consumer;
  }

  onHeaders(status: number, headers: HeaderLines): void {
    this.status = status;
    this.isBegun ||= status >= 200 && status < 300;
    this.isLost = status === 404 && this.#listener.hasSession();
    this.#listener.onSession(headers['mcp-session-id']);
  }

  onMessage(message: Message): void {
    this.isLost ||= this.status === 400 && this.#listener.isAboutSession(message);
    if (!this.isLost) this.#listener.onMessage(message, this.id);
  }

  onId(eventId: string): void {
    this.lastEventId = eventId;
  }

  onRetry(ms: number): void {
    this.namedMs = boundedRetry(ms);
  }

  onNoise(what: string): void {
    this.#listener.onNoise(`on a stream: ${what}`);
  }

  onEnd(failure: WireFailure | undefined): void {
    this.#listener.onEnd(this, failure);
  }
}
