import {
  Client as SecondClient,
  StreamableHTTPClientTransport,
} from '@modelcontextprotocol/client';
import { StdioClientTransport as SecondStdio } from '@modelcontextprotocol/client/stdio';
import { Client as FirstClient } from '@modelcontextprotocol/sdk/client/index.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  ResultSchema,
} from '@modelcontextprotocol/sdk/types.js';

type JsonObject = Record<string, unknown>;

/** A request or a notification that reached a client. */
export interface Came {
  readonly method: string;
  readonly params: JsonObject;
}

/** What a client says to what it is asked, by method. */
export type Says = (asked: Came) => JsonObject;

/** A client of an SDK: what it was asked, what it heard, and any request it is told to send. */
export interface AskedClient {
  readonly asked: Came[];
  readonly heard: readonly Came[];
  request(method: string, params?: JsonObject, options?: RequestOptions): Promise<JsonObject>;
  call(name: string, args?: JsonObject, options?: RequestOptions): Promise<JsonObject>;
  close(): Promise<void>;
}

/** An AskedClient of the second SDK. */
export interface AskedModernClient extends AskedClient {
  /** The protocol version it speaks. */
  readonly version: string | undefined;
}

interface RequestOptions {
  readonly onprogress?: (progress: JsonObject) => void;
}

const LIMIT = { timeout: 20_000 };
const CAPABILITIES = { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} };

/** Connects a client of the first SDK that can be asked for everything. */
export async function connectFirst(
  name: string,
  transport: Transport,
  says: Says,
): Promise<AskedClient> {
  const client = new FirstClient({ name, version: '1.0.0' }, { capabilities: CAPABILITIES });
  const asked: Came[] = [];
  const heard: Came[] = [];
  const answer = (came: { method: string; params?: object | undefined }) => {
    const noted = { method: came.method, params: { ...came.params } };
    asked.push(noted);
    return says(noted) as never;
  };
  client.setRequestHandler(ElicitRequestSchema, answer);
  client.setRequestHandler(CreateMessageRequestSchema, answer);
  client.setRequestHandler(ListRootsRequestSchema, answer);
  client.fallbackNotificationHandler = ({ method, params }) => {
    heard.push({ method, params: { ...params } });
    return Promise.resolve();
  };
  await client.connect(transport, LIMIT);
  const request: AskedClient['request'] = (method, params = {}, options = {}) =>
    client.request({ method, params }, ResultSchema, { ...LIMIT, ...options });
  return {
    asked,
    heard,
    request,
    call: (tool, args = {}, options = {}) =>
      request('tools/call', { name: tool, arguments: args }, options),
    close: () => client.close(),
  };
}

/** How a client of the second SDK reaches a gateway. */
export type SecondPlace =
  | { readonly url: string }
  | { readonly command: string; readonly args: string[]; readonly env: Record<string, string> };

/** Connects a client of the second SDK that is pinned to 2026-07-28, declares this and answers it. */
export async function connectPinned(
  name: string,
  place: SecondPlace,
  says: Says,
  capabilities: JsonObject = CAPABILITIES,
): Promise<AskedModernClient> {
  const client = new SecondClient(
    { name, version: '1.0.0' },
    { capabilities, versionNegotiation: { mode: { pin: '2026-07-28' } } },
  );
  const asked: Came[] = [];
  const heard: Came[] = [];
  for (const [method, feature] of [
    ['elicitation/create', 'elicitation'],
    ['sampling/createMessage', 'sampling'],
    ['roots/list', 'roots'],
  ] as const) {
    if (capabilities[feature] === undefined) continue;
    client.setRequestHandler(method, ({ params }: { params?: object | undefined }) => {
      const noted = { method, params: { ...params } };
      asked.push(noted);
      return Promise.resolve(says(noted) as never);
    });
  }
  client.fallbackNotificationHandler = ({ method, params }) => {
    heard.push({ method, params: { ...params } });
    return Promise.resolve();
  };
  const transport =
    'url' in place
      ? new StreamableHTTPClientTransport(new URL(place.url))
      : new SecondStdio({ ...place, stderr: 'ignore' });
  await client.connect(transport, LIMIT);
  return {
    asked,
    heard,
    version: client.getNegotiatedProtocolVersion(),
    request: (method, params = {}, options = {}) =>
      client.request({ method, params } as never, { ...LIMIT, ...options }),
    call: (tool, args = {}, options = {}) =>
      client.callTool({ name: tool, arguments: args }, { ...LIMIT, ...options }),
    close: () => client.close(),
  };
}

/** The methods among these, in the order they came. */
export function methodsOf(came: readonly Came[]): string[] {
  return came.map(({ method }) => method);
}

/** The params of what came with this method. */
export function paramsOf(came: readonly Came[], method: string): JsonObject[] {
  return came.filter((one) => one.method === method).map(({ params }) => params);
}
