import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createMCPClient, ElicitationRequestSchema } from '@ai-sdk/mcp';
import { Experimental_StdioMCPTransport } from '@ai-sdk/mcp/mcp-stdio';
import { MultiServerMCPClient, type Connection } from '@langchain/mcp-adapters';
import { MCPClient as MastraClient } from '@mastra/mcp';
import { MCPServerStdio, MCPServerStreamableHttp, type MCPServer } from '@openai/agents';
import { openHouse, takeTour, textsOf, type House } from '../support/clients-tour.ts';

const LIMIT = { timeout: 40_000 };
type Args = Record<string, unknown>;

async function tourWithAiSdk(
  house: House,
  transport: Parameters<typeof createMCPClient>[0]['transport'],
  protocolVersionDiscovery: boolean,
): Promise<void> {
  const client = await createMCPClient({
    transport,
    protocolVersionDiscovery,
    capabilities: { elicitation: {} },
  });
  try {
    client.onElicitationRequest(ElicitationRequestSchema, () => ({
      action: 'accept',
      content: { name: 'Ada' },
    }));
    const tools = await client.tools();
    await takeTour(house, {
      tools: () => Promise.resolve(Object.keys(tools)),
      call: async (name, args) =>
        textsOf(await tools[name]!.execute(args, { messages: [], toolCallId: name, context: {} })),
      read: async (uri) => textsOf(await client.readResource({ uri })),
      prompt: async (name, args) => textsOf(await client.getPrompt({ name, arguments: args })),
    });
    const { resources } = await client.listResources();
    assert.ok(resources.length > 3);
    const { prompts } = await client.listPrompts();
    assert.ok(prompts.some(({ name }) => name === 'everything__simple-prompt'));
  } finally {
    await client.close();
  }
}

async function tourWithLangChain(house: House, connection: Connection): Promise<void> {
  const client = new MultiServerMCPClient({ mcpServers: { mcpx: connection } });
  try {
    const tools = await client.getTools('mcpx');
    await takeTour(house, {
      tools: () => Promise.resolve(tools.map(({ name }) => name)),
      call: async (name, args) => {
        const tool = tools.find((one) => one.name === name);
        return textsOf([await tool?.invoke(args)]);
      },
      read: async (uri) => textsOf(await client.readResource('mcpx', uri)),
      prompt: async (name, args) =>
        textsOf(await (await client.getClient('mcpx'))?.getPrompt({ name, arguments: args })),
    });
    const resources = await client.listResources('mcpx');
    assert.ok((resources['mcpx'] ?? []).length > 3);
  } finally {
    await client.close();
  }
}

async function tourWithMastra(house: House): Promise<void> {
  const url = new URL(house.gateway.url);
  const client = new MastraClient({ id: `tour-${process.pid}`, servers: { mcpx: { url } } });
  try {
    const tools = (await client.listToolsets())['mcpx'] ?? {};
    await takeTour(house, {
      tools: () => Promise.resolve(Object.keys(tools)),
      call: async (name, args) => {
        const result: unknown = await tools[name]?.execute?.(args, {} as never);
        return `${textsOf(result)}\n${JSON.stringify(result)}`;
      },
      read: async (uri) => textsOf(await client.resources.read('mcpx', uri)),
      prompt: async (name, args) =>
        textsOf(await client.prompts.get({ serverName: 'mcpx', name, args })),
    });
  } finally {
    await client.disconnect();
  }
}

async function tourWithAgents(house: House, server: MCPServer): Promise<void> {
  await server.connect();
  try {
    await takeTour(house, {
      tools: async () => (await server.listTools()).map(({ name }) => name),
      call: async (name, args: Args) => textsOf(await server.callTool(name, args)),
    });
  } finally {
    await server.close();
  }
}

describe('client libraries through a gateway in front of three real servers', () => {
  let house: House;
  before(
    async () => {
      house = await openHouse();
    },
    { timeout: 60_000 },
  );
  after(() => house.stop(), { timeout: 30_000 });

  test('@ai-sdk/mcp finds the era by itself over streamable HTTP', LIMIT, () =>
    tourWithAiSdk(house, { type: 'http', url: house.gateway.url }, true),
  );

  test('@ai-sdk/mcp speaks the legacy era over streamable HTTP', LIMIT, () =>
    tourWithAiSdk(house, { type: 'http', url: house.gateway.url }, false),
  );

  test('@ai-sdk/mcp speaks HTTP+SSE', LIMIT, () =>
    tourWithAiSdk(house, { type: 'sse', url: house.gateway.sseUrl }, false),
  );

  test('@ai-sdk/mcp starts a gateway as a command', LIMIT, () =>
    tourWithAiSdk(
      house,
      new Experimental_StdioMCPTransport({ ...house.stdio, stderr: 'ignore' }),
      true,
    ),
  );

  test('@langchain/mcp-adapters speaks streamable HTTP', LIMIT, () =>
    tourWithLangChain(house, { transport: 'http', url: house.gateway.url }),
  );

  test('@langchain/mcp-adapters speaks HTTP+SSE', LIMIT, () =>
    tourWithLangChain(house, { transport: 'sse', url: house.gateway.sseUrl }),
  );

  test('@langchain/mcp-adapters starts a gateway as a command', LIMIT, () =>
    tourWithLangChain(house, { transport: 'stdio', ...house.stdio, stderr: 'ignore' }),
  );

  test('@mastra/mcp speaks streamable HTTP', LIMIT, () => tourWithMastra(house));

  test('@openai/agents speaks streamable HTTP', LIMIT, () =>
    tourWithAgents(house, new MCPServerStreamableHttp({ url: house.gateway.url, name: 'mcpx' })),
  );

  test('@openai/agents starts a gateway as a command', LIMIT, () =>
    tourWithAgents(house, new MCPServerStdio({ ...house.stdio, name: 'mcpx' })),
  );
});
