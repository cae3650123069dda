import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

import { Refusal, REFUSALS, type RefusalCode } from '../kernel/refusals.ts';
import { errorText, wireError } from './answer.ts';

/** A client that does not close its end keeps the connection no longer than this. */
const LINGER_MS = 2000;

const CODES: Readonly<Record<string, RefusalCode>> = {
  HPE_HEADER_OVERFLOW: 'HEADERS_TOO_LARGE',
  ERR_HTTP_REQUEST_TIMEOUT: 'RECEIVE_TIMEOUT',
};

const REASONS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  408: 'Request Timeout',
  431: 'Request Header Fields Too Large',
};

/** A socket with the response being written to it, as `node:http` keeps it. */
interface Answering {
  readonly _httpMessage?: ServerResponse | null;
}

/**
 * Bytes that are not HTTP, headers above the bound, and what does not come to its end never become a request: the answer is written
 * by hand. A client that pipelined them behind a request whose answer has begun loses the connection instead, for in the midst of
 * that answer it would be read as part of it.
 */
export function refuseUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
  const isAnswering = (socket as Answering)._httpMessage?.headersSent === true;
  if (error.code === 'ECONNRESET' || !socket.writable || isAnswering) {
    socket.destroy();
    return;
  }
  const code = CODES[error.code ?? ''] ?? 'MALFORMED_HTTP';
  const wire = wireError(new Refusal(code), 'legacy');
  const body = wire === undefined ? '' : errorText(null, wire.error);
  const status = REFUSALS[code].http;
  socket.end(
    `HTTP/1.1 ${status} ${REASONS[status] ?? 'Error'}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
  const timer = setTimeout(() => socket.destroy(), LINGER_MS).unref();
  socket.once('close', () => clearTimeout(timer));
}
