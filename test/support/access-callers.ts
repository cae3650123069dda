import assert from 'node:assert/strict';
import {
  Client as ModernClient,
  StreamableHTTPClientTransport,
} from '@modelcontextprotocol/client';
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as LegacyHttpTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ResultSchema } from '@modelcontextprotocol/sdk/types.js';
import { allOf, initializeBody, modernSent } from './raw-clients.ts';
import { EventReader } from './raw-events.ts';
import { begin, rpcOf, send, type Got, type JsonObject, type Rpc, type Sent } from './raw-http.ts';

/** Who calls, as far as the caller says. */
export interface CallerTerms {
  readonly headers?: Readonly<Record<string, string>>;
  /** What the client calls itself. */
  readonly client?: string;
  /** The endpoint; `/mcp` when absent. */
  readonly path?: string;
  readonly capabilities?: JsonObject;
}

/** An answer: a result or an error, and the HTTP status where it can be seen. */
export interface Told {
  readonly status?: number;
  readonly result?: JsonObject;
  readonly error?: { code: number; message: string; data?: JsonObject };
}

/** The four lists, by their keys in results. */
export type ListKind = 'tools' | 'prompts' | 'resources' | 'resourceTemplates';

/** A client of the gateway, whatever its protocol and library. */
export interface Caller {
  readonly era: 'legacy' | 'modern';
  request(method: string, params?: JsonObject): Promise<Told>;
  /** What `initialize` or `server/discover` answered. */
  welcome(): Promise<JsonObject>;
  close(): Promise<void>;
}

const LISTS: Readonly<Record<ListKind, { readonly method: string; readonly key: string }>> = {
  tools: { method: 'tools/list', key: 'name' },
  prompts: { method: 'prompts/list', key: 'name' },
  resources: { method: 'resources/list', key: 'uri' },
  resourceTemplates: { method: 'resources/templates/list', key: 'uriTemplate' },
};

/** The items of a list. */
export async function itemsOf(caller: Caller, kind: ListKind): Promise<JsonObject[]> {
  const { result, error } = await caller.request(LISTS[kind].method, {});
  assert.ok(result !== undefined, `${kind}: ${JSON.stringify(error)}`);
  return result[kind] as JsonObject[];
}

/** The names or URIs in a list. */
export async function namesOf(caller: Caller, kind: ListKind): Promise<string[]> {
  return (await itemsOf(caller, kind)).map((item) => String(item[LISTS[kind].key]));
}

/** Calls a tool. */
export function call(caller: Caller, name: string, args: JsonObject = {}): Promise<Told> {
  return caller.request('tools/call', { name, arguments: args });
}

/** What a tool was given in the end, as it returned it itself. */
export function givenTo(told: Told): unknown {
  assert.equal(told.error, undefined, JSON.stringify(told.error));
  assert.notEqual(told.result?.['isError'], true, JSON.stringify(told.result));
  return (told.result?.['structuredContent'] as JsonObject | undefined)?.['arguments'];
}

/** Fails unless the answer is a result, and no failure of a tool. */
export function assertAllowed({ result, error }: Told): void {
  assert.ok(result !== undefined, JSON.stringify(error));
  assert.notEqual(result['isError'], true, JSON.stringify(result));
}

/** Expects a refusal of the gateway by its stable name. */
export function assertRefusal({ error }: Told, refusal: string): void {
  assert.equal(error?.data?.['refusal'], refusal, JSON.stringify(error));
}

/** A raw client of the legacy era. */
export class RawLegacy implements Caller {
  readonly era = 'legacy';
  readonly port: number;
  readonly id: string;
  readonly #terms: CallerTerms;
  readonly #welcome: JsonObject;
  #lastId = 100;

  private constructor(port: number, id: string, terms: CallerTerms, welcome: JsonObject) {
    this.port = port;
    this.id = id;
    this.#terms = terms;
    this.#welcome = welcome;
  }

  static async open(port: number, terms: CallerTerms = {}): Promise<RawLegacy> {
    const got = await RawLegacy.initialize(port, terms);
    assert.equal(got.status, 200, got.text);
    const welcome = rpcOf(got).result ?? {};
    const caller = new RawLegacy(port, String(got.headers['mcp-session-id']), terms, welcome);
    await caller.notify('notifications/initialized');
    return caller;
  }

