import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { TestContext } from 'node:test';
import type { Certificate } from './access-certificate.ts';
import type { ServerEntry } from './gateway.ts';

/** The ways a remote server is spoken to. */
export const KINDS = ['legacy HTTP', 'modern HTTP', 'HTTP+SSE'] as const;
export type Kind = (typeof KINDS)[number];

/** One HTTP request as it came, and the message in it. */
export interface Incoming {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly id: number | undefined;
  readonly method: string | undefined;
  readonly params: Readonly<Record<string, unknown>>;
  /** The stream on which an HTTP+SSE server answers. */
  readonly stream: ServerResponse | undefined;
}

/** Does something instead of answering; false: answers after all. */
export type Fault = (incoming: Incoming) => unknown;

/** How a remote server is made. */
export interface RemoteSetup {
  readonly tls?: Certificate;
  readonly port?: number;
  /** Whether it gives its clients sessions (legacy HTTP). */
  readonly hasSessions?: boolean;
}

const VERSION = '2025-11-25';
const HEAD = { 'content-type': 'application/json' };
const INFO = { name: 'faulty-remote', version: '1.0.0' };
const TOOLS = { tools: [{ name: 'fine', inputSchema: { type: 'object' } }] };

/** A remote server that is well until it is told what to do wrong; its one tool `fine` answers `fine`. */
export class FaultyRemote {
  readonly kind: Kind;
  readonly seen: Incoming[] = [];
  readonly sockets = new Set<Socket>();
  /** What it does to calls of tools. */
  onCall: Fault | undefined;
  /** What it does to every request, before all else. */
  onRequest: Fault | undefined;
  readonly #server: Server;
  readonly #scheme: string;
  #port = 0;
  #stream: ServerResponse | undefined;
  readonly #hasSessions: boolean;

  private constructor(kind: Kind, setup: RemoteSetup) {
    this.kind = kind;
    this.#hasSessions = setup.hasSessions ?? false;
    const answer = (request: IncomingMessage, response: ServerResponse): void =>
      void this.#read(request, response);
    this.#server =
      setup.tls === undefined ? createServer(answer) : createTlsServer(setup.tls, answer);
    this.#scheme = setup.tls === undefined ? 'http' : 'https';
    this.#server.on('connection', (socket: Socket) => {
      this.sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => this.sockets.delete(socket));
    });
    this.#server.on('tlsClientError', () => undefined);
  }

  static async listen(
    t: TestContext,
    kind: Kind = 'legacy HTTP',
    setup: RemoteSetup = {},
  ): Promise<FaultyRemote> {
    const remote = new FaultyRemote(kind, setup);
    await remote.open(setup.port ?? 0);
    t.after(() => remote.close());
    return remote;
  }

  get port(): number {
    return this.#port;
  }

  get url(): string {
    return `${this.#scheme}://127.0.0.1:${this.#port}/mcp`;
  }

  /** The server as an entry of mcp.json. */
  entry(more: ServerEntry = {}): ServerEntry {
    return { url: this.url, ...(this.kind === 'HTTP+SSE' ? { type: 'sse' } : {}), ...more };
  }

  /** Listens, on the port it had unless told another. */
  async open(port = this.#port): Promise<void> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** Takes no more connections, and lets those that are idle go. */
  deafen(): void {
    this.#server.close();
    this.#server.closeIdleConnections();
  }

  /** Is gone from one moment to the next. */
  async close(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.close();
    for (const socket of this.sockets) socket.resetAndDestroy();
    await once(this.#server, 'close');
  }

  /** How many of its requests were calls of tools. */
  get calls(): number {
    return this.seen.filter(({ method }) => method === 'tools/call').length;
  }

  /** Answers as a healthy server does. */
  answer({ response, id, method, params }: Incoming): void {
    const result = this.#resultOf(method, params);
    const outcome =
      result === undefined ? { error: { code: -32601, message: 'Method not found' } } : { result };
    const text = JSON.stringify({ jsonrpc: '2.0', id, ...outcome });
    if (this.kind === 'HTTP+SSE') {
      response.writeHead(202).end();
      this.#stream?.write(`event: message\ndata: ${text}\n\n`);
      return;
    }
    if (this.#hasSessions && method === 'initialize') response.setHeader('mcp-session-id', 's1');
    response.writeHead(200, HEAD).end(text);
  }

  async #read(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('error', () => undefined);
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      return;
    }
    const text = Buffer.concat(chunks).toString();
    const { id, method, params = {} } = (text === '' ? {} : JSON.parse(text)) as Partial<Incoming>;
    const stream = this.#stream;
    this.#handle({ request, response, id, method, params, stream });
  }

  #handle(incoming: Incoming): void {
    this.seen.push(incoming);
    const { request, response, id, method } = incoming;
    if (this.onRequest !== undefined && this.onRequest(incoming) !== false) return;
    if (request.method === 'GET') this.#stand(response);
    else if (request.method !== 'POST') response.writeHead(200).end();
    else if (id === undefined || method === undefined) response.writeHead(202).end();
    else if (method !== 'tools/call' || this.onCall === undefined) this.answer(incoming);
    else if (this.onCall(incoming) === false) this.answer(incoming);
  }

  #stand(response: ServerResponse): void {
    if (this.kind !== 'HTTP+SSE') {
      response.writeHead(405).end();
      return;
    }
    this.#stream = response;
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('event: endpoint\ndata: /messages\n\n');
  }

  #resultOf(method: string | undefined, params: Incoming['params']): object | undefined {
    const isModern = this.kind === 'modern HTTP';
    const complete = isModern ? { resultType: 'complete', ttlMs: 0, cacheScope: 'private' } : {};
    switch (method) {
      case 'server/discover':
        return isModern
          ? { ...complete, supportedVersions: ['2026-07-28'], capabilities: { tools: {} } }
          : undefined;
      case 'initialize':
        return isModern
          ? undefined
          : { protocolVersion: VERSION, capabilities: { tools: {} }, serverInfo: INFO };
      case 'tools/list':
        return { ...complete, ...TOOLS };
      case 'ping':
        return {};
      case 'tools/call': {
        const { text = 'fine' } = (params['arguments'] ?? {}) as { text?: string };
        return { ...complete, content: [{ type: 'text', text }] };
      }
      default:
        return undefined;
    }
  }
}

/** The head of an event stream. */
export const EVENTS = { 'content-type': 'text/event-stream' };

/** A message as a server-sent event, with an id where one is given. */
export function eventOf(message: object, id?: string): string {
  const head = id === undefined ? '' : `id: ${id}\n`;
  return `${head}data: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`;
}

/** The result of a call of a tool that answers with a text. */
export function textResult(text: string): object {
  return { content: [{ type: 'text', text }] };
}
