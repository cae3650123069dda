import assert from 'node:assert/strict';
import { elsewhere } from './attack-gateway.ts';
import { allOf, initializeBody, modernSent, type SessionTerms } from './raw-clients.ts';
import { EventReader } from './raw-events.ts';
import { begin, rpcOf, send, type Got, type JsonObject, type Rpc } from './raw-http.ts';

/** How a caller of an attack reaches the gateway. */
export interface CallerTerms extends SessionTerms {
  /** Headers of every request: credentials, a tag. */
  readonly headers?: Record<string, string>;
  readonly path?: string;
  /** What it calls itself. */
  readonly client?: string;
}

/** Somebody with credentials who sends exactly what it is told, in a legacy session or as modern requests. */
export class Caller {
  readonly port: number;
  readonly path: string;
  /** Where it says it comes from: nobody else does. */
  readonly address: string;
  readonly #credentials: Record<string, string>;
  readonly #client: string;
  #session: Record<string, string> = {};
  #lastId = 100;

  constructor(port: number, terms: CallerTerms = {}) {
    this.port = port;
    this.path = terms.path ?? '/mcp';
    this.#credentials = { ...elsewhere(), ...terms.headers };
    this.address = this.#credentials['x-forwarded-for'] ?? '';
    this.#client = terms.client ?? 'attack-test';
  }

  /** One with a legacy session. */
  static async open(port: number, terms: CallerTerms = {}): Promise<Caller> {
    const caller = new Caller(port, terms);
    const clientInfo = { name: terms.client ?? 'attack-test', version: '1' };
    const got = await caller.post(initializeBody({ clientInfo, ...terms }));
    assert.equal(got.status, 200, got.text);
    caller.useSession(String(got.headers['mcp-session-id']));
    await caller.post({ jsonrpc: '2.0', method: 'notifications/initialized' });
    return caller;
  }

  /** The session id it sends. */
  get sessionId(): string {
    return this.#session['mcp-session-id'] ?? '';
  }

  /** Sends a session id from now on, whoever it was given to. */
  useSession(id: string): void {
    this.#session = { 'mcp-session-id': id };
  }

  /** Credentials and session. */
  get headers(): Record<string, string> {
    return { ...this.#credentials, ...this.#session };
  }

  body(method: string, params: JsonObject = {}): JsonObject & { id: number } {
    this.#lastId += 1;
    return { jsonrpc: '2.0', id: this.#lastId, method, params };
  }

  post(body: unknown, headers: Record<string, string> = {}): Promise<Got> {
    return send(this.port, {
      path: this.path,
      headers: { ...this.headers, ...headers },
      body,
    });
  }

  /** A legacy request as HTTP answered it. */
  async ask(method: string, params: JsonObject = {}): Promise<Got> {
    return this.post(this.body(method, params));
  }

  /** A legacy request; returns the response with its id, whatever carried it. */
  async request(method: string, params: JsonObject = {}): Promise<Rpc> {
    const body = this.body(method, params);
    const got = await this.post(body);
    const found = allOf(got).find(({ id }) => id === body.id);
    assert.ok(found, `no answer to ${method}: ${got.text.slice(0, 500)}`);
    return found;
  }

  call(name: string, args: JsonObject = {}): Promise<Rpc> {
    return this.request('tools/call', { name, arguments: args });
  }

  /** A modern request as HTTP answered it. */
  modern(method: string, params: JsonObject = {}, meta: JsonObject = {}): Promise<Got> {
    const clientInfo = { name: this.#client, version: '1' };
    const sent = modernSent(method, params, {
      meta: { 'io.modelcontextprotocol/clientInfo': clientInfo, ...meta },
    });
    const headers = { ...sent.headers, ...this.#credentials };
    return send(this.port, { ...sent, path: this.path, headers });
  }

  modernCall(name: string, args: JsonObject = {}): Promise<Got> {
    return this.modern('tools/call', { name, arguments: args });
  }

  /** The names or URIs in one of the lists, as a modern client gets it. */
  async listed(kind: 'tools' | 'prompts' | 'resources' | 'resourceTemplates'): Promise<string[]> {
    const method = kind === 'resourceTemplates' ? 'resources/templates/list' : `${kind}/list`;
    const got = await this.modern(method);
    assert.equal(got.status, 200, got.text);
    const items = rpcOf(got).result?.[kind] as readonly JsonObject[];
    return items.map((item) => String(item['uriTemplate'] ?? item['uri'] ?? item['name']));
  }

  /** Opens the stream that answers a POST, or the one of the session. */
  async stream(body?: unknown, headers: Record<string, string> = {}): Promise<EventReader> {
    const all = { ...this.headers, ...headers };
    const method = body === undefined ? 'GET' : 'POST';
    return new EventReader(await begin(this.port, { method, path: this.path, headers: all, body }));
  }
}

/** The code of the refusal in an answer; undefined where there is none. */
export function refusalOf(got: Got): string | undefined {
  const refusal = allOf(got)[0]?.error?.data?.['refusal'];
  return refusal === undefined ? undefined : String(refusal);
}

/** Expects a JSON-RPC error with this refusal, with the HTTP status where it matters. */
export function assertRefusal(got: Got, refusal: string, status?: number): void {
  assert.equal(refusalOf(got), refusal, got.text.slice(0, 500));
  if (status !== undefined) assert.equal(got.status, status, got.text.slice(0, 500));
}
