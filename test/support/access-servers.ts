import { join } from 'node:path';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import { freePort, ROOT, startNode, stop, until } from './conformance-processes.ts';
import type { JsonObject } from './raw-http.ts';

/** What a server of these tests offers besides the fixture's one template and completions. */
export interface AccessOffer {
  /** Tools that return what they were given: a name alone, or a definition. */
  readonly tools?: readonly (string | (JsonObject & { name: string }))[];
  readonly prompts?: readonly string[];
  readonly resources?: readonly string[];
  /** Tools of the fixture: its controls, those of the conformance suites, those that ask, those that run as tasks. */
  readonly parts?: readonly ('control' | 'plain' | 'asking' | 'tasks')[];
}

/** Eras of servers. */
export type ServerEra = 'legacy' | 'modern';

/** A tool as custom ones are made from. */
export const POST_MESSAGE = {
  name: 'post_message',
  inputSchema: {
    type: 'object',
    properties: { channel: { type: 'string' }, text: { type: 'string' } },
  },
};

const SERVER = fileURLToPath(new URL('access-server.ts', import.meta.url));

function argsOf(offer: AccessOffer, era: ServerEra): string[] {
  return [SERVER, '--era', era, '--offer', JSON.stringify(offer)];
}

/** A server with this offer as an entry of mcp.json, on stdio. */
export function serverWith(offer: AccessOffer, era: ServerEra = 'legacy'): object {
  return { command: process.execPath, args: argsOf(offer, era) };
}

/** The same, reached over HTTP; ended after all tests of the file. */
export async function remoteServerWith(
  offer: AccessOffer,
  era: ServerEra = 'legacy',
): Promise<object> {
  const port = await freePort();
  const server = startNode([...argsOf(offer, era), '--port', String(port)]);
  after(() => stop(server));
  await until(server, 'it listened', () =>
    Promise.resolve(server.output().includes('listening on')),
  );
  return { url: `http://127.0.0.1:${port}/mcp`, type: 'streamable-http' };
}

/** A real server of the official repository as an entry of mcp.json, on stdio. */
export function realServer(
  name: 'everything' | 'filesystem' | 'memory',
  ...args: string[]
): object {
  const program = join(ROOT, `node_modules/@modelcontextprotocol/server-${name}/dist/index.js`);
  return { command: process.execPath, args: [program, ...args] };
}

/** The template every such server has, as the first of them offers it. */
export const TEMPLATE = 'test://template/{id}/data';

/** The same as a later server offers it. */
export function templateOf(server: string): string {
  return `mcpx://${server}/test%3A%2F%2Ftemplate%2F{id}%2Fdata`;
}
