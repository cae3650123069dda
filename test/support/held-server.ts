import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

type Json = Record<string, unknown>;

/** A call that has reached the server and waits for the test to end it. */
export interface HeldCall {
  /** The argument `text`. */
  readonly text: string;
  readonly tool: string;
  /** Answers with what `text` was. */
  answer(): void;
  /** Answers with a result of the test's own. */
  result(result: Json): void;
  error(code: number, message: string): void;
  /** Answers on the level of HTTP alone. */
  status(code: number, body?: string): void;
  /** Breaks the connection. */
  drop(): void;
}

const TOOLS = [
  { name: 'hold' },
  { name: 'read', annotations: { readOnlyHint: true } },
  { name: 'put', annotations: { idempotentHint: true } },
];

/**
 * A legacy server over HTTP inside the test: every call waits until the test ends it. It can fall silent, close its port and open
 * it again.
 */
export class HeldServer {
  /** Calls that wait, oldest first. */
  readonly held: HeldCall[] = [];
  /** Every request so far by its method. */
  readonly methods: string[] = [];
  /** Arguments `text` of every call so far. */
  readonly texts: string[] = [];
  /** What happens to a call instead of being held. */
  onCall: ((call: HeldCall) => void) | undefined;
  /** Whether nothing but calls is answered. */
  isMute = false;
  most = 0;
  #server: Server | undefined;
  #port = 0;

  static async open(t: TestContext): Promise<HeldServer> {
    const server = new HeldServer();
    await server.listen();
    t.after(() => server.close());
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/mcp`;
  }

  /** Opens the port, the same as before. */
  async listen(): Promise<void> {
    const server = createServer((request, response) => this.#take(request, response));
    this.#server = server;
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
    this.#port = (server.address() as AddressInfo).port;
  }

  /** Closes the port and all connections. */
  async close(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const closed = once(server, 'close');
    server.closeAllConnections();
    server.close();
    await closed;
  }

  /** Answers the calls that wait now. */
  answerAll(): void {
    for (const call of this.held.splice(0)) call.answer();
  }

  #take(request: IncomingMessage, response: ServerResponse): void {
    if (request.method !== 'POST') {
      response.writeHead(405).end();
      return;
    }
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => {
      body += chunk;
    });
    request.on('end', () => this.#receive(JSON.parse(body) as Json, response));
  }

  #receive(message: Json, response: ServerResponse): void {
    const { id, method } = message as { id?: number; method: string };
    this.methods.push(method);
    if (id === undefined) response.writeHead(202).end();
    else if (method === 'tools/call') this.#hold(id, message['params'] as Json, response);
    else if (!this.isMute) send(response, { id, ...outcomeOf(method) });
  }

  #hold(id: number, params: Json, response: ServerResponse): void {
    const text = String((params['arguments'] as Json | undefined)?.['text'] ?? '');
    const end = (how: () => void): void => {
      const index = this.held.indexOf(call);
      if (index >= 0) this.held.splice(index, 1);
      how();
    };
    const result = (given: Json): void => end(() => send(response, { id, result: given }));
    const call: HeldCall = {
      text,
      tool: String(params['name']),
      answer: () => result({ content: [{ type: 'text', text }] }),
      result,
      error: (code, why) => end(() => send(response, { id, error: { code, message: why } })),
      status: (code, why = '') => end(() => response.writeHead(code).end(why)),
      drop: () => end(() => response.destroy()),
    };
    response.on('close', () => end(() => undefined));
    this.texts.push(text);
    this.held.push(call);
    this.most = Math.max(this.most, this.held.length);
    this.onCall?.(call);
  }
}

function outcomeOf(method: string): Json {
  const inputSchema = { type: 'object' };
  if (method === 'initialize')
    return {
      result: {
        protocolVersion: '2025-11-25',
        capabilities: { tools: {} },
        serverInfo: { name: 'held', version: '1.0.0' },
      },
    };
  if (method === 'tools/list')
    return { result: { tools: TOOLS.map((tool) => ({ ...tool, inputSchema })) } };
  if (method === 'ping') return { result: {} };
  return { error: { code: -32601, message: 'Method not found' } };
}

function send(response: ServerResponse, outcome: Json): void {
  if (response.destroyed) return;
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ jsonrpc: '2.0', ...outcome }));
}
