import assert from 'node:assert/strict';
import { EventReader, messagesIn, parseEvents } from './raw-events.ts';
import { begin, rpcOf, send, type Got, type JsonObject, type Rpc, type Sent } from './raw-http.ts';

export const MODERN = '2026-07-28';

const INFO = { name: 'raw-test', version: '1.0.0' };

/** What a session of a raw legacy client begins with. */
export interface SessionTerms {
  readonly version?: string;
  readonly capabilities?: JsonObject;
  readonly clientInfo?: JsonObject;
}

/** The body of an initialize request. */
export function initializeBody(terms: SessionTerms = {}): JsonObject {
  const { version = '2025-11-25', capabilities = {}, clientInfo = INFO } = terms;
  const params = { protocolVersion: version, capabilities, clientInfo };
  return { jsonrpc: '2.0', id: 0, method: 'initialize', params };
}

/** A request of the modern protocol, with every header its body asks for; both can be overridden. */
export function modernSent(
  method: string,
  params: JsonObject = {},
  changes: { id?: unknown; meta?: JsonObject; headers?: Record<string, string | undefined> } = {},
): Sent {
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': MODERN,
    'io.modelcontextprotocol/clientCapabilities': {},
    'io.modelcontextprotocol/clientInfo': INFO,
    ...changes.meta,
  };
  const name = params['name'] ?? params['uri'] ?? params['taskId'];
  const headers: Record<string, string | undefined> = {
    'mcp-protocol-version': MODERN,
    'mcp-method': method,
    'mcp-name': typeof name === 'string' ? name : undefined,
    ...changes.headers,
  };
  const body = { jsonrpc: '2.0', id: changes.id ?? 1, method, params: { ...params, _meta } };
  return { headers: defined(headers), body };
}

/** Calls a tool in the modern way and returns the answer. */
export function modernCall(
  port: number,
  name: string,
  args: JsonObject = {},
  more: JsonObject = {},
): Promise<Got> {
  return send(port, modernSent('tools/call', { name, arguments: args, ...more }));
}

/** Every JSON-RPC message of an answer, whether it came as JSON or as events. */
export function allOf(got: Got): Rpc[] {
  const isStream = got.headers['content-type']?.startsWith('text/event-stream') === true;
  if (isStream) return messagesIn(parseEvents(got.text));
  const value: unknown = JSON.parse(got.text);
  return Array.isArray(value) ? (value as Rpc[]) : [value as Rpc];
}

/** A legacy client over streamable HTTP that sends exactly what it is told. */
export class RawSession {
  readonly port: number;
  readonly id: string;
  readonly version: string;
  readonly initialized: Rpc;
  #lastId = 100;

  private constructor(port: number, id: string, initialized: Rpc) {
    this.port = port;
    this.id = id;
    this.initialized = initialized;
    this.version = String(initialized.result?.['protocolVersion']);
  }

  static async open(port: number, terms: SessionTerms = {}): Promise<RawSession> {
    const got = await send(port, { body: initializeBody(terms) });
    assert.equal(got.status, 200, got.text);
    const session = new RawSession(port, String(got.headers['mcp-session-id']), rpcOf(got));
    await session.notify('notifications/initialized');
    return session;
  }

  get headers(): Record<string, string> {
    return { 'mcp-session-id': this.id, 'mcp-protocol-version': this.version };
  }

  /** A request body with an id of its own. */
  body(method: string, params: JsonObject = {}): JsonObject & { id: number } {
    this.#lastId += 1;
    return { jsonrpc: '2.0', id: this.#lastId, method, params };
  }

  post(body: unknown, headers: Record<string, string> = {}): Promise<Got> {
    return send(this.port, { headers: { ...this.headers, ...headers }, body });
  }

  async notify(method: string, params: JsonObject = {}): Promise<void> {
    const { status, text } = await this.post({ jsonrpc: '2.0', method, params });
    assert.deepEqual([status, text], [202, '']);
  }

  /** Sends a request and returns the response with its id, whatever carried it. */
  async request(method: string, params: JsonObject = {}): Promise<Rpc> {
    const body = this.body(method, params);
    const found = allOf(await this.post(body)).find(({ id }) => id === body.id);
    assert.ok(found, `no answer to ${method}`);
    return found;
  }

  call(name: string, args: JsonObject = {}): Promise<Rpc> {
    return this.request('tools/call', { name, arguments: args });
  }

  /** What a fixture behind the gateway has seen. */
  async state(server = 'it'): Promise<JsonObject> {
    const { result } = await this.call(`${server}__fixture_state`);
    return result?.['structuredContent'] as JsonObject;
  }

  /** Opens the stream that answers a POST; it must be one. */
  async stream(body: unknown): Promise<EventReader> {
    const response = await begin(this.port, { headers: this.headers, body });
    assert.match(response.headers['content-type'] ?? '', /^text\/event-stream/u);
    return new EventReader(response);
  }

  /** Opens the GET stream, or takes one up again. */
  listen(lastEventId?: string): Promise<EventReader> {
    const resume: Record<string, string> =
      lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
    return EventReader.open(this.port, { method: 'GET', headers: { ...this.headers, ...resume } });
  }

  end(): Promise<Got> {
    return send(this.port, { method: 'DELETE', headers: this.headers });
  }
}

function defined(headers: Record<string, string | undefined>): Record<string, string> {
  const kept = Object.entries(headers).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return Object.fromEntries(kept);
}
