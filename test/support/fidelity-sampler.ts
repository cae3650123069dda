import { fileURLToPath } from 'node:url';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import {
  CallToolRequestSchema,
  ListToolsRequestSchema,
  type CreateMessageRequest,
  type RequestId,
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

/** The answers to both questions, and the progress that the client reported meanwhile. */
async function sample(server: Server, relatedRequestId: RequestId): Promise<unknown[]> {
  const told: unknown[] = [];
  const onprogress = (progress: unknown): void => {
    told.push(progress);
  };
  for (const question of questions())
    told.push(await server.createMessage(question, { relatedRequestId, onprogress }));
  return told;
}

/** Takes a question back that nobody has answered in a fifth of a second. */
async function withdraw(server: Server, relatedRequestId: RequestId): Promise<string> {
  const [question] = questions();
  if (question === undefined) return '';
  const signal = AbortSignal.timeout(200);
  try {
    await server.createMessage(question, { relatedRequestId, signal });
    return 'answered';
  } catch {
    return 'taken back';
  }
}

async function serve(): Promise<void> {
  const server = new Server(
    { name: 'sampler', version: '1.0.0' },
    { capabilities: { tools: {} }, instructions: 'A server that samples with tools.' },
  );
  server.setRequestHandler(ListToolsRequestSchema, () => ({
    tools: ['sample', 'withdraw'].map((name) => ({
      name,
      inputSchema: { type: 'object' as const },
    })),
  }));
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, { requestId }) => {
    const told =
      params.name === 'sample'
        ? await sample(server, requestId)
        : await withdraw(server, requestId);
    return { content: [{ type: 'text' as const, text: JSON.stringify(told) }] };
  });
  await server.connect(new StdioServerTransport());
}

if (import.meta.main) await serve();
