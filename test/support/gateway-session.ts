import { EventSourceParserStream } from 'eventsource-parser/stream';

export type JsonObject = Record<string, unknown>;

/** One JSON-RPC message as it came. */
export interface WireMessage {
  readonly id?: number | string | null;
  readonly method?: string;
  readonly params?: JsonObject;
  readonly result?: JsonObject;
  readonly error?: { code: number; message: string; data?: JsonObject };
}

/** How a session is opened. */
export interface SessionSetup {
  readonly version?: string;
  readonly capabilities?: JsonObject;
  readonly name?: string;
}

const ACCEPT = 'application/json, text/event-stream';
const LIMIT_MS = 60_000;

/** A legacy session over streamable HTTP, message by message, with no SDK in between: what is sent is what a test says. */
export class RawSession {
  readonly url: string;
  readonly id: string;
  /** What preceded answers, and what came on streams read by `listen`. */
  readonly heard: WireMessage[] = [];
  #lastId = 0;

  constructor(url: string, id: string) {
    this.url = url;
    this.id = id;
  }

  /** Goes through `initialize` and `notifications/initialized`. */
  static async open(url: string, setup: SessionSetup = {}): Promise<RawSession> {
    const response = await postTo(url, {
      id: 0,
      method: 'initialize',
      params: {
        protocolVersion: setup.version ?? '2025-11-25',
        capabilities: setup.capabilities ?? {},
        clientInfo: { name: setup.name ?? 'raw-session', version: '1.0.0' },
      },
    });
    const id = response.headers.get('mcp-session-id');
    await response.text();
    if (id === null) throw new Error(`initialize was answered with ${response.status}, no session`);
    const session = new RawSession(url, id);
    await session.tell('notifications/initialized');
    return session;
  }

  /** POSTs one message in this session. */
  post(message: JsonObject, signal?: AbortSignal): Promise<Response> {
    return postTo(this.url, message, { 'mcp-session-id': this.id }, signal);
  }

  async tell(method: string, params?: JsonObject): Promise<void> {
    await (await this.post({ method, ...(params === undefined ? {} : { params }) })).text();
  }

  /** Sends a request and resolves with its response, result or error. */
  async request(
    method: string,
    params: JsonObject = {},
    signal?: AbortSignal,
  ): Promise<WireMessage> {
    this.#lastId += 1;
    const id = this.#lastId;
    const response = await this.post({ id, method, params }, signal);
    for await (const message of messagesOf(response)) {
      if (message.method === undefined && (message.id === id || message.id == null)) return message;
      this.heard.push(message);
    }
    throw new Error(`No answer to ${method}: HTTP ${response.status}`);
  }

  call(name: string, args: JsonObject = {}, signal?: AbortSignal): Promise<WireMessage> {
    return this.request('tools/call', { name, arguments: args }, signal);
  }

  /** The names of all tools. */
  async tools(): Promise<string[]> {
    return namesIn((await this.request('tools/list')).result);
  }

  /** Opens the GET stream; its messages go to `heard` until the signal ends it. Resolves once it is open. */
  async listen(signal: AbortSignal): Promise<void> {
    const response = await fetch(this.url, {
      headers: { accept: 'text/event-stream', 'mcp-session-id': this.id },
      signal,
    });
    if (response.status !== 200) throw new Error(`GET was answered with ${response.status}`);
    void this.#read(response).catch(() => undefined);
  }

  /** DELETEs the session; resolves with the HTTP status. */
  async delete(): Promise<number> {
    const response = await fetch(this.url, {
      method: 'DELETE',
      headers: { 'mcp-session-id': this.id },
      signal: AbortSignal.timeout(LIMIT_MS),
    });
    await response.text();
    return response.status;
  }

  async #read(response: Response): Promise<void> {
    for await (const message of messagesOf(response)) this.heard.push(message);
  }
}

/** POSTs one JSON-RPC message. */
export function postTo(
  url: string,
  message: JsonObject,
  headers: Record<string, string> = {},
  signal: AbortSignal = AbortSignal.timeout(LIMIT_MS),
): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: ACCEPT, ...headers },
    body: JSON.stringify({ jsonrpc: '2.0', ...message }),
    signal,
  });
}

/** One stateless request of the modern era; resolves with its response. */
export async function modernRequest(
  url: string,
  method: string,
  params: JsonObject = {},
  signal?: AbortSignal,
): Promise<WireMessage> {
  const version = '2026-07-28';
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': version,
    'io.modelcontextprotocol/clientCapabilities': {},
    'io.modelcontextprotocol/clientInfo': { name: 'modern-request', version: '1.0.0' },
  };
  const name = params['name'] ?? params['uri'];
  const headers = {
    'mcp-protocol-version': version,
    'mcp-method': method,
    ...(typeof name === 'string' ? { 'mcp-name': name } : {}),
  };
  const body = { id: 1, method, params: { ...params, _meta } };
  const response = await postTo(url, body, headers, signal);
  for await (const message of messagesOf(response))
    if (message.method === undefined) return message;
  throw new Error(`No answer to ${method}: HTTP ${response.status}`);
}

/** The names in a result of tools/list. */
export function namesIn(result: JsonObject | undefined): string[] {
  const tools = (result?.['tools'] ?? []) as { name: string }[];
  return tools.map(({ name }) => name);
}

/** The first text of a tool's result. */
export function textOf(message: { readonly result?: JsonObject | undefined }): string {
  const content = (message.result?.['content'] ?? []) as { text?: string }[];
  return content[0]?.text ?? '';
}

/** What a tool of the fixture returned as JSON. */
export function jsonOf<T = JsonObject>(message: { readonly result?: JsonObject | undefined }): T {
  return JSON.parse(textOf(message)) as T;
}

/** The messages of a response, JSON or stream, as they come. */
async function* messagesOf(response: Response): AsyncGenerator<WireMessage> {
  if (response.headers.get('content-type')?.startsWith('text/event-stream') !== true) {
    const text = await response.text();
    if (text !== '') yield JSON.parse(text) as WireMessage;
    return;
  }
  if (response.body === null) return;
  const events = response.body
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream());
  for await (const { data } of events) if (data !== '') yield JSON.parse(data) as WireMessage;
}
