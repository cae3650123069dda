import {
  Client as ModernClient,
  StreamableHTTPClientTransport as ModernHttp,
} from '@modelcontextprotocol/client';
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as LegacyHttp } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ElicitRequestSchema, ResultSchema } from '@modelcontextprotocol/sdk/types.js';
import type { Era } from './conformance-gateway.ts';

export type JsonObject = Record<string, unknown>;

/** A tool as a list shows it. */
export interface ListedTool {
  readonly name: string;
  readonly inputSchema: JsonObject;
}

/** A client of the official SDK, whatever its era; requests reject where the answer is an error. */
export interface Driven {
  request(method: string, params?: JsonObject): Promise<JsonObject>;
  tools(): Promise<readonly ListedTool[]>;
  call(name: string, args?: JsonObject): Promise<JsonObject>;
  close(): Promise<void>;
}

/** Called before a question is answered, with the question's params. */
export type Asked = (params: JsonObject) => Promise<void>;

const INFO = { name: 'conformance-driver', version: '1.0.0' };
const LIMIT = { timeout: 15_000 };

/** Connects a client of this era that accepts every form with its defaults. */
export function connect(era: Era, url: string, asked: Asked): Promise<Driven> {
  return era === 'legacy' ? connectLegacy(url, asked) : connectModern(url, asked);
}

async function connectLegacy(url: string, asked: Asked): Promise<Driven> {
  const client = new LegacyClient(INFO, { capabilities: { elicitation: {} } });
  client.setRequestHandler(ElicitRequestSchema, ({ params }) => accept(params, asked));
  await client.connect(new LegacyHttp(new URL(url)), LIMIT);
  return driven(
    (method, params) => client.request({ method, params }, ResultSchema, LIMIT),
    () => client.close(),
  );
}

async function connectModern(url: string, asked: Asked): Promise<Driven> {
  const client = new ModernClient(INFO, {
    capabilities: { elicitation: { form: {} } },
    versionNegotiation: { mode: { pin: '2026-07-28' } },
  });
  client.setRequestHandler('elicitation/create', ({ params }) => accept(params, asked));
  await client.connect(new ModernHttp(new URL(url)), LIMIT);
  return driven(
    (method, params) => client.request({ method, params } as never, LIMIT),
    () => client.close(),
    // This way alone the SDK sends Mcp-Param headers and answers questions.
    (name, args) => client.callTool({ name, arguments: args }, LIMIT),
  );
}

function driven(
  send: (method: string, params: JsonObject) => Promise<JsonObject>,
  close: () => Promise<void>,
  call = (name: string, args: JsonObject): Promise<JsonObject> =>
    send('tools/call', { name, arguments: args }),
): Driven {
  const request: Driven['request'] = (method, params = {}) => send(method, params);
  return {
    request,
    tools: async () => (await request('tools/list'))['tools'] as ListedTool[],
    call: (name, args = {}) => call(name, args),
    close,
  };
}

type Accepted = { action: 'accept'; content: Record<string, string | number | boolean> };

async function accept(params: object, asked: Asked): Promise<Accepted> {
  await asked(params as JsonObject);
  const { requestedSchema } = params as { requestedSchema?: { properties?: JsonObject } };
  const fields = Object.entries(requestedSchema?.properties ?? {}).map(([name, field]) => {
    const { default: preset = true } = field as { default?: string | number | boolean };
    return [name, preset] as const;
  });
  return { action: 'accept', content: Object.fromEntries(fields) };
}
