import assert from 'node:assert/strict';
import { after, before, describe, test, type TestContext } from 'node:test';
import {
  Client as SecondClient,
  SSEClientTransport as SecondSse,
  StreamableHTTPClientTransport as SecondHttp,
} from '@modelcontextprotocol/client';
import { StdioClientTransport as SecondStdio } from '@modelcontextprotocol/client/stdio';
import { Client as FirstClient } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport as FirstSse } from '@modelcontextprotocol/sdk/client/sse.js';
import { StdioClientTransport as FirstStdio } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport as FirstHttp } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport as FirstTransport } from '@modelcontextprotocol/sdk/shared/transport.js';
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { openHouse, takeTour, textsOf, type House } from '../support/clients-tour.ts';

const LIMIT = { timeout: 30_000 };
const INFO = { name: 'tourist', version: '1.0.0' };
const FORM_ANSWER = { action: 'accept' as const, content: { name: 'Ada' } };
const COMPLETION = {
  role: 'assistant' as const,
  model: 'none',
  content: { type: 'text' as const, text: 'said by the client' },
};
const CAPABILITIES = { elicitation: { form: {} }, sampling: {}, roots: {} };

/** A client of the first SDK that can be asked for everything. */
async function connectFirst(t: TestContext, house: House, transport: FirstTransport) {
  const client = new FirstClient(INFO, { capabilities: CAPABILITIES });
  client.setRequestHandler(ElicitRequestSchema, () => FORM_ANSWER);
  client.setRequestHandler(CreateMessageRequestSchema, () => COMPLETION);
  client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: [rootOf(house)] }));
  await client.connect(transport);
  t.after(() => client.close());
  return client;
}

function rootOf({ note }: House): { uri: string; name: string } {
  return { uri: `file://${note.replace(/\/[^/]*$/, '')}`, name: 'shown' };
}

async function tourWithFirst(t: TestContext, house: House, transport: FirstTransport) {
  const client = await connectFirst(t, house, transport);
  await takeTour(house, {
    tools: async () => (await client.listTools()).tools.map(({ name }) => name),
    call: async (name, args) => textsOf(await client.callTool({ name, arguments: args })),
    read: async (uri) => textsOf(await client.readResource({ uri })),
    prompt: async (name, args) => textsOf(await client.getPrompt({ name, arguments: args })),
  });
  const ask = async (name: string, args = {}): Promise<string> =>
    textsOf(await client.callTool({ name: `everything__${name}`, arguments: args }));
  assert.match(await ask('trigger-elicitation-request'), /Name: Ada/);
  assert.match(await ask('trigger-sampling-request', { prompt: 'Speak' }), /said by the client/);
  assert.match(await ask('get-roots-list'), /shown/);
}

type SecondMode = 'legacy' | 'auto' | { pin: string };

/** A client of the second SDK, which speaks both eras. */
async function connectSecond(
  t: TestContext,
  house: House,
  transport: SecondHttp | SecondSse | SecondStdio,
  mode: SecondMode,
) {
  const client = new SecondClient(INFO, {
    capabilities: CAPABILITIES,
    versionNegotiation: { mode },
  });
  client.setRequestHandler('elicitation/create', () => Promise.resolve(FORM_ANSWER));
  client.setRequestHandler('sampling/createMessage', () => Promise.resolve(COMPLETION));
  client.setRequestHandler('roots/list', () => Promise.resolve({ roots: [rootOf(house)] }));
  await client.connect(transport);
  t.after(() => client.close());
  return client;
}

async function tourWithSecond(house: House, client: SecondClient): Promise<void> {
  await takeTour(house, {
    tools: async () => (await client.listTools()).tools.map(({ name }) => name),
    call: async (name, args) => textsOf(await client.callTool({ name, arguments: args })),
    read: async (uri) => textsOf(await client.readResource({ uri })),
    prompt: async (name, args) => textsOf(await client.getPrompt({ name, arguments: args })),
  });
}

describe('clients of the SDKs through a gateway in front of three real servers', () => {
  let house: House;
  before(
    async () => {
      house = await openHouse();
    },
    { timeout: 60_000 },
  );
  after(() => house.stop(), { timeout: 30_000 });

  test(
    'the first SDK lists, calls, reads, gets a prompt and is asked over streamable HTTP',
    LIMIT,
    (t) => tourWithFirst(t, house, new FirstHttp(new URL(house.gateway.url))),
  );

  test('the first SDK does the same as a client that knows HTTP+SSE alone', LIMIT, (t) =>
    tourWithFirst(t, house, new FirstSse(new URL(house.gateway.sseUrl))),
  );

  test('the first SDK does the same with a gateway that it starts as a command', LIMIT, (t) =>
    tourWithFirst(t, house, new FirstStdio({ ...house.stdio, stderr: 'ignore' })),
  );

  test('the second SDK does the same in the legacy era over streamable HTTP', LIMIT, async (t) => {
    const transport = new SecondHttp(new URL(house.gateway.url));
    const client = await connectSecond(t, house, transport, 'legacy');
    await tourWithSecond(house, client);
    const asked = await client.callTool({ name: 'everything__trigger-elicitation-request' });
    assert.match(textsOf(asked), /Name: Ada/);
  });

  test('the second SDK does the same over HTTP+SSE', LIMIT, async (t) => {
    const transport = new SecondSse(new URL(house.gateway.sseUrl));
    await tourWithSecond(house, await connectSecond(t, house, transport, 'legacy'));
  });

  test(
    'the second SDK does the same with a gateway that it starts as a command',
    LIMIT,
    async (t) => {
      const transport = new SecondStdio({ ...house.stdio, stderr: 'ignore' });
      await tourWithSecond(house, await connectSecond(t, house, transport, 'legacy'));
    },
  );

  test(
    'the second SDK finds the modern era by itself and lists, calls, reads and gets a prompt',
    LIMIT,
    async (t) => {
      const transport = new SecondHttp(new URL(house.gateway.url));
      const client = await connectSecond(t, house, transport, 'auto');
      assert.equal(client.getNegotiatedProtocolVersion(), '2026-07-28');
      await tourWithSecond(house, client);
    },
  );

  test(
    'the second SDK finds the modern era of a gateway that it starts as a command',
    LIMIT,
    async (t) => {
      const transport = new SecondStdio({ ...house.stdio, stderr: 'ignore' });
      const client = await connectSecond(t, house, transport, 'auto');
      assert.equal(client.getNegotiatedProtocolVersion(), '2026-07-28');
      await tourWithSecond(house, client);
    },
  );
});
