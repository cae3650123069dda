import {
  Client as ModernClient,
  StreamableHTTPClientTransport,
} from '@modelcontextprotocol/client';
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js';
import {
  StdioClientTransport,
  type StdioServerParameters,
} from '@modelcontextprotocol/sdk/client/stdio.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StreamableHTTPClientTransport as LegacyHttpTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ResultSchema, type JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { ROW_KEY, type Actor, type Ledger, type Row } from './ledger.ts';
import { Tap } from './ledger-tap.ts';
import { MODERN } from './raw-clients.ts';
import { eventually } from './raw-eventually.ts';
import type { JsonObject, Rpc } from './raw-http.ts';

/** A client that sends what the script says. */
export interface Speaker {
  readonly actor: Actor;
  /** Sends a request; resolves when it is over. An aborted one is given up in the way of its era. */
  send(row: Row, signal?: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** Where a speaker speaks. */
export interface Place {
  readonly ledger: Ledger;
  /** `http://host:port` of the gateway. */
  readonly base: string;
}

/** What a client answers to the questions of servers, by method. */
export type Answers = Readonly<Record<string, JsonObject>>;

/** Opens a client. */
export type OpenSpeaker = (place: Place, actor: Actor) => Promise<Speaker>;

const LIMIT = { timeout: 20_000 };
const TYPES = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
};

/** Parameters as they are sent: with what tells the row, and its trace. */
function paramsOf({ params, number, trace }: Row): JsonObject {
  const meta = {
    ...(params['_meta'] as JsonObject | undefined),
    ...trace?.meta,
    [ROW_KEY]: number,
  };
  return { ...params, _meta: meta };
}

/** The client of SDK v1, over streamable HTTP or HTTP+SSE as the actor has it. */
export const openSdkV1: OpenSpeaker = async ({ ledger, base }, actor) => {
  const { fetch } = new Tap(ledger, actor);
  const client = new LegacyClient({ name: actor.client, version: '1.0.0' });
  const isSse = actor.transport === 'sse';
  const http = new LegacyHttpTransport(new URL('/mcp', base), { fetch });
  const sse = new SSEClientTransport(new URL('/sse', base), { fetch });
  await client.connect(isSse ? sse : http, LIMIT);
  return {
    actor,
    send: async (row, signal) => {
      const request = { method: row.method, params: paramsOf(row) };
      const options = signal === undefined ? LIMIT : { ...LIMIT, signal };
      await client.request(request, ResultSchema, options).catch(() => undefined);
      await row.done;
    },
    close: async () => {
      if (isSse) ledger.ended.push({ run: ledger.run, version: actor.version });
      else await http.terminateSession();
      await client.close();
    },
  };
};

/** The client of SDK v1 with a gateway of its own, which it starts. */
export async function openStdio(
  { ledger }: Place,
  actor: Actor,
  start: StdioServerParameters,
): Promise<Speaker> {
  const tap = new Tap(ledger, actor);
  const transport = new StdioClientTransport(start);
  const send = transport.send.bind(transport);
  Object.assign(transport, {
    onmessage: (message: Rpc) => tap.take(message),
    send: (message: JSONRPCMessage) => {
      for (const row of tap.sent(JSON.stringify(message))) {
        // Nothing tells the size of a line.
        row.bytes = undefined;
        row.session = 'stdio';
      }
      return send(message);
    },
  });
  const client = new LegacyClient({ name: actor.client, version: '1.0.0' });
  await client.connect(transport, LIMIT);
  const { pid } = transport;
  return {
    actor,
    send: async (row) => {
      const request = { method: row.method, params: paramsOf(row) };
      await client.request(request, ResultSchema, LIMIT).catch(() => undefined);
      await row.done;
    },
    close: async () => {
      await client.close();
      await eventually('the gateway of a client has ended', () => !isAlive(pid ?? 0));
    },
  };
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** The client of SDK v2, in the modern protocol alone. */
export const openSdkV2: OpenSpeaker = async ({ ledger, base }, actor) => {
  const { fetch } = new Tap(ledger, actor);
  const client = new ModernClient(
    { name: actor.client, version: '1.0.0' },
    { versionNegotiation: { mode: { pin: MODERN } } },
  );
  await client.connect(new StreamableHTTPClientTransport(new URL('/mcp', base), { fetch }), LIMIT);
  return {
    actor,
    send: async (row, signal) => {
      const request = { method: row.method, params: paramsOf(row) } as never;
      const options = signal === undefined ? LIMIT : { ...LIMIT, signal };
      await client.request(request, options).catch(() => undefined);
      await row.done;
    },
    close: () => client.close(),
  };
};

/** Bare HTTP of the legacy era, one session. */
export class LegacySpeaker implements Speaker {
  readonly actor: Actor;
  readonly #tap: Tap;
  readonly #base: string;
  #session = '';
  #lastId = 0;

  private constructor({ ledger, base }: Place, actor: Actor, answers: Answers) {
    this.actor = actor;
    this.#tap = new Tap(ledger, actor, ({ id, method = '' }) => {
      const result = answers[method];
      if (result !== undefined) void this.tell({ id, result });
    });
    this.#base = base;
  }

