import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import type { after } from 'node:test';
import { answerJson, fakeServer, type FakeServer, type Seen } from './fake-server.ts';

type Scope = { readonly after: typeof after };

/**
 * Remote servers that tell whoever asks what they were sent themselves, which is full of secrets: `/legacy/good` and
 * `/modern/good` work, and fail in calls as their tools say; those below `/fails/` never begin to.
 */
export function echoServer(scope: Scope): Promise<FakeServer> {
  return fakeServer(scope, (seen, response) => {
    const { pathname } = new URL(seen.url, 'http://localhost');
    const [, kind = '', way = ''] = pathname.split('/');
    if (kind === 'fails') fail(way, seen, response);
    else serve(kind === 'modern', seen, response);
  });
}

/** All a server was sent, as careless ones put it into their errors. */
function given({ method, url, headers, body }: Seen): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${String(value)}`);
  const texts = Object.values(headers).map((value) => `"${String(value)}"`);
  return `${method} ${url}\n${lines.join('\n')}\n${texts.join(' ')}\n${body}`;
}

function fail(way: string, seen: Seen, response: ServerResponse): void {
  const told = given(seen);
  const { id } = JSON.parse(seen.body === '' ? '{}' : seen.body) as { id?: unknown };
  const rpc = JSON.stringify({
    jsonrpc: '2.0',
    id: id ?? null,
    error: { code: -32_000, message: told, data: told },
  });
  const json = { 'content-type': 'application/json' };
  switch (way) {
    case 'rpc':
      return void response.writeHead(400, json).end(rpc);
    case 'rpc-ok':
      return void response.writeHead(200, json).end(rpc);
    case 'html':
      return void response.writeHead(200, { 'content-type': 'text/html' }).end(`<p>${told}</p>`);
    case 'noise':
      return void response.writeHead(200, json).end(`{${told}`);
    case 'redirect':
      return void response.writeHead(302, { location: `http://localhost:1${seen.url}` }).end(told);
    case 'endpoint':
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      return void response.write(`event: endpoint\ndata: http://localhost:1${seen.url}\n\n`);
    default:
      return void response.writeHead(Number(way), { 'content-type': 'text/plain' }).end(told);
  }
}

/** Tools by how their calls fail. */
export const WAYS = [
  'rpc_error',
  'is_error',
  'http_500',
  'http_401',
  'not_json',
  'breaks',
] as const;

function serve(isModern: boolean, seen: Seen, response: ServerResponse): void {
  if (seen.method !== 'POST') return void response.writeHead(405).end();
  const { id, method, params } = JSON.parse(seen.body) as Rpc;
  if (method === 'tools/call') return call(params?.name ?? '', { isModern, seen, response, id });
  const result = resultOf(method ?? '', isModern);
  if (result === undefined && id !== undefined) return void response.writeHead(400).end();
  answerJson(response, seen, isModern ? { resultType: 'complete', ...result } : (result ?? {}));
}

interface Rpc {
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: { readonly name?: string };
}

function resultOf(method: string, isModern: boolean): object | undefined {
  if (method === 'server/discover' && isModern)
    return { supportedVersions: ['2026-07-28'], capabilities: { tools: {} } };
  if (method === 'initialize' && !isModern) {
    const serverInfo = { name: 'echo', version: '1' };
    return { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo };
  }
  if (method === 'tools/list')
    return { tools: WAYS.map((name) => ({ name, inputSchema: { type: 'object' } })) };
  return method === 'ping' ? {} : undefined;
}

interface Call {
  readonly isModern: boolean;
  readonly seen: Seen;
  readonly response: ServerResponse;
  readonly id: unknown;
}

function call(name: string, { isModern, seen, response, id }: Call): void {
  const told = given(seen);
  const json = { 'content-type': 'application/json' };
  const content = [{ type: 'text', text: told }];
  switch (name) {
    case 'rpc_error': {
      const error = { code: -32_000, message: told, data: { told } };
      return void response.writeHead(200, json).end(JSON.stringify({ jsonrpc: '2.0', id, error }));
    }
    case 'is_error':
      return answerJson(response, seen, {
        ...(isModern ? { resultType: 'complete' } : {}),
        content,
        isError: true,
      });
    case 'http_500':
      return void response.writeHead(500).end(told);
    case 'http_401':
      return void response.writeHead(401, { 'www-authenticate': told.split('\n')[0] }).end(told);
    case 'not_json':
      return void response.writeHead(200, json).end(`{${told}`);
    default:
      response.writeHead(200, { ...json, 'content-length': '100000' }).write(told);
      setTimeout(() => response.destroy(), 20);
  }
}

/** What was sent to a port, as text. */
export interface Collected {
  readonly port: number;
  text(): string;
}

/** A port that takes whatever comes over TCP. */
export async function tcpCollector(scope: Scope): Promise<Collected> {
  const chunks: Buffer[] = [];
  const server = createTcpServer((socket) => {
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', () => undefined);
    scope.after(() => socket.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  scope.after(() => server.close());
  return {
    port: (server.address() as AddressInfo).port,
    text: () => Buffer.concat(chunks).toString('utf8'),
  };
}

/** A port that takes whatever is posted to it; headers and URLs, which are for it, are not told. */
export async function postCollector(scope: Scope): Promise<Collected> {
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      bodies.push(Buffer.concat(chunks).toString('utf8'));
      response.end();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  scope.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { port: (server.address() as AddressInfo).port, text: () => bodies.join('\n') };
}

/** A PostgreSQL server, as far as it goes before it refuses everybody, telling them the password they sent. */
export async function refusingDatabase(scope: Scope): Promise<number> {
  const server = createTcpServer((socket) => {
    socket.on('error', () => undefined);
    scope.after(() => socket.destroy());
    socket.on('data', (data) => {
      if (data[0] === PASSWORD) {
        socket.end(errorMessage(`no such password: ${data.subarray(5).toString('utf8')}`));
      } else if (data.length === SSL_REQUEST_BYTES) {
        socket.write('N');
      } else {
        // AuthenticationCleartextPassword
        socket.write(Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 3]));
      }
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  scope.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

const PASSWORD = 'p'.charCodeAt(0);
const SSL_REQUEST_BYTES = 8;

function errorMessage(text: string): Buffer {
  const fields = Buffer.from(`SFATAL\0C28P01\0M${text.replaceAll('\0', '')}\0\0`);
  const head = Buffer.alloc(5);
  head.write('E');
  head.writeInt32BE(fields.length + 4, 1);
  return Buffer.concat([head, fields]);
}
