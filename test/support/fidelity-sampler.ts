import { fileURLToPath } from 'node:url';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import {
  CallToolRequestSchema,
  ListToolsRequestSchema,
  type CreateMessageRequest,
} from '@modelcontextprotocol/sdk/types.js';

/** Where this program is: a server, made with the first SDK, that samples with tools. */
export const SAMPLER = fileURLToPath(import.meta.url);

const TOOLS = [
  {
    name: 'weather',
    title: 'Weather',
    description: 'Says what the weather is like',
    inputSchema: { type: 'object' as const, properties: { city: { type: 'string' } } },
    annotations: { readOnlyHint: true },
  },
];

const USE = { type: 'tool_use' as const, id: 'use-1', name: 'weather', input: { city: 'Brno' } };

/** First offers tools, then, in a second question, brings their results. */
function questions(): CreateMessageRequest['params'][] {
  const asked = { role: 'user' as const, content: { type: 'text' as const, text: 'And in Brno?' } };
  const common = { maxTokens: 50, tools: TOOLS, toolChoice: { mode: 'auto' as const } };
  const found = {
    type: 'tool_result' as const,
    toolUseId: USE.id,
    content: [{ type: 'text' as const, text: 'rain' }],
    structuredContent: { sky: 'grey' },
  };
  return [
    {
      ...common,
      messages: [asked],
      systemPrompt: 'Be brief.',
      modelPreferences: { costPriority: 1 },
    },
    {
      ...common,
      messages: [asked, { role: 'assistant', content: [USE] }, { role: 'user', content: [found] }],
    },
  ];
}

async function serve(): Promise<void> {
  const server = new Server(
    { name: 'sampler', version: '1.0.0' },
    { capabilities: { tools: {} }, instructions: 'A server that samples with tools.' },
  );
  server.setRequestHandler(ListToolsRequestSchema, () => ({
    tools: [{ name: 'sample', inputSchema: { type: 'object' as const } }],
  }));
  server.setRequestHandler(CallToolRequestSchema, async (_request, extra) => {
    const answers: unknown[] = [];
    for (const question of questions()) {
      const options = { relatedRequestId: extra.requestId };
      answers.push(await server.createMessage(question, options));
    }
    return { content: [{ type: 'text' as const, text: JSON.stringify(answers) }] };
  });
  await server.connect(new StdioServerTransport());
}

if (import.meta.main) await serve();
