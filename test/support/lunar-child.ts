import http, { get as namedGet } from 'node:http';
import { createInterface } from 'node:readline';

/** A stdio MCP server with one tool, `ask`, which makes an HTTP call of its own. Its standard output is MCP alone. */
const WAYS: Readonly<Record<string, (url: string) => Promise<string>>> = {
  'http.get': (url) => read((then) => http.get(url, then)),
  'http.request': (url) => read((then) => http.request(url, then).end()),
  'a named import': (url) => read((then) => namedGet(url, then)),
  fetch: async (url) => (await fetch(url)).text(),
};

function read(begin: (then: (response: http.IncomingMessage) => void) => unknown): Promise<string> {
  return new Promise((resolve) => {
    begin((response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      response.on('end', () => resolve(text));
    });
  });
}

interface Incoming {
  readonly id?: number;
  readonly method: string;
  readonly params?: { readonly arguments?: { readonly url: string; readonly by: string } };
}

async function answer({ method, params }: Incoming): Promise<object | undefined> {
  if (method === 'initialize')
    return {
      protocolVersion: '2025-06-18',
      capabilities: { tools: {} },
      serverInfo: { name: 'asking-child', version: process.version },
    };
  if (method === 'tools/list') return { tools: [{ name: 'ask', inputSchema: { type: 'object' } }] };
  if (method !== 'tools/call') return undefined;
  const { url = '', by = '' } = params?.arguments ?? {};
  const text = by === 'environment' ? environment() : await WAYS[by]?.(url);
  return { content: [{ type: 'text', text: String(text) }] };
}

/** What the gateway has given this process. */
function environment(): string {
  const names = Object.keys(process.env).filter((name) => /^(?:LUNAR_|NODE_OPTIONS)/u.test(name));
  return JSON.stringify(Object.fromEntries(names.map((name) => [name, process.env[name]])));
}

for await (const line of createInterface({ input: process.stdin })) {
  const message = JSON.parse(line) as Incoming;
  if (message.id === undefined) continue;
  const result = await answer(message);
  const outcome = result === undefined ? { error: { code: -32601, message: 'no' } } : { result };
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id: message.id, ...outcome })}\n`);
}
