// The MCP server behind both sides of the bench: hand-written, legacy only, and as cheap as a stdio server can be, so that the
// figures show what stands before it. Usage: node bench/echo-server.ts [BYTES]
import { stdin, stdout, argv } from 'node:process';
import { echoText } from './echo-text.ts';
import { LineReader } from './line-reader.ts';

interface Request {
  id?: number | string;
  method?: string;
  params?: { name?: string; arguments?: { text?: string }; protocolVersion?: string };
}

const BYTES = Number(argv[2] ?? 256);
const TOOL = {
  name: 'echo',
  description: 'Answers with the text it was given, padded to a fixed size.',
  inputSchema: { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] },
};

function resultOf(request: Request): object | undefined {
  switch (request.method) {
    case 'initialize':
      return {
        protocolVersion: request.params?.protocolVersion ?? '2025-11-25',
        capabilities: { tools: {} },
        serverInfo: { name: 'bench-echo', version: '1.0.0' },
      };
    case 'ping':
      return {};
    case 'tools/list':
      return { tools: [TOOL] };
    case 'tools/call':
      return {
        content: [{ type: 'text', text: echoText(request.params?.arguments?.text ?? '', BYTES) }],
      };
    default:
      return undefined;
  }
}

function replyTo(line: string): string {
  const request = JSON.parse(line) as Request;
  if (request.id === undefined || request.method === undefined) return '';
  const result = resultOf(request);
  const outcome = result
    ? { result }
    : { error: { code: -32601, message: `Method not found: ${request.method}` } };
  return `${JSON.stringify({ jsonrpc: '2.0', id: request.id, ...outcome })}\n`;
}

const lines = new LineReader();
stdin.setEncoding('utf8');
stdin.on('data', (chunk: string) => {
  let replies = '';
  for (const line of lines.push(chunk)) replies += replyTo(line);
  if (replies !== '') stdout.write(replies);
});
