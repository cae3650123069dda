import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import {
  createServer,
  request as forward,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { isObject, type Message } from '../fixture/json-rpc.ts';

/** How a server answered one HTTP request, as far as it has come. */
export interface TappedResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  text: string;
}

/** One line or one HTTP request that a server got from the gateway. */
export interface Tapped {
  /** Exactly what was sent; empty for a request without a body. */
  readonly raw: string;
  /** The same as a message; undefined where it is none. */
  readonly message: Message | undefined;
  /** What keeps two servers of one configuration apart on stdio. */
  readonly pid?: number;
  /** Of a request over HTTP. */
  readonly http?: {
    readonly method: string;
    readonly path: string;
    readonly headers: IncomingHttpHeaders;
    response?: TappedResponse;
    /** Whether the gateway closed the connection before the answer had ended. */
    isAbandoned: boolean;
  };
}

/** Stands between the gateway and one server, and tells what the gateway sent. */
export interface Tap {
  /** Everything so far, oldest first. */
  received(): readonly Tapped[];
  stop(): void;
}

/** A tap on an HTTP server, and where the gateway is to send. */
export interface HttpTap extends Tap {
  readonly origin: string;
}

function messageOf(raw: string): Message | undefined {
  try {
    const value: unknown = JSON.parse(raw);
    return isObject(value) ? (value as unknown as Message) : undefined;
  } catch {
    return undefined;
  }
}

/** Reads what `scenario-tap-stdio.ts` writes to this file. */
export function stdioTap(path: string): Tap {
  const received = (): Tapped[] =>
    readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as { direction: string; pid: number; line: string })
      .filter(({ direction }) => direction === 'in')
      .map(({ pid, line }) => ({ raw: line, message: messageOf(line), pid }));
  return { received, stop: () => undefined };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function pass(tapped: Tapped, port: number, response: ServerResponse): void {
  const { http, raw } = tapped;
  if (http === undefined) return;
  const { method, path, headers } = http;
  const outgoing = forward(
    { host: '127.0.0.1', port, method, path, headers, agent: false },
    (incoming) => {
      const answer = { status: incoming.statusCode ?? 0, headers: incoming.headers, text: '' };
      http.response = answer;
      response.writeHead(answer.status, incoming.headers);
      response.flushHeaders();
      incoming.on('data', (chunk: Buffer) => {
        answer.text += chunk.toString();
        response.write(chunk);
      });
      incoming.on('end', () => response.end());
      incoming.on('error', () => response.destroy());
    },
  );
  outgoing.on('error', () => response.destroy());
  response.on('close', () => {
    http.isAbandoned = !response.writableFinished;
    outgoing.destroy();
  });
  outgoing.end(raw);
}

/** Passes every request on to a port of this machine, unchanged, and remembers it. */
export async function httpTap(port: number): Promise<HttpTap> {
  const received: Tapped[] = [];
  const server = createServer((request, response) => {
    void bodyOf(request).then((raw) => {
      const { method = '', url: path = '', headers } = request;
      const http = { method, path, headers, isAbandoned: false };
      const tapped = { raw, message: messageOf(raw), http };
      received.push(tapped);
      pass(tapped, port, response);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const own = (server.address() as AddressInfo).port;
  return {
    origin: `http://127.0.0.1:${own}`,
    received: () => received,
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** What a message belongs to: a process, a session or a stream; undefined before there is one. */
export function linkOf({ pid, http }: Tapped): string | undefined {
  if (pid !== undefined) return String(pid);
  const session = http?.headers['mcp-session-id'];
  return typeof session === 'string' ? session : http?.path.split('?')[1];
}