  /** The first request of a session, whatever its answer. */
  static initialize(port: number, terms: CallerTerms = {}): Promise<Got> {
    const { client = 'raw-legacy', capabilities = {}, path = '/mcp', headers = {} } = terms;
    const body = initializeBody({ clientInfo: { name: client, version: '1.0.0' }, capabilities });
    return send(port, { path, headers: { ...headers }, body });
  }

  /** The headers of this session's requests. */
  get headers(): Record<string, string> {
    return {
      ...this.#terms.headers,
      'mcp-session-id': this.id,
      'mcp-protocol-version': '2025-11-25',
    };
  }

  get path(): string {
    return this.#terms.path ?? '/mcp';
  }

  post(body: unknown, headers: Record<string, string> = this.headers): Promise<Got> {
    return send(this.port, { path: this.path, headers, body });
  }

  async notify(method: string, params: JsonObject = {}): Promise<void> {
    const { status, text } = await this.post({ jsonrpc: '2.0', method, params });
    assert.deepEqual([status, text], [202, '']);
  }

  async request(method: string, params: JsonObject = {}): Promise<Told> {
    const body = this.body(method, params);
    return toldIn(await this.post(body), body.id);
  }

  /** A request body with an id of its own. */
  body(method: string, params: JsonObject = {}): JsonObject & { id: number } {
    this.#lastId += 1;
    return { jsonrpc: '2.0', id: this.#lastId, method, params };
  }

  /** Answers a question of a server. */
  async answer(id: unknown, result: JsonObject): Promise<void> {
    const { status } = await this.post({ jsonrpc: '2.0', id, result });
    assert.equal(status, 202);
  }

  /** Sends a request and answers what servers ask before it is answered itself. */
  async converse(
    method: string,
    params: JsonObject,
    answer: JsonObject,
  ): Promise<{ questions: Rpc[]; told: Told }> {
    const body = this.body(method, params);
    const response = await begin(this.port, { path: this.path, headers: this.headers, body });
    if (response.headers['content-type'] === 'application/json') {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk as Buffer);
      const text = Buffer.concat(chunks).toString();
      return { questions: [], told: outcomeOf(JSON.parse(text) as Rpc) };
    }
    const stream = new EventReader(response);
    const questions: Rpc[] = [];
    for (;;) {
      const message = await stream.nextMessage(
        (each) => each.id !== undefined && !questions.some(({ id }) => id === each.id),
      );
      if (message.method === undefined) return { questions, told: outcomeOf(message) };
      questions.push(message);
      await this.answer(message.id, answer);
    }
  }

  /** Opens the GET stream. */
  listen(): Promise<EventReader> {
    return EventReader.open(this.port, { method: 'GET', path: this.path, headers: this.headers });
  }

  async welcome(): Promise<JsonObject> {
    return this.#welcome;
  }

  async close(): Promise<void> {
    await send(this.port, { method: 'DELETE', path: this.path, headers: this.headers });
  }
}

/** A raw client of the modern era: there is nothing to open. */
export class RawModern implements Caller {
  readonly era = 'modern';
  readonly port: number;
  readonly #terms: CallerTerms;
  #lastId = 0;

  constructor(port: number, terms: CallerTerms = {}) {
    this.port = port;
    this.#terms = terms;
  }

