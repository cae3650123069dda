import { gunzipSync, inflateSync } from 'node:zlib';
import { Connection } from './connection.ts';
import { eventsOf, headerOf, messagesOf, type HttpReply } from './http-reader.ts';
import type { Order } from './order.ts';

/** One client of a load: its connection and, where its era has one, its session. */
export interface McpClient {
  readonly isOpen: boolean;
  /** Sends a request and resolves with the JSON texts it was answered with, the response last. Rejects with the reason. */
  request(id: number, method: string, params: object): Promise<string[]>;
  /** Ends the session, so that the server need not keep it, and the connection. */
  close(): Promise<void>;
}

const CLIENT = { name: 'bench', version: '1.0.0' };
const LEGACY = '2025-11-25';
const MODERN = '2026-07-28';

const INITIALIZE = { protocolVersion: LEGACY, capabilities: {}, clientInfo: CLIENT };

function envelope(id: number | undefined, method: string, params?: object): string {
  return JSON.stringify({ jsonrpc: '2.0', id, method, params });
}

/** What HTTP requests of a client have in common, up to what differs. */
function headOf({ port, path, key, encoding }: Order, method: string, to = path): string {
  const proof = key === '' ? '' : `x-lunar-api-key: ${key}\r\n`;
  const encodings = encoding === '' ? '' : `accept-encoding: ${encoding}\r\n`;
  return (
    `${method} ${to} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\ncontent-type: application/json\r\n` +
    `accept: application/json, text/event-stream\r\n${proof}${encodings}`
  );
}

function withBody(head: string, body: string): string {
  return `${head}content-length: ${body.length}\r\n\r\n${body}`;
}

function answers(reply: HttpReply): string[] {
  const plain = { ...reply, body: decoded(reply) };
  if (reply.status !== 200) throw new Error(`HTTP ${reply.status} ${plain.body.slice(0, 300)}`);
  return messagesOf(plain);
}

function decoded(reply: HttpReply): string {
  const encoding = headerOf(reply, 'content-encoding');
  if (encoding === undefined) return reply.body;
  const bytes = Buffer.from(reply.body, 'latin1');
  return (encoding === 'gzip' ? gunzipSync(bytes) : inflateSync(bytes)).toString('latin1');
}

/** A client of streamable HTTP as it was up to 2025-11-25. */
export class LegacyClient implements McpClient {
  readonly #order: Order;
  readonly #connection: Connection;
  #stream: Connection | undefined;
  #session = '';
  #head = '';

  private constructor(order: Order) {
    this.#order = order;
    this.#connection = new Connection(order.port);
  }

