import type { TestContext } from 'node:test';
import {
  Client as ModernClient,
  StreamableHTTPClientTransport,
} from '@modelcontextprotocol/client';
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport as LegacyHttpTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import {
  ElicitRequestSchema,
  ListRootsRequestSchema,
  ResultSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { ROOT } from './conformance-processes.ts';
import type { TestGateway } from './gateway.ts';
import { jsonOf, namesIn, type JsonObject } from './gateway-session.ts';

/** How the SDK's clients can reach a gateway. */
export const TRANSPORTS = ['http', 'sse', 'stdio', 'modern'] as const;
export type ClientTransport = (typeof TRANSPORTS)[number];

/** What a client of an SDK can do in a test, whatever its transport and era. */
export interface TestClient {
  readonly transport: ClientTransport;
  /** Notifications of the server, in the order they came. */
  readonly heard: readonly { readonly method: string; readonly params?: JsonObject }[];
  tools(): Promise<string[]>;
  /** Rejects with an error that has `code` and `data` where the answer is an error. */
  call(name: string, args?: JsonObject, options?: CallOptions): Promise<JsonObject>;
  request(method: string, params: JsonObject): Promise<JsonObject>;
  close(): Promise<void>;
}

/** A client of the legacy era. */
export interface LegacyTestClient extends TestClient {
  /** Ends the session by DELETE, where the transport has that. */
  terminate(): Promise<void>;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
  readonly timeout?: number;
  readonly onprogress?: (progress: JsonObject) => void;
}

/** What a legacy client declares and answers. */
export interface LegacyAnswers {
  /** Declares roots and answers with these. */
  readonly roots?: Iterable<string>;
  /** Declares elicitation and answers with what this resolves to. */
  readonly elicit?: (params: JsonObject) => Promise<JsonObject> | JsonObject;
}

const INFO = { name: 'test-client', version: '1.0.0' };
const LIMIT_MS = 60_000;

/** A client of the official SDK on this transport, closed with the test. */
export function connect(
  t: TestContext,
  gateway: TestGateway,
  transport: ClientTransport,
): Promise<TestClient> {
  return transport === 'modern'
    ? connectModern(t, gateway.url)
    : connectLegacy(t, gateway, transport);
}

/** A client of SDK v1, with what it answers to questions of servers. */
export async function connectLegacy(
  t: TestContext,
  gateway: TestGateway,
  transport: Exclude<ClientTransport, 'modern'> = 'http',
  answers: LegacyAnswers = {},
): Promise<LegacyTestClient> {
  const { roots, elicit } = answers;
  const client = new LegacyClient(INFO, {
    capabilities: {
      ...(roots === undefined ? {} : { roots: {} }),
      ...(elicit === undefined ? {} : { elicitation: {} }),
    },
  });
  const heard: { method: string; params?: JsonObject }[] = [];
  client.fallbackNotificationHandler = async (notification) => {
    heard.push(notification as { method: string; params?: JsonObject });
  };
  if (roots !== undefined)
    client.setRequestHandler(ListRootsRequestSchema, () => ({
      roots: [...roots].map((uri) => ({ uri })),
    }));
  if (elicit !== undefined)
    client.setRequestHandler(
      ElicitRequestSchema,
      async ({ params }) => (await elicit(params)) as { action: 'accept' },
    );
  const channel = legacyTransport(gateway, transport);
  await client.connect(channel, { timeout: LIMIT_MS });
  t.after(() => client.close());
  const request: TestClient['request'] = (method, params) =>
    client.request({ method, params }, ResultSchema, { timeout: LIMIT_MS });
  return {
    transport,
    heard,
    request,
    tools: async () => namesIn(await request('tools/list', {})),
    call: (name, args = {}, options = {}) =>
      client.request({ method: 'tools/call', params: { name, arguments: args } }, ResultSchema, {
        timeout: LIMIT_MS,
        resetTimeoutOnProgress: true,
        ...options,
      }),
    close: () => client.close(),
    terminate: async () => {
      if (channel instanceof LegacyHttpTransport) await channel.terminateSession();
    },
  };
}

function legacyTransport(
  gateway: TestGateway,
  transport: Exclude<ClientTransport, 'modern'>,
): Transport {
  switch (transport) {
    case 'http':
      return new LegacyHttpTransport(new URL(gateway.url));
    case 'sse':
      return new SSEClientTransport(new URL(`${gateway.base}/sse`));
    case 'stdio': {
      const { PATH = '', HOME = '' } = process.env;
      return new StdioClientTransport({
        command: process.execPath,
        args: ['bin/mcpx.js', 'stdio'],
        cwd: ROOT,
        env: { PATH, HOME, ...gateway.env },
        stderr: 'ignore',
      });
    }
    default:
      throw new Error('no such transport');
  }
}

/** A client of SDK v2 that speaks 2026-07-28 and listens for changes of lists. */
async function connectModern(t: TestContext, url: string): Promise<TestClient> {
  const client = new ModernClient(INFO, { versionNegotiation: { mode: { pin: '2026-07-28' } } });
  const heard: { method: string; params?: JsonObject }[] = [];
  const hear = (method: 'tools' | 'prompts' | 'resources'): void =>
    client.setNotificationHandler(`notifications/${method}/list_changed`, () => {
      heard.push({ method: `notifications/${method}/list_changed` });
    });
  hear('tools');
  hear('prompts');
  hear('resources');
  await client.connect(new StreamableHTTPClientTransport(new URL(url)), { timeout: LIMIT_MS });
  t.after(() => client.close());
  await client.listen({
    toolsListChanged: true,
    promptsListChanged: true,
    resourcesListChanged: true,
  });
  const request: TestClient['request'] = (method, params) =>
    client.request({ method, params } as never, { timeout: LIMIT_MS });
  return {
    transport: 'modern',
    heard,
    request,
    tools: async () => namesIn(await request('tools/list', {})),
    call: (name, args = {}, options = {}) =>
      client.callTool({ name, arguments: args }, { timeout: LIMIT_MS, ...options }),
    close: () => client.close(),
  };
}

/** What `fixture_state` (or another tool that answers JSON) says through this client. */
export async function stateOf<T = JsonObject>(client: TestClient, tool: string): Promise<T> {
  return jsonOf<T>({ result: await client.call(tool) });
}
