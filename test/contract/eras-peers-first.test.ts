import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { MCPX, startServing, type RunningGateway } from '../support/clients-gateway.ts';
import { textsOf } from '../support/clients-tour.ts';
import { ROOT } from '../support/conformance-processes.ts';
import { connectFirst, connectPinned, type AskedClient } from '../support/eras-clients.ts';
import {
  beAsked,
  beSeenAsModern,
  beSentToPage,
  hearNews,
  hearWork,
  saysAda,
  usePlainly,
} from '../support/eras-modern-server.ts';
import { context7, sdkServer, startSdkServer, type RemoteServer } from '../support/eras-servers.ts';

type JsonObject = Record<string, unknown>;

const LIMIT = { timeout: 30_000 };
const REMOTE = join(ROOT, 'test/peers/node_modules/.bin/mcp-remote');
const FOUND = [
  { server: 'local', scheme: 'note' },
  { server: 'remote', scheme: 'memo' },
];

let gateway: RunningGateway;
let remote: RemoteServer;
/** The names in @upstash/context7-mcp as it gives them itself, as a server of 2026-07-28. */
let own: readonly string[];
before(
  async () => {
    remote = await startSdkServer('memo');
    own = await namesOfContext7();
    gateway = await startServing({
      servers: { local: sdkServer(), remote: remote.entry, context7: context7() },
      app: 'asks: { maxPerMinute: 1000 }\n',
    });
  },
  { timeout: 40_000 },
);
after(
  async () => {
    await gateway?.stop();
    await remote?.stop();
  },
  { timeout: 20_000 },
);

/** The ways in which a client of the first SDK gets to the gateway. */
const WAYS: Readonly<Record<string, () => Transport>> = {
  'the first SDK over streamable HTTP': () =>
    new StreamableHTTPClientTransport(new URL(gateway.url)),
  'the first SDK over HTTP+SSE': () => new SSEClientTransport(new URL(gateway.sseUrl)),
  'the first SDK on stdio': () => program([MCPX, 'stdio'], gateway),
  'mcp-remote over streamable HTTP': () =>
    program([REMOTE, gateway.url, '--transport', 'http-only'], gateway),
  'mcp-remote over HTTP+SSE': () =>
    program([REMOTE, gateway.sseUrl, '--transport', 'sse-only'], gateway),
};

for (const [way, transport] of Object.entries(WAYS))
  describe(`${way} with servers of the second SDK that speak 2026-07-28 alone`, () => {
    let client: AskedClient;
    before(
      async () => {
        client = await connectFirst(way, transport(), saysAda);
      },
      { timeout: 30_000 },
    );
    after(() => client?.close());

    test('it lists, calls, reads, gets prompts and completes', LIMIT, async () => {
      for (const found of FOUND) await usePlainly(client, found);
    });

    test('each server is spoken to in 2026-07-28', LIMIT, async () => {
      for (const found of FOUND) await beSeenAsModern(client, found);
    });

    test(
      'it is asked for a form, the model and roots, in three rounds, two at once',
      LIMIT,
      async () => {
        for (const found of FOUND) await beAsked(client, found);
      },
    );

    test('it hears progress, log messages, updates and changed lists', LIMIT, async () => {
      for (const found of FOUND) {
        await hearWork(client, found, /stdio|mcp-remote/u.test(way));
        await hearNews(client, found);
      }
    });

    test('it is sent to a page by a server that gives it no id', LIMIT, async () => {
      for (const found of FOUND) await beSentToPage(client, found);
    });

    test('it lists what @upstash/context7-mcp has', LIMIT, async () => {
      assert.deepEqual(await namesFrom(client, 'context7__'), own);
    });
  });

describe('clients of the first SDK with servers of the second that speak 2026-07-28 alone', () => {
  test('a user who declines or dismisses is told so to the server', LIMIT, async (t) => {
    for (const action of ['decline', 'cancel']) {
      const transport = new StreamableHTTPClientTransport(new URL(gateway.url));
      const client = await connectFirst('declining', transport, () => ({ action }));
      t.after(() => client.close());
      assert.equal(textsOf(await client.call('local__greet')), `No name: ${action}`);
      assert.equal(textsOf(await client.call('remote__greet')), `No name: ${action}`);
    }
  });

  test(
    'clients at once are asked their own question and get their own answer',
    LIMIT,
    async (t) => {
      const names = Array.from({ length: 4 }, (_, index) => `Ada ${index}`);
      const clients = await Promise.all(
        names.map(async (name) => {
          const transport = new StreamableHTTPClientTransport(new URL(gateway.url));
          const client = await connectFirst(name, transport, () => ({
            action: 'accept',
            content: { name },
          }));
          t.after(() => client.close());
          return client;
        }),
      );
      for (const { server } of FOUND) {
        const answers = await Promise.all(clients.map((client) => client.call(`${server}__greet`)));
        assert.deepEqual(
          answers.map((answer) => textsOf(answer)),
          names.map((name) => `Hello, ${name}!`),
        );
      }
    },
  );
});

async function namesOfContext7(): Promise<string[]> {
  const { command, args } = context7();
  const place = { command, args: [...args], env: {} };
  const client = await connectPinned('direct', place, saysAda, {});
  try {
    const names = await namesFrom(client, '');
    assert.ok(names.length >= 2, names.join());
    return names;
  } finally {
    await client.close();
  }
}

/** The names of the tools that begin so, without that beginning. */
async function namesFrom(client: AskedClient, prefix: string): Promise<string[]> {
  const { tools } = await client.request('tools/list');
  return (tools as JsonObject[])
    .map(({ name }) => String(name))
    .filter((name) => name.startsWith(prefix))
    .map((name) => name.slice(prefix.length));
}

/** A program on whose stdio a client speaks. */
function program(args: string[], { env, folder }: RunningGateway): Transport {
  const { PATH = '' } = process.env;
  return new StdioClientTransport({
    command: process.execPath,
    args,
    env: { PATH, HOME: folder, LOG_LEVEL: 'error', ...env },
    stderr: 'ignore',
  });
}
