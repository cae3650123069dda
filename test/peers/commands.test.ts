import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { openHouse, takeTour, textsOf, type House } from '../support/clients-tour.ts';
import { ROOT } from '../support/conformance-processes.ts';

const run = promisify(execFile);
const LIMIT = { timeout: 90_000 };
const COMMAND_MS = 20_000;
const BIN = join(ROOT, 'test/peers/node_modules/.bin');

/** What a program of the peers writes when run under this Node. */
async function output(house: House, command: string, args: readonly string[]): Promise<string> {
  const { PATH = '' } = process.env;
  const { stdout } = await run(process.execPath, [join(BIN, command), ...args], {
    cwd: house.home,
    env: { PATH, HOME: house.home, ...house.gateway.env },
    timeout: COMMAND_MS,
    killSignal: 'SIGKILL',
    maxBuffer: 16_777_216,
  });
  return stdout;
}

/** The Inspector's command line: one connection per command. */
async function tourWithInspector(house: House, where: readonly string[]): Promise<void> {
  const ask = async (method: string, ...more: readonly string[]): Promise<unknown> =>
    JSON.parse(
      await output(house, 'mcp-inspector', [
        '--cli',
        ...where,
        '--format',
        'json',
        '--quiet',
        '--method',
        method,
        ...more,
      ]),
    );
  const named = async (method: string, key: string): Promise<string[]> => {
    const result = (await ask(method)) as { result?: unknown };
    const list = (result.result ?? result) as Record<string, { name: string }[]>;
    return (list[key] ?? []).map(({ name }) => name);
  };
  const inner = (value: unknown): unknown => (value as { result?: unknown }).result ?? value;
  await takeTour(house, {
    tools: () => named('tools/list', 'tools'),
    call: async (name, args) =>
      textsOf(
        inner(
          await ask('tools/call', '--tool-name', name, '--tool-args-json', JSON.stringify(args)),
        ),
      ),
    read: async (uri) => textsOf(inner(await ask('resources/read', '--uri', uri))),
    prompt: async (name, args) => {
      const pairs = Object.entries(args).map(([key, value]) => `${key}=${value}`);
      return textsOf(
        inner(await ask('prompts/get', '--prompt-name', name, '--prompt-args', ...pairs)),
      );
    },
  });
}

/** A client that starts mcp-remote, which reaches the gateway over HTTP. */
async function tourWithRemote(house: House, url: string, strategy: string): Promise<void> {
  const client = new Client(
    { name: 'behind-mcp-remote', version: '1.0.0' },
    { capabilities: { elicitation: { form: {} } } },
  );
  client.setRequestHandler(ElicitRequestSchema, () => ({
    action: 'accept' as const,
    content: { name: 'Ada' },
  }));
  await client.connect(
    new StdioClientTransport({
      command: process.execPath,
      args: [join(BIN, 'mcp-remote'), url, '--transport', strategy],
      env: { PATH: process.env['PATH'] ?? '', HOME: house.home },
      stderr: 'ignore',
    }),
  );
  try {
    await takeTour(house, {
      tools: async () => (await client.listTools()).tools.map(({ name }) => name),
      call: async (name, args) => textsOf(await client.callTool({ name, arguments: args })),
      read: async (uri) => textsOf(await client.readResource({ uri })),
      prompt: async (name, args) => textsOf(await client.getPrompt({ name, arguments: args })),
    });
    const asked = await client.callTool({ name: 'everything__trigger-elicitation-request' });
    assert.match(textsOf(asked), /Name: Ada/);
  } finally {
    await client.close();
  }
}

async function tourWithMcporter(house: House): Promise<void> {
  const { url } = house.gateway;
  const http = ['--http-url', url, '--allow-http', '--name', 'mcpx'];
  await takeTour(house, {
    tools: async () => {
      const listed = await output(house, 'mcporter', ['list', url, '--allow-http', '--json']);
      const { tools } = JSON.parse(listed) as { tools: { name: string }[] };
      return tools.map(({ name }) => name);
    },
    call: (name, args) =>
      output(house, 'mcporter', [
        'call',
        ...http,
        '--tool',
        name,
        '--args',
        JSON.stringify(args),
        '--output',
        'text',
      ]),
  });
}

describe('client programs through a gateway in front of three real servers', () => {
  let house: House;
  before(
    async () => {
      house = await openHouse();
    },
    { timeout: 60_000 },
  );
  after(() => house.stop(), { timeout: 30_000 });

  for (const era of ['legacy', 'auto', 'modern'])
    test(`the Inspector's command line in the era "${era}"`, LIMIT, () =>
      tourWithInspector(house, [house.gateway.url, '--transport', 'http', '--protocol-era', era]),
    );

  test("the Inspector's command line over HTTP+SSE", LIMIT, () =>
    tourWithInspector(house, [house.gateway.sseUrl, '--transport', 'sse']),
  );

  test('mcp-remote between a client on stdio and streamable HTTP', LIMIT, () =>
    tourWithRemote(house, house.gateway.url, 'http-only'),
  );

  test('mcp-remote between a client on stdio and HTTP+SSE', LIMIT, () =>
    tourWithRemote(house, house.gateway.sseUrl, 'sse-only'),
  );

  test('mcporter lists and calls over streamable HTTP', LIMIT, () => tourWithMcporter(house));
});
