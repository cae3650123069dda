import assert from 'node:assert/strict';
import { request, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { SECRET } from './raw-gateway.ts';

export type JsonObject = Record<string, unknown>;

/** One HTTP request, written as it is. */
export interface Sent {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Record<string, string | string[]>;
  /** Text is sent as it is, anything else as JSON. */
  readonly body?: unknown;
}

/** A whole HTTP answer. */
export interface Got {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** A JSON-RPC message as received. */
export interface Rpc {
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: JsonObject;
  readonly result?: JsonObject;
  readonly error?: { code: number; message: string; data?: JsonObject };
}

const TIMEOUT_MS = 15_000;
const UNCLEAN = /<html|<!doctype|<pre|\n\s+at |node:internal|\.[jt]s:\d+|\/src\/|\/dist\//iu;

/** Begins a request over a connection of its own; the caller reads the response. */
export function begin(port: number, sent: Sent): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host: '127.0.0.1',
        port,
        method: sent.method ?? 'POST',
        path: sent.path ?? '/mcp',
        headers: headersOf(sent),
        agent: false,
      },
      resolve,
    );
    outgoing.on('error', reject);
    outgoing.setTimeout(TIMEOUT_MS, () => outgoing.destroy(new Error('no answer in time')));
    outgoing.end(bodyOf(sent));
  });
}

/** Sends a request and reads the whole answer, which must hold neither HTML nor a stack trace nor a secret. */
export async function send(port: number, sent: Sent): Promise<Got> {
  const response = await begin(port, sent);
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const { statusCode = 0, headers } = response;
  const got = { status: statusCode, headers, text: Buffer.concat(chunks).toString() };
  assertClean(got);
  return got;
}

/** Fails when an answer is something other than JSON or events, or tells what it must not. */
export function assertClean({ headers, text }: Got): void {
  const type = headers['content-type'] ?? '';
  if (text !== '')
    assert.match(type, /^(?:application\/json|text\/event-stream|text\/plain; version)/u);
  assert.doesNotMatch(text, UNCLEAN);
  assert.ok(!text.includes(SECRET), 'an answer holds a secret');
  assert.ok(!JSON.stringify(headers).includes(SECRET), 'a header holds a secret');
}

/** The JSON-RPC message of a JSON answer. */
export function rpcOf({ text }: Got): Rpc {
  return JSON.parse(text) as Rpc;
}

/** A part of a result that must be there. */
export function partOf<T = JsonObject>(message: Rpc, key: string): T {
  const part = message.result?.[key];
  assert.ok(part !== undefined, `no ${key} in ${JSON.stringify(message).slice(0, 500)}`);
  return part as T;
}

/** Expects an HTTP status with a JSON-RPC error of this code and refusal. */
export function assertRefused(got: Got, status: number, code: number, refusal: string): void {
  assert.equal(got.status, status, got.text);
  assert.match(got.headers['content-type'] ?? '', /^application\/json/u);
  const { error } = rpcOf(got);
  assert.deepEqual([error?.code, error?.data?.['refusal']], [code, refusal], got.text);
  assert.ok((error?.message ?? '').length > 0);
}

/** Writes bytes to the port and reads all that comes back until the other side closes. */
export function speak(port: number, bytes: string | Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    const timer = setTimeout(() => socket.destroy(new Error('no end in time')), TIMEOUT_MS);
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') reject(error);
    });
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(Buffer.concat(chunks).toString());
    });
  });
}

/** A raw answer in its parts. */
export function parseRaw(raw: string): Got {
  const [head = '', ...rest] = raw.split('\r\n\r\n');
  const [statusLine = '', ...lines] = head.split('\r\n');
  const headers = Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  const got = { status: Number(statusLine.split(' ')[1]), headers, text: rest.join('\r\n\r\n') };
  assertClean(got);
  return got;
}

function headersOf({ headers, body }: Sent): Record<string, string | string[]> {
  const type: Record<string, string> =
    body === undefined ? {} : { 'content-type': 'application/json' };
  return { accept: 'application/json, text/event-stream', ...type, ...headers };
}

function bodyOf({ body }: Sent): string | Buffer | undefined {
  if (body === undefined || typeof body === 'string' || Buffer.isBuffer(body)) return body;
  return JSON.stringify(body);
}
