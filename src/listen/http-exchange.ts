import type { IncomingMessage, ServerResponse } from 'node:http';

import type { Credentials } from '../kernel/arrival.ts';

/** One HTTP request with what its checks have found out. */
export interface HttpExchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** As it was asked for. */
  readonly path: string;
  /** The path without the name of a tool group, by which it is routed. */
  readonly route: string;
  /** The tool group whose endpoint it is. */
  readonly endpoint: string | undefined;
  readonly query: string;
  /** Headers that go with every answer to this request. */
  readonly headers: Readonly<Record<string, string>>;
  readonly credentials: Credentials;
  /** Monotonic milliseconds when the head had been read. */
  readonly arrivedAt: number;
}

/** A request header by lower-case name. */
export function headerOf(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' ? value : value?.[0];
}

/** Size of the body, where its head tells. */
export function bytesOf({ request }: Pick<HttpExchange, 'request'>): number | undefined {
  const length = request.headers['content-length'];
  return length === undefined ? undefined : Number(length);
}

/** What a caller presents over HTTP to prove itself: headers alone, for addresses of pages end up in logs. */
export function credentialsOf(
  request: IncomingMessage,
  address: string | undefined,
  endpoint?: string,
): Credentials {
  return { header: (name) => headerOf(request, name), address, endpoint };
}

/** Sends JSON text whole. */
export function sendJson(
  exchange: Pick<HttpExchange, 'response' | 'headers'>,
  status: number,
  body: string,
): void {
  const { response, headers } = exchange;
  if (response.headersSent) return;
  response.writeHead(status, {
    ...headers,
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  });
  response.end(body);
}

/**
 * Sends JSON text in answer to a request that may not have been read to its end. The response ends only when the client
 * has sent all, or after a while: a socket closed with unread bytes is reset, and the answer would be lost with it.
 */
export function sendEarly(
  exchange: Pick<HttpExchange, 'request' | 'response' | 'headers'>,
  status: number,
  body: string,
): void {
  const { request, response, headers } = exchange;
  if (request.complete || response.headersSent) {
    sendJson(exchange, status, body);
    return;
  }
  const length = Buffer.byteLength(body);
  response.writeHead(status, {
    ...headers,
    'content-type': 'application/json',
    'content-length': length,
  });
  response.write(body);
  const timer = setTimeout(() => request.socket.destroy(), LINGER_MS);
  request.on('close', () => clearTimeout(timer));
  request.on('end', () => response.end());
  request.resume();
}

const LINGER_MS = 2000;
