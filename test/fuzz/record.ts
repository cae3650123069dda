import { once } from 'node:events';
import { createServer, request as forward, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import {
  connectFirst,
  connectPinned,
  type AskedClient,
  type Came,
} from '../support/eras-clients.ts';
import type { Corpus, HttpRequest } from './cases.ts';
import { KEY } from './inspect.ts';
import { Live } from './live.ts';
import { ORDINARY } from './scene.ts';

type JsonObject = Record<string, unknown>;

const LEFT_OUT = new Set([
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'keep-alive',
]);
/** What one call may take while traffic is recorded. */
const CALL_MS = 4000;
const MAX_BODY = 20_000;

const CALLS: readonly (readonly [string, JsonObject])[] = [
  ['test_simple_text', {}],
  ['test_multiple_content_types', {}],
  ['test_tool_with_logging', {}],
  ['test_tool_with_progress', {}],
  ['test_error_handling', {}],
  ['json_schema_2020_12_tool', { name: 'Ann', contactMethod: 'phone', phone: '1' }],
  ['fixture_echo', { text: 'Grüße \u{1f40e}', path: '/srv/a', deep: { list: [1, 'two', null] } }],
  ['fixture_slow', { ms: 400, progressEveryMs: 100 }],
  ['fixture_big', { bytes: 100_000 }],
  ['fixture_unknown', {}],
  ['fixture_rpc_error', { code: -32_000 }],
  ['fixture_stderr', { text: 'a complaint' }],
  ['test_sampling', { prompt: 'Say something' }],
  ['test_elicitation', { message: 'Who are you?' }],
  ['fixture_roots', {}],
  ['test_reconnection', {}],
  ['fixture_touch_resource', { uri: 'test://watched-resource' }],
  ['test_trigger_tool_change', {}],
  ['custom_echo', { text: 'small words' }],
  ['test_x_mcp_header', { region: 'eu', query: 'q' }],
  ['test_input_required_result_elicitation', {}],
  ['test_tool_with_task', {}],
  ['fixture_exit', { code: 1, afterMs: 20 }],
];

/** Has real clients of both eras and all transports over HTTP do all they can, and keeps what they sent. */
export async function recorded(port: number): Promise<Corpus> {
  const tap = await startTap(port);
  const origin = new URL(tap.origin);
  const first = (): Transport => new StreamableHTTPClientTransport(new URL('/mcp', origin));
  const second = (): Promise<AskedClient> =>
    connectPinned('fuzz-modern', { url: `${tap.origin}/mcp` }, says);
  try {
    await tour(await connectFirst('fuzz-legacy', first(), says), ORDINARY);
    const sse = new SSEClientTransport(new URL('/sse', origin));
    await tour(await connectFirst('fuzz-sse', sse, says), ['ls', 'mh']);
    await tour(await second(), ORDINARY);
    await tour(await second(), ['ls'], { listens: true });
  } finally {
    tap.stop();
  }
  return tap.corpus();
}

function says({ method }: Came): JsonObject {
  if (method === 'roots/list') return { roots: [{ uri: 'file:///srv', name: 'srv' }] };
  if (method === 'elicitation/create')
    return { action: 'accept', content: { name: 'Ann', age: 7 } };
  return { role: 'assistant', content: { type: 'text', text: 'yes' }, model: 'm' };
}

async function tour(
  client: AskedClient,
  servers: readonly string[],
  { listens = false } = {},
): Promise<void> {
  const tried = async (work: () => Promise<unknown>): Promise<void> => {
    await Promise.race([
      // What an era does not have is refused by its client at once.
      (async () => work())().catch(() => undefined),
      new Promise((resolve) => setTimeout(resolve, CALL_MS)),
    ]);
  };
  const ask = (method: string, params: JsonObject = {}): Promise<void> =>
    tried(() => client.request(method, params));
  for (const method of ['tools/list', 'prompts/list', 'resources/list', 'resources/templates/list'])
    await ask(method);
  for (const method of ['ping', 'tasks/list', 'server/discover']) await ask(method);
  await ask('logging/setLevel', { level: 'debug' });
  await ask('resources/subscribe', { uri: 'test://watched-resource' });
  await ask('resources/read', { uri: 'test://static-text' });
  await ask('resources/read', { uri: 'test://template/7/data' });
  await ask('resources/unsubscribe', { uri: 'test://watched-resource' });
  if (listens)
    await Promise.race([
      ask('subscriptions/listen', {
        notifications: { toolsListChanged: true, resourceSubscriptions: ['test://static-text'] },
      }),
      new Promise((resolve) => setTimeout(resolve, 300)),
    ]);
  for (const server of servers) {
    const prompt = { name: `${server}__test_prompt_with_arguments` };
    await ask('prompts/get', { ...prompt, arguments: { arg1: 'a', arg2: 'b' } });
    const ref = { type: 'ref/prompt', ...prompt };
    await ask('completion/complete', { ref, argument: { name: 'arg1', value: 'p' } });
    await Promise.all(
      CALLS.slice(0, -1).map(([name, args]) =>
        tried(() => client.call(`${server}__${name}`, args, { onprogress: () => undefined })),
      ),
    );
    const task = { name: `${server}__fixture_task`, arguments: { ms: 50 }, task: { ttl: 60_000 } };
    await ask('tools/call', task);
  }
  await tried(() => client.call('ls__fixture_exit', { code: 1, afterMs: 20 }));
  await tried(() => client.close());
}

interface RecordingTap {
  readonly origin: string;
  corpus(): Corpus;
  stop(): void;
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Passes everything on with the key that callers need, and keeps it. */
async function startTap(port: number): Promise<RecordingTap> {
  const requests: HttpRequest[] = [];
  const live = new Live();
  const server = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      const { method = 'GET', url: path = '/', headers } = request;
      requests.push(kept(request, body));
      const outgoing = forward(
        {
          host: '127.0.0.1',
          port,
          method,
          path,
          headers: { ...headers, host: `127.0.0.1:${port}`, 'x-lunar-api-key': KEY },
          agent: false,
        },
        (incoming) => {
          const status = incoming.statusCode ?? 500;
          live.harvest(`mcp-session-id: ${String(incoming.headers['mcp-session-id'] ?? '')}`);
          response.writeHead(status, incoming.headers).flushHeaders();
          incoming.on('data', (chunk: Buffer) => {
            live.harvest(chunk.toString());
            response.write(chunk);
          });
          incoming.on('end', () => response.end());
          incoming.on('error', () => response.destroy());
        },
      );
      outgoing.on('error', () => response.destroy());
      response.on('close', () => outgoing.destroy());
      outgoing.end(body);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    corpus: () => corpusOf(requests, live),
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

function kept(request: IncomingMessage, body: Buffer): HttpRequest {
  const { method = 'GET', url: path = '/', rawHeaders } = request;
  const headers: [string, string][] = [
    ['Host', '{{host}}'],
    ['x-lunar-api-key', KEY],
    ['X-Forwarded-For', '{{address}}'],
  ];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    if (!LEFT_OUT.has(name.toLowerCase())) headers.push([name, rawHeaders[index + 1] ?? '']);
  }
  return { method, path, headers, body: body.toString('latin1') };
}

function corpusOf(requests: readonly HttpRequest[], live: Live): Corpus {
  const hidden = requests
    .filter(({ body }) => body.length < MAX_BODY)
    .map(({ method, path, headers, body }) => ({
      method,
      path: live.hide(path),
      headers: headers.map(([name, value]) => [name, live.hide(value)] as const),
      body: live.hide(body),
    }));
  const distinct = new Map(hidden.map((request) => [keyOf(request), request]));
  const kept = [...distinct.values()];
  return {
    requests: kept,
    bodies: [...new Set(kept.map(({ body }) => body))].filter((body) => body !== ''),
  };
}

/** Requests that differ by their ids alone are one. */
function keyOf({ method, path, headers, body }: HttpRequest): string {
  return `${method} ${path} ${headers.length} ${body.replaceAll(/"(?:id|progressToken)":\d+/gu, '')}`;
}