  /** Connects and walks the handshake; throws when the server does not play along. */
  static async open(order: Order): Promise<LegacyClient> {
    const client = new LegacyClient(order);
    const opened = await client.#connection.exchange(
      withBody(headOf(order, 'POST'), envelope(0, 'initialize', INITIALIZE)),
    );
    if (opened.status !== 200) throw new Error(`initialize: HTTP ${opened.status} ${opened.body}`);
    const session = headerOf(opened, 'mcp-session-id');
    client.#session = session === undefined ? '' : `mcp-session-id: ${session}\r\n`;
    client.#session += `mcp-protocol-version: ${LEGACY}\r\n`;
    client.#head = `${headOf(order, 'POST')}${client.#session}`;
    await client.#connection.exchange(
      withBody(client.#head, envelope(undefined, 'notifications/initialized')),
    );
    return client;
  }

  get isOpen(): boolean {
    return this.#connection.isOpen;
  }

  async request(id: number, method: string, params: object): Promise<string[]> {
    const text = withBody(this.#head, envelope(id, method, params));
    return answers(await this.#connection.exchange(text));
  }

  /** Opens the stream of what belongs to no request, as most clients do. */
  listen(): void {
    this.#stream = new Connection(this.#order.port, () => undefined);
    this.#stream.send(`${headOf(this.#order, 'GET')}${this.#session}\r\n`);
  }

  /** The same session on a new connection, as when the old one was lost. */
  resumed(): LegacyClient {
    const client = new LegacyClient(this.#order);
    client.#session = this.#session;
    client.#head = this.#head;
    return client;
  }

  /** Ends the connections and leaves the session as it is. */
  leave(): void {
    this.#stream?.destroy();
    this.#connection.destroy();
  }

  async close(): Promise<void> {
    const text = `${headOf(this.#order, 'DELETE')}${this.#session}content-length: 0\r\n\r\n`;
    if (this.isOpen) await this.#connection.exchange(text).catch(() => undefined);
    this.leave();
  }
}

/** A client of streamable HTTP of 2026-07-28: no session, every request says who sends it. */
export class ModernClient implements McpClient {
  readonly #connection: Connection;
  readonly #head: string;

  private constructor(order: Order) {
    this.#connection = new Connection(order.port);
    this.#head = `${headOf(order, 'POST')}mcp-protocol-version: ${MODERN}\r\n`;
  }

  /** Connects and asks what the server is. */
  static async open(order: Order): Promise<ModernClient> {
    const client = new ModernClient(order);
    await client.request(0, 'server/discover', {});
    return client;
  }

  get isOpen(): boolean {
    return this.#connection.isOpen;
  }

  async request(
    id: number,
    method: string,
    params: { name?: string; _meta?: object },
  ): Promise<string[]> {
    const { name } = params;
    const named = name === undefined ? '' : `mcp-name: ${name}\r\n`;
    const body = envelope(id, method, { ...params, _meta: { ...META, ...params._meta } });
    const head = `${this.#head}mcp-method: ${method}\r\n${named}`;
    return answers(await this.#connection.exchange(withBody(head, body)));
  }

  close(): Promise<void> {
    this.#connection.destroy();
    return Promise.resolve();
  }
}

const META = {
  'io.modelcontextprotocol/protocolVersion': MODERN,
  'io.modelcontextprotocol/clientCapabilities': {},
  'io.modelcontextprotocol/clientInfo': CLIENT,
};

/** A client of HTTP+SSE: requests go to an address of their own, answers come on one stream. */
export class SseClient implements McpClient {
  readonly #posts: Connection;
  readonly #stream: Connection;
  readonly #waiting = new Map<number, (json: string) => void>();
  #rest = '';
  #head = '';
  #onEndpoint: ((path: string) => void) | undefined;

  private constructor(order: Order) {
    this.#posts = new Connection(order.port);
    this.#stream = new Connection(order.port, (part) => this.#receive(part));
  }

  /** Opens the stream, waits for the address of requests and walks the handshake. */
  static async open(order: Order): Promise<SseClient> {
    const client = new SseClient(order);
    const endpoint = within(
      new Promise<string>((resolve) => {
        client.#onEndpoint = resolve;
      }),
    );
    client.#stream.send(`${headOf(order, 'GET')}\r\n`);
    client.#head = headOf(order, 'POST', await endpoint);
    await client.request(0, 'initialize', INITIALIZE);
    await client.#posts.exchange(
      withBody(client.#head, envelope(undefined, 'notifications/initialized')),
    );
    return client;
  }

  get isOpen(): boolean {
    return this.#posts.isOpen && this.#stream.isOpen;
  }

  async request(id: number, method: string, params: object): Promise<string[]> {
    const answered = new Promise<string>((resolve) => this.#waiting.set(id, resolve));
    const reply = await this.#posts.exchange(withBody(this.#head, envelope(id, method, params)));
    if (reply.status >= 300) throw new Error(`HTTP ${reply.status} ${reply.body.slice(0, 300)}`);
    return [await within(answered)];
  }

  close(): Promise<void> {
    this.#posts.destroy();
    this.#stream.destroy();
    return Promise.resolve();
  }

  #receive(part: string): void {
    const text = this.#rest + part;
    const end = text.lastIndexOf('\n\n') + 2;
    this.#rest = text.slice(end < 2 ? 0 : end);
    if (end < 2) return;
    for (const data of eventsOf(text.slice(0, end))) {
      if (!data.startsWith('{')) {
        this.#onEndpoint?.(data.startsWith('http') ? new URL(data).pathname : data);
        continue;
      }
      const { id } = JSON.parse(data) as { id?: number };
      if (id === undefined) continue;
      this.#waiting.get(id)?.(data);
      this.#waiting.delete(id);
    }
  }
}

const ANSWER_WITHIN_MS = 20_000;

async function within<T>(promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new Error(`no answer within ${ANSWER_WITHIN_MS} ms`)),
      ANSWER_WITHIN_MS,
    );
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
