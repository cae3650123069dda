import type { IncomingMessage, ServerResponse } from 'node:http';

import type { Credentials } from '../kernel/arrival.ts';

/** One HTTP request with what its checks have found out. */
export interface HttpExchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly path: string;
  readonly query: string;
  /** Headers that go with every answer to this request. */
  readonly headers: Readonly<Record<string, string>>;
  readonly credentials: Credentials;
}

/** A request header by lower-case name. */
export function headerOf(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' ? value : value?.[0];
}

/** What a caller presents over HTTP to prove itself. */
export function credentialsOf(request: IncomingMessage): Credentials {
  return { header: (name) => headerOf(request, name), address: request.socket.remoteAddress };
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
