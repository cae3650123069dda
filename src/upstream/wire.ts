import { cutOff } from '../kernel/cut.ts';
import type { JsonObject } from '../kernel/json.ts';
import type { Message, RequestId } from '../kernel/json-rpc.ts';

/** What one connection to a server can do, whatever carries it. */
export interface Wire {
  /** Whether a cancelled request must be told so by a message; false where closing its stream says it. */
  readonly needsCancelMessage: boolean;
  /**
   * Sends one message, over HTTP with further headers. Failures of requests come back through `onFailure`. The consumer is
   * whose call it carries: for a proxy in between, never for the server.
   */
  send(message: Message, headers?: Readonly<Record<string, string>>, consumer?: string): void;
  /** Stops listening for the answer of a request, where the transport can say so by closing its stream. */
  abandon(id: RequestId): void;
  /** Told once the lifecycle is agreed: the version in use. */
  settled(version: string): void;
  /** Listens to what answers no request, where that needs a stream of its own; resolves when it stands or there is none. */
  listen(): Promise<void>;
  /** Ends the connection and whatever runs behind it; resolves when all is gone. */
  close(): Promise<void>;
}

/** Why a request got no JSON-RPC answer. */
export type WireFailureKind =
  | 'refused'
  | 'unwritable'
  | 'unsent'
  | 'unauthorized'
  | 'session-lost'
  | 'http'
  | 'broken'
  | 'aborted'
  | 'protocol';

/** A request that was not answered on the JSON-RPC level. */
export interface WireFailure {
  readonly kind: WireFailureKind;
  /** What may be told to clients. */
  readonly message: string;
  /** What is for the operator alone: what a server wrote itself may hold secrets. */
  readonly detail?: string | undefined;
  /** Whether the request had surely reached the server before, which may have acted on it. */
  readonly isBegun?: boolean;
  /** HTTP status, where there was one. */
  readonly status?: number;
  /** How long the server asks to be left alone, in milliseconds. */
  readonly retryAfterMs?: number | undefined;
}

/** What a wire tells its link. */
export interface WireEvents {
  /** A message arrived; `origin` is the request on whose own stream it came, where the transport has such streams. */
  onMessage(message: Message, origin: RequestId | undefined): void;
  onFailure(id: RequestId, failure: WireFailure): void;
  /** The connection is gone; called once, also after `close`. The detail is for the operator alone. */
  onClosed(reason: string, detail?: string): void;
}

/** Parameters as a log may show them. */
export function shownParams(params: JsonObject | undefined): string {
  try {
    return cutOff(JSON.stringify(params ?? {}), MAX_SHOWN_CHARS);
  } catch {
    return '(nested too deep to show)';
  }
}

const MAX_SHOWN_CHARS = 500;

/** Thrown while a link is being opened: what the server did instead of answering. */
export class OpenFailure extends Error {
  readonly failure: WireFailure;

  constructor(failure: WireFailure) {
    super(failure.message);
    this.name = 'OpenFailure';
    this.failure = failure;
  }

  /** Any error as one: what is not one already is the server's breach of the protocol. */
  static of(error: unknown): OpenFailure {
    if (error instanceof OpenFailure) return error;
    const message = error instanceof Error ? error.message : String(error);
    return new OpenFailure({ kind: 'protocol', message });
  }
}

/**
 * A message as JSON text. What is nested so deep that it cannot be written fails alone: undefined, and the request it
 * was, if it was one, is told.
 */
export function writeMessage(message: Message, events: WireEvents): string | undefined {
  try {
    return JSON.stringify(message);
  } catch {
    if ('method' in message && 'id' in message) {
      events.onFailure(message.id, {
        kind: 'unwritable',
        message: 'cannot be sent so deep a message',
      });
    }
    return undefined;
  }
}
