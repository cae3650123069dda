import type { Message, RequestId, Response } from '../../kernel/json-rpc.ts';
import type { WireFailure } from '../wire.ts';

/** How far the answer to one request has come, and from where to resume its stream. */
export interface ResumeState {
  lastEventId: string | undefined;
  /** The pause its server names, in milliseconds. */
  namedMs: number | undefined;
  resumes: number;
  isLost: boolean;
  /** Whether the server has begun to answer. */
  isBegun: boolean;
  status: number;
  readonly consumer: string | undefined;
}

/** Pause before a stream is taken up again where its server names none, in milliseconds. */
export const RETRY_MS = 1000;
/** Shorter, a server that ends every stream at once would be asked without end. */
const MIN_RETRY_MS = 100;
const MAX_RETRY_MS = 30_000;

/** Nothing has come yet. */
export const FRESH: ResumeState = {
  lastEventId: undefined,
  namedMs: undefined,
  resumes: 0,
  isLost: false,
  isBegun: false,
  status: 0,
  consumer: undefined,
};

/** A pause as a server wishes it, within bounds. */
export function boundedRetry(ms: number): number {
  return Math.min(Math.max(ms, MIN_RETRY_MS), MAX_RETRY_MS);
}

/** Answers to a GET that mean the server has no stream of its own. */
const NO_STREAM: ReadonlySet<number | undefined> = new Set([400, 405, 501]);

/** Whether the answer to a GET means that there is no stream to listen to: a refusal that says so, or a page. */
export function hasNoStream(state: ResumeState, failure: WireFailure | undefined): boolean {
  if (NO_STREAM.has(failure?.status)) return true;
  return state.status >= 200 && state.status < 300 && !state.isBegun;
}

/** How long to wait before a stream is opened anew: longer each time, unless it stood. */
export function pauseAfter(
  state: ResumeState,
  waitedMs: number,
  failure: WireFailure | undefined,
): number {
  const hasStood = state.isBegun && failure?.kind !== 'protocol';
  return hasStood ? (state.namedMs ?? RETRY_MS) : boundedRetry(waitedMs * 2);
}

/** An event's id as a header value: UTF-8, a byte a character (HTML, server-sent events). */
export function eventIdHeader(id: string): string {
  return Buffer.from(id, 'utf8').toString('latin1');
}

/**
 * A message as the answer to a request, where it is that. Servers that refuse a request before reading it say so with an
 * id of null: on the request's own response that can mean no other.
 */
export function answerTo(message: Message, id: RequestId): Response | undefined {
  if ('method' in message) return undefined;
  if (message.id === id) return message;
  return message.error !== undefined && (message.id ?? null) === null
    ? { ...message, id }
    : undefined;
}

/** What a failure means once the server has begun to answer: the request has reached it, whatever happens then. */
export function begun(why: WireFailure): WireFailure {
  if (why.kind === 'refused' || why.kind === 'unauthorized') return { ...why, kind: 'broken' };
  return why.kind === 'session-lost' ? { ...why, isBegun: true } : why;
}