  /** Begins a session with a client that answers these questions of servers, by method. */
  static async open(place: Place, actor: Actor, answers: Answers = {}): Promise<LegacySpeaker> {
    const speaker = new LegacySpeaker(place, actor, answers);
    const capabilities = Object.fromEntries(
      Object.keys(answers).map((method) => [method.split('/')[0], {}]),
    );
    const clientInfo = { name: actor.client, version: '1.0.0' };
    const params = { protocolVersion: actor.version, capabilities, clientInfo };
    const response = await speaker.post({ id: 0, method: 'initialize', params });
    speaker.#session = response.headers.get('mcp-session-id') ?? '';
    await response.text();
    await speaker.tell({ method: 'notifications/initialized' });
    return speaker;
  }

  async send(row: Row, signal?: AbortSignal): Promise<void> {
    this.#lastId += 1;
    const id = this.#lastId;
    signal?.addEventListener('abort', () => {
      const params = { requestId: id, reason: 'the script says so' };
      void this.tell({ method: 'notifications/cancelled', params });
    });
    // The tap reads the answer.
    await this.post({ id, method: row.method, params: paramsOf(row) });
    await row.done;
  }

  /** Sends several requests at once, as protocol version 2025-03-26 has it. */
  async sendBatch(rows: readonly Row[]): Promise<void> {
    const messages = rows.map((row) => {
      this.#lastId += 1;
      return { jsonrpc: '2.0', id: this.#lastId, method: row.method, params: paramsOf(row) };
    });
    await this.#post(messages);
    await Promise.all(rows.map(({ done }) => done));
  }

  /** Sends a notification, or an answer to what a server has asked. */
  async tell(message: JsonObject): Promise<void> {
    const response = await this.post(message);
    await response.text();
  }

  post(message: JsonObject): Promise<Response> {
    return this.#post({ jsonrpc: '2.0', ...message });
  }

  async close(): Promise<void> {
    await this.#tap.fetch(new URL('/mcp', this.#base), {
      method: 'DELETE',
      headers: this.#headers(),
    });
  }

  #headers(): Record<string, string> {
    if (this.#session === '') return TYPES;
    const { version } = this.actor;
    return { ...TYPES, 'mcp-session-id': this.#session, 'mcp-protocol-version': version };
  }

  #post(body: unknown): Promise<Response> {
    const init = { method: 'POST', headers: this.#headers(), body: JSON.stringify(body) };
    return this.#tap.fetch(new URL('/mcp', this.#base), init);
  }
}

/** Bare HTTP of the modern era; there is nothing to open. */
export class ModernSpeaker implements Speaker {
  readonly actor: Actor;
  readonly #tap: Tap;
  readonly #base: string;
  readonly #capabilities: JsonObject;
  #lastId = 0;

  constructor({ ledger, base }: Place, actor: Actor, capabilities: JsonObject = {}) {
    this.actor = actor;
    this.#tap = new Tap(ledger, actor);
    this.#base = base;
    this.#capabilities = capabilities;
  }

  async send(row: Row, signal?: AbortSignal): Promise<void> {
    this.#lastId += 1;
    const { _meta, ...params } = paramsOf(row);
    const meta = {
      'io.modelcontextprotocol/protocolVersion': MODERN,
      'io.modelcontextprotocol/clientCapabilities': this.#capabilities,
      'io.modelcontextprotocol/clientInfo': { name: this.actor.client, version: '1.0.0' },
      ...(_meta as JsonObject),
    };
    const name = params['name'] ?? params['uri'];
    const isNamed = typeof name === 'string' && row.method !== 'completion/complete';
    const init: RequestInit = {
      method: 'POST',
      headers: {
        ...TYPES,
        'mcp-protocol-version': MODERN,
        'mcp-method': row.method,
        ...(isNamed ? { 'mcp-name': name } : {}),
      },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: this.#lastId,
        method: row.method,
        params: { ...params, _meta: meta },
      }),
      ...(signal === undefined ? {} : { signal }),
    };
    try {
      await this.#tap.fetch(new URL('/mcp', this.#base), init);
    } catch {
      // Given up.
    }
    await row.done;
  }

  async close(): Promise<void> {}
}
