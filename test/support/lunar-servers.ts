import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Certificate } from './access-certificate.ts';
import type { JsonObject } from './gateway-session.ts';

/** The protocols by which a remote server can be reached. */
export const KINDS = ['legacy HTTP', 'HTTP+SSE', 'modern HTTP'] as const;
export type Kind = (typeof KINDS)[number];

interface Incoming {
  readonly id?: unknown;
  readonly method: string;
  readonly params?: {
    readonly arguments?: JsonObject;
    readonly _meta?: { readonly progressToken?: unknown };
  };
}

/** One request as it reached the server. */
export interface Reached {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingHttpHeaders;
}

const MODERN = '2026-07-28';
const SESSION = 'session-of-the-remote-server';
const TOOLS = ['count', 'gated'].map((name) => ({ name, inputSchema: { type: 'object' } }));

/** A remote MCP server in this process, which knows how often it ran what. */
export class RemoteServer {
  readonly kind: Kind;
  readonly reached: Reached[] = [];
  /** How often the tool `count` ran with each `n`. */
  readonly runs = new Map<unknown, number>();
  /** The URL an SSE client is told to post to. */
  endpoint = '/messages?of=1';
  /** Called with each request before anything else; true when it has answered. */
  intercept: (response: ServerResponse, request: IncomingMessage) => boolean = () => false;
  readonly #release = Promise.withResolvers<void>();
  #origin = '';
  #stream: ServerResponse | undefined;

  private constructor(kind: Kind) {
    this.kind = kind;
  }

  /** Listens on a loopback port until the test ends. */
  static async start(t: TestContext, kind: Kind, tls?: Certificate): Promise<RemoteServer> {
    const remote = new RemoteServer(kind);
    const listener: RequestListener = (request, response) => void remote.#serve(request, response);
    const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    remote.#origin = `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`;
    return remote;
  }

  /** `127.0.0.1:port` */
  get host(): string {
    return new URL(this.#origin).host;
  }

  /** An entry of mcp.json for it. */
  get entry(): { readonly url: string } {
    return { url: `${this.#origin}/${this.kind === 'HTTP+SSE' ? 'sse' : 'mcp'}` };
  }

  /** Lets the calls of `gated` end. */
  release(): void {
    this.#release.resolve();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method, url, headers } = request;
    this.reached.push({ method, url, headers });
    let body = '';
    for await (const chunk of request) body += String(chunk);
    if (this.intercept(response, request)) return;
    if (method === 'GET' && this.kind === 'HTTP+SSE') this.#openStream(response);
    else if (method !== 'POST' || url === '/sse') response.writeHead(405).end();
    else await this.#receive(JSON.parse(body) as Incoming, response);
  }

  #openStream(response: ServerResponse): void {
    this.#stream = response;
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(`event: endpoint\ndata: ${this.endpoint}\n\n`);
  }

  async #receive(message: Incoming, response: ServerResponse): Promise<void> {
    const isSse = this.kind === 'HTTP+SSE';
    if (isSse || message.id === undefined) response.writeHead(202).end();
    if (message.id === undefined) return;
    const stream = isSse ? this.#stream : response;
    if (stream === undefined) return;
    if (!isSse)
      response.writeHead(200, {
        'content-type': 'text/event-stream',
        ...(this.kind === 'legacy HTTP' && message.method === 'initialize'
          ? { 'mcp-session-id': SESSION }
          : {}),
      });
    const tell = (content: JsonObject): void => {
      stream.write(`data: ${JSON.stringify({ jsonrpc: '2.0', ...content })}\n\n`);
    };
    const outcome = await this.#answer(message, tell);
    tell({ id: message.id, ...outcome });
    if (!isSse) response.end();
  }

  async #answer(message: Incoming, tell: (content: JsonObject) => void): Promise<JsonObject> {
    const { method, params } = message;
    if (method === 'tools/call') return { result: await this.#call(message, tell) };
    const isModern = this.kind === 'modern HTTP';
    if (method === 'server/discover' && isModern) return { result: DISCOVERY };
    if (method === 'initialize' && !isModern) return { result: GREETING };
    if (method === 'tools/list') return { result: { tools: TOOLS, resultType: 'complete' } };
    if (method === 'ping') return { result: {} };
    return { error: { code: -32601, message: `Method not found: ${method} ${String(params)}` } };
  }

  async #call(
    { params }: Incoming & { readonly params?: { readonly name?: string } },
    tell: (content: JsonObject) => void,
  ): Promise<JsonObject> {
    const { n, ms } = params?.arguments ?? {};
    if (params?.name === 'gated') {
      const progressToken = params._meta?.progressToken;
      tell({ method: 'notifications/progress', params: { progressToken, progress: 1, total: 2 } });
      await this.#release.promise;
    } else {
      this.runs.set(n, (this.runs.get(n) ?? 0) + 1);
      await sleep(Number(ms ?? 0));
    }
    return { content: [{ type: 'text', text: `ran ${String(n)}` }], resultType: 'complete' };
  }
}

const GREETING = {
  protocolVersion: '2025-06-18',
  capabilities: { tools: {} },
  serverInfo: { name: 'remote', version: '1.0.0' },
};
const DISCOVERY = {
  supportedVersions: [MODERN],
  capabilities: { tools: {} },
  resultType: 'complete',
  _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'remote', version: '1.0.0' } },
};
