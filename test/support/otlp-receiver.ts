import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { decodeSpans, type OtlpSpan } from './otlp-protobuf.ts';

/**
 * A receiver of traces by OTLP over HTTP, as a process of its own: POST /v1/traces takes protobuf, GET /spans hands out what
 * came, PUT /mode says how it behaves from now on. Prints its port.
 */

/** How it answers. */
export interface Mode {
  /** Status of every answer. */
  readonly status: number;
  /** How long it takes for one. */
  readonly delayMs: number;
  /** Where else it sends whoever asks. */
  readonly location?: string;
}

const spans: OtlpSpan[] = [];
const requests: { headers: IncomingMessage['headers']; path: string; spans: number }[] = [];
let mode: Mode = { status: 200, delayMs: 0 };

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function sendJson(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify(value));
}

async function takeTraces(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { status, delayMs, location } = mode;
  if (request.headers['content-type'] !== 'application/x-protobuf')
    return void response.writeHead(415).end();
  const came = decodeSpans(await bodyOf(request));
  requests.push({ headers: request.headers, path: request.url ?? '', spans: came.length });
  await sleep(delayMs);
  if (status === 200) spans.push(...came);
  response.writeHead(status, {
    'content-type': 'application/x-protobuf',
    ...(location === undefined ? {} : { location }),
  });
  response.end();
}

async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname } = new URL(request.url ?? '/', 'http://localhost');
  if (request.method === 'POST' && pathname === '/v1/traces') return takeTraces(request, response);
  if (request.method === 'GET' && pathname === '/spans') return sendJson(response, spans);
  if (request.method === 'GET' && pathname === '/requests') return sendJson(response, requests);
  if (request.method === 'PUT' && pathname === '/mode') {
    mode = JSON.parse((await bodyOf(request)).toString()) as Mode;
    return sendJson(response, mode);
  }
  response.writeHead(404).end();
}

const server = createServer((request, response) => {
  handle(request, response).catch((error: unknown) => {
    process.stdout.write(`could not be read: ${String(error)}\n`);
    response.writeHead(400).end();
  });
});
server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => {
  process.stdout.write(`receiving on ${(server.address() as AddressInfo).port}\n`);
});
