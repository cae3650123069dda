import { createInterface } from 'node:readline';

/**
 * A server on stdio that answers exactly what its one argument says, for shapes that no real server has: `shapes-server.ts
 * '{"era":"modern","capabilities":{...},"lists":{"tools":[...]},"answers":{"tools/call t":{"result":{...}}}}'`.
 */

interface Json {
  readonly [key: string]: unknown;
}

/** What is answered to a method, or to `method name`: `echo` tells what came, `ask` asks first and tells what was answered. */
type Scripted =
  | { readonly result: Json }
  | { readonly error: Json }
  | { readonly echo: true }
  | { readonly ask: Json };

interface Script {
  readonly era: 'legacy' | 'modern';
  readonly capabilities: Json;
  readonly lists?: Readonly<Record<string, readonly Json[]>>;
  /** Fields of every list of a modern server. */
  readonly caching?: Json;
  readonly answers?: Readonly<Record<string, Scripted>>;
}

interface Message {
  readonly id?: string | number;
  readonly method?: string;
  readonly params?: Json;
  readonly result?: Json;
}

const LISTS: Readonly<Record<string, string>> = {
  'tools/list': 'tools',
  'prompts/list': 'prompts',
  'resources/list': 'resources',
  'resources/templates/list': 'resourceTemplates',
};
const SERVER = { name: 'shapes', version: '1' };

const script = JSON.parse(process.argv[2] ?? '{}') as Script;
const isModern = script.era === 'modern';
const waiting = new Map<unknown, (result: Json) => void>();
let lastId = 0;

function send(message: Json): void {
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
}

function complete(result: Json): Json {
  return isModern ? { resultType: 'complete', ...result } : result;
}

function welcome(method: string): Json | undefined {
  const { capabilities } = script;
  if (method === 'initialize' && !isModern)
    return { protocolVersion: '2025-11-25', capabilities, serverInfo: SERVER };
  if (method !== 'server/discover' || !isModern) return undefined;
  return complete({
    supportedVersions: ['2026-07-28'],
    capabilities,
    ttlMs: 0,
    cacheScope: 'private',
  });
}

function listed(method: string): Json | undefined {
  const kind = LISTS[method];
  if (kind === undefined) return undefined;
  const caching = isModern ? { ttlMs: 60_000, cacheScope: 'public', ...script.caching } : {};
  return complete({ [kind]: script.lists?.[kind] ?? [], ...caching });
}

async function asked(requests: Json, params: Json): Promise<Json> {
  if (isModern && params['inputResponses'] === undefined)
    return { resultType: 'input_required', inputRequests: requests };
  if (isModern) return complete(said(params['inputResponses']));
  const answers = await Promise.all(
    Object.entries(requests).map(async ([key, request]) => [key, await askClient(request as Json)]),
  );
  return said(Object.fromEntries(answers));
}

function askClient(request: Json): Promise<Json> {
  lastId += 1;
  const id = `ask-${lastId}`;
  send({ id, ...request });
  return new Promise((resolve) => {
    waiting.set(id, resolve);
  });
}

function said(value: unknown): Json {
  return { content: [{ type: 'text', text: JSON.stringify(value) }] };
}

async function answer(method: string, params: Json): Promise<Json> {
  const result = welcome(method) ?? listed(method);
  if (result !== undefined) return { result };
  const name = params['name'] ?? params['uri'];
  const scripted = script.answers?.[`${method} ${String(name)}`] ?? script.answers?.[method];
  if (scripted === undefined) return { error: { code: -32601, message: `No ${method}` } };
  if ('error' in scripted) return { error: scripted.error };
  if ('ask' in scripted) return { result: await asked(scripted.ask, params) };
  return { result: complete('echo' in scripted ? { method, params } : scripted.result) };
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params = {}, result = {} } = JSON.parse(line) as Message;
  if (method === undefined) waiting.get(id)?.(result);
  else if (id !== undefined)
    void answer(method, params).then((whole) => {
      send({ id, ...whole });
    });
});