  /** Sends a request; headers given here are added or, where undefined, left out. */
  post(
    method: string,
    params: JsonObject = {},
    headers: Record<string, string | undefined> = {},
  ): Promise<Got> {
    return send(this.port, this.#sent(method, params, headers));
  }

  async request(method: string, params: JsonObject = {}): Promise<Told> {
    const sent = this.#sent(method, params, {});
    return toldIn(await send(this.port, sent), idOf(sent));
  }

  /** Opens a stream of notifications. */
  listen(notifications: JsonObject): Promise<EventReader> {
    return EventReader.open(this.port, this.#sent('subscriptions/listen', { notifications }, {}));
  }

  async welcome(): Promise<JsonObject> {
    const { result, error } = await this.request('server/discover');
    assert.ok(result !== undefined, JSON.stringify(error));
    return result;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #sent(method: string, params: JsonObject, headers: Record<string, string | undefined>): Sent {
    const { client = 'raw-modern', capabilities = {}, path = '/mcp' } = this.#terms;
    this.#lastId += 1;
    const sent = modernSent(method, params, {
      id: this.#lastId,
      meta: {
        'io.modelcontextprotocol/clientCapabilities': capabilities,
        'io.modelcontextprotocol/clientInfo': { name: client, version: '1.0.0' },
      },
      headers: { ...this.#terms.headers, ...headers },
    });
    return { ...sent, path };
  }
}

function idOf({ body }: Sent): unknown {
  return (body as { id: unknown }).id;
}

function toldIn(got: Got, id: unknown): Told {
  const found: Rpc | undefined = allOf(got).find(
    (message) => message.method === undefined && (message.id === id || message.id === null),
  );
  assert.ok(found, `no answer in ${got.text}`);
  return { status: got.status, ...outcomeOf(found) };
}

function outcomeOf({ result, error }: Rpc): Told {
  return {
    ...(result === undefined ? {} : { result }),
    ...(error === undefined ? {} : { error }),
  };
}

const LIMIT = { timeout: 15_000 };

async function openSdkV1(port: number, terms: CallerTerms): Promise<Caller> {
  const { client: name = 'sdk-v1', capabilities = {}, path = '/mcp', headers = {} } = terms;
  const client = new LegacyClient({ name, version: '1.0.0' }, { capabilities });
  const url = new URL(`http://127.0.0.1:${port}${path}`);
  const transport = new LegacyHttpTransport(url, { requestInit: { headers } });
  await client.connect(transport, LIMIT);
  return {
    era: 'legacy',
    request: (method, params = {}) =>
      settled(client.request({ method, params }, ResultSchema, LIMIT)),
    welcome: async () => ({
      capabilities: client.getServerCapabilities() as JsonObject,
      instructions: client.getInstructions(),
    }),
    close: async () => {
      await transport.terminateSession();
      await client.close();
    },
  };
}

async function openSdkV2(port: number, terms: CallerTerms): Promise<Caller> {
  const { client: name = 'sdk-v2', capabilities = {}, path = '/mcp', headers = {} } = terms;
  const client = new ModernClient(
    { name, version: '1.0.0' },
    { capabilities, versionNegotiation: { mode: { pin: '2026-07-28' } } },
  );
  const url = new URL(`http://127.0.0.1:${port}${path}`);
  await client.connect(new StreamableHTTPClientTransport(url, { requestInit: { headers } }), LIMIT);
  return {
    era: 'modern',
    request: (method, params = {}) => settled(client.request({ method, params } as never, LIMIT)),
    welcome: async () => ({
      capabilities: client.getServerCapabilities() as JsonObject,
      instructions: client.getInstructions(),
    }),
    close: () => client.close(),
  };
}

/** The outcome of a library's request, be it a result or an error. */
async function settled(work: Promise<JsonObject>): Promise<Told> {
  try {
    return { result: await work };
  } catch (failure) {
    const { code, message, data } = failure as { code: number; message: string; data?: JsonObject };
    if (typeof code !== 'number') throw failure;
    return { error: { code, message, ...(data === undefined ? {} : { data }) } };
  }
}

/** Opens a client. */
export type Open = (port: number, terms?: CallerTerms) => Promise<Caller>;

/** Every way of calling that these tests go: bare HTTP of both eras, and the clients of both SDKs. */
export const WAYS: Readonly<Record<string, Open>> = {
  'raw legacy': (port, terms) => RawLegacy.open(port, terms),
  'raw modern': (port, terms) => Promise.resolve(new RawModern(port, terms)),
  'SDK v1': (port, terms = {}) => openSdkV1(port, terms),
  'SDK v2': (port, terms = {}) => openSdkV2(port, terms),
};

/** Opens a client by a way, and closes it with the test, whether or not its gateway is still there. */
export async function opened(
  t: { after(done: () => Promise<void>): void },
  open: Open,
  ...args: Parameters<Open>
): Promise<Caller> {
  const caller = await open(...args);
  t.after(() => caller.close().catch(() => undefined));
  return caller;
}
