import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { sceneOf, scripted } from '../support/shapes-scene.ts';

/** The first TypeScript SDK checks all it gets, and refuses whole answers for what the modern protocol allows (docs/decisions/0028). */

const script = {
  capabilities: { tools: {} },
  lists: {
    tools: [
      { name: 'users', inputSchema: { type: 'object' }, outputSchema: { type: 'array' } },
      { name: 'any', inputSchema: { type: 'object', properties: { a: true } } },
    ],
  },
  answers: {
    'tools/call users': { result: { content: [], structuredContent: [{ id: 1 }] } },
    'tools/call any': { result: { content: [], structuredContent: null } },
  },
};

async function connected(t: TestContext, transport: Transport): Promise<Client> {
  const client = new Client({ name: 'first', version: '1' });
  await client.connect(transport);
  t.after(() => client.close());
  return client;
}

test('it refuses what it gets from such a server itself', async (t) => {
  const { command, args } = scripted('legacy', script) as { command: string; args: string[] };
  const client = await connected(t, new StdioClientTransport({ command, args }));
  await assert.rejects(client.listTools());
  await assert.rejects(client.callTool({ name: 'users' }));
});

test('through the gateway it lists and calls the tools of such a modern server', async (t) => {
  const { port } = await sceneOf({ servers: { it: scripted('modern', script) } });
  const url = new URL(`http://127.0.0.1:${port}/mcp`);
  const client = await connected(t, new StreamableHTTPClientTransport(url));
  const { tools } = await client.listTools();
  assert.deepEqual(
    tools.map(({ name }) => name),
    ['it__users', 'it__any'],
  );
  const { content } = await client.callTool({ name: 'it__users' });
  assert.deepEqual(content, [{ type: 'text', text: '[{"id":1}]' }]);
  const any = await client.callTool({ name: 'it__any', arguments: { a: 1 } });
  assert.deepEqual(any.content, [{ type: 'text', text: 'null' }]);
});
