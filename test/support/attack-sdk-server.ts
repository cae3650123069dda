import { posix } from 'node:path';
import { McpServer, ResourceTemplate } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';

/** A server made with the official SDK, on stdio: a few files in its memory, read by whatever URI leads to them. */

const FILES: Readonly<Record<string, string>> = {
  '/srv/readme.txt': 'readme',
  '/srv/public/a.txt': 'public',
  '/srv/secret.txt': 'TOP-SECRET',
  '/private/diary.txt': 'TOP-SECRET',
};

/** Reads as a file system does: by the decoded path, whatever else the URI says. */
function read(uri: URL): { contents: { uri: string; text: string }[] } {
  const text = FILES[posix.normalize(decodeURIComponent(uri.pathname))];
  if (text === undefined) throw new Error('no such file');
  return { contents: [{ uri: uri.href, text }] };
}

const server = new McpServer({ name: 'files', version: '1' });
for (const path of ['/srv/readme.txt', '/srv/secret.txt'])
  server.registerResource(path, `file://${path}`, {}, read);
server.registerResource('note', 'test://secret', {}, (uri) => ({
  contents: [{ uri: uri.href, text: 'TOP-SECRET' }],
}));
for (const [name, template] of [
  ['any', 'file:///{+path}'],
  ['private', 'file:///private/{name}'],
  ['public', 'file:///srv/public/{name}'],
] as const) {
  const complete = { name: () => [name === 'private' ? 'TOP-SECRET' : 'a.txt'] };
  const terms = { list: undefined, complete };
  server.registerResource(name, new ResourceTemplate(template, terms), {}, read);
}
server.registerTool('test_simple_text', { description: 'Answers' }, () => ({
  content: [{ type: 'text', text: 'a simple text response' }],
}));
await server.connect(new StdioServerTransport());
