// What the gateway owes a server as its client, shown by servers that do what no fixture does.
import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { test, type TestContext } from 'node:test';
import { objectOf, type JsonObject, type Message } from '../fixture/json-rpc.ts';
import { fakeServer, type Seen } from '../support/fake-server.ts';
import { TestGateway } from '../support/gateway.ts';
import { modernCall, RawSession, allOf } from '../support/raw-clients.ts';
import { eventually } from '../support/raw-eventually.ts';

const TOOL = { name: 'it', inputSchema: { type: 'object' } };

/** A result for a request, or undefined where the script writes the response itself. */
type Script = (message: Message, response: ServerResponse) => JsonObject | undefined;

function messageOf({ body }: Seen): Message {
  return (body === '' ? {} : JSON.parse(body)) as Message;
}

/** Starts a gateway in front of a scripted server called `it`; returns what the server gets. */
async function inFrontOf(
  t: TestContext,
  script: Script,
  app: JsonObject = {},
): Promise<{ gateway: TestGateway; port: number; got(): readonly Seen[]; methods(): unknown[] }> {
  const server = await fakeServer(t, (seen, response) => {
    const message = messageOf(seen);
    if (seen.method !== 'POST') return void response.writeHead(405).end();
    if (message.method === undefined || message.id === undefined) {
      script(message, response);
      return void response.writeHead(202).end();
    }
    const result = script(message, response);
    if (result === undefined) return;
    const isError = typeof result['code'] === 'number';
    const outcome = isError ? { error: result } : { result };
    response.writeHead(isError ? 400 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, ...outcome }));
  });
  const servers = { it: { url: `${server.origin}/mcp`, type: 'streamable-http' } };
  const gateway = await TestGateway.start(t, { servers, app });
  return {
    gateway,
    port: Number(new URL(gateway.base).port),
    got: () => server.seen,
    methods: () => server.seen.map((seen) => messageOf(seen).method),
  };
}

const UNKNOWN = { code: -32601, message: 'Method not found' };

/** An old server that has tools alone, and what it makes of a call. */
function oldServer(call: Script): Script {
  return (message, response) => {
    switch (message.method) {
      case 'initialize':
        return {
          protocolVersion: '2025-06-18',
          capabilities: { tools: {} },
          serverInfo: { name: 'old', version: '1' },
        };
      case 'tools/list':
        return { tools: [TOOL] };
      case 'tools/call':
        return call(message, response);
      default:
        return message.id === undefined || message.method === undefined ? undefined : UNKNOWN;
    }
  };
}

function newServer(call: Script): Script {
  return (message, response) => {
    const hints = { resultType: 'complete', ttlMs: 0, cacheScope: 'public' };
    switch (message.method) {
      case 'server/discover':
        return { ...hints, supportedVersions: ['2026-07-28'], capabilities: { tools: {} } };
      case 'tools/list':
        return { ...hints, tools: [TOOL] };
      case 'tools/call':
        return call(message, response);
      default:
        return UNKNOWN;
    }
  };
}

test('a server is asked for nothing it did not declare, and in the version it offered', async (t) => {
  // requirement: legacy.init.server-capabilities
  // requirement: legacy.init.older-server
  const scene = await inFrontOf(
    t,
    oldServer(() => ({ content: [{ type: 'text', text: 'done' }] })),
  );
  await scene.gateway.whenReady('it');
  const session = await RawSession.open(scene.port);
  await session.request('logging/setLevel', { level: 'debug' });
  for (const method of ['prompts/list', 'resources/list', 'resources/templates/list'])
    await session.request(method);
  await session.request('resources/subscribe', { uri: 'test://x' });
  assert.ok((await session.call('it__it')).result !== undefined);
  const known = [
    'server/discover',
    'initialize',
    'notifications/initialized',
    'tools/list',
    'tools/call',
    undefined,
  ];
  assert.deepEqual(
    scene.methods().filter((method) => !known.includes(method as string)),
    [],
  );
  const calls = scene.got().filter((seen) => messageOf(seen).method === 'tools/call');
  assert.deepEqual(
    calls.map(({ headers }) => headers['mcp-protocol-version']),
    ['2025-06-18'],
  );
});

test('a ping of a server is answered while its call goes on', async (t) => {
  // requirement: ping.client.answered
  let answered: Message | undefined;
  let finish = (): void => undefined;
  const call: Script = ({ id }, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(
      `data: ${JSON.stringify({ jsonrpc: '2.0', id: 'are-you-there', method: 'ping' })}\n\n`,
    );
    finish = () =>
      response.end(`data: ${JSON.stringify({ jsonrpc: '2.0', id, result: { content: [] } })}\n\n`);
    return undefined;
  };
  const script = oldServer(call);
  const scene = await inFrontOf(t, (message, response) => {
    if (message.method === undefined && message.id === 'are-you-there') {
      answered = message;
      finish();
    }
    return script(message, response);
  });
  await scene.gateway.whenReady('it');
  const session = await RawSession.open(scene.port);
  assert.ok((await session.call('it__it')).result !== undefined);
  assert.deepEqual(answered?.result, {});
});

test('a result of a type that nobody agreed on is passed off as none', async (t) => {
  // requirement: modern.result.type-unknown
  const scene = await inFrontOf(
    t,
    newServer(() => ({ resultType: 'hologram', content: [] })),
  );
  await scene.gateway.whenReady('it');
  const [modern] = allOf(await modernCall(scene.port, 'it__it'));
  assert.equal(modern?.result, undefined, JSON.stringify(modern));
  const legacy = await (await RawSession.open(scene.port)).call('it__it');
  assert.equal(legacy.result, undefined, JSON.stringify(legacy));
});

test('a modern error is no reason to fall back to initialize', async (t) => {
  // requirement: modern.era.modern-error
  // requirement: modern.http.client.fallback
  for (const error of [
    { code: -32020, message: 'Header mismatch' },
    { code: -32021, message: 'Missing capability', data: { requiredCapabilities: { roots: {} } } },
    {
      code: -32022,
      message: 'Unsupported',
      data: { supported: ['2199-01-01'], requested: '2026-07-28' },
    },
  ]) {
    const scene = await inFrontOf(t, () => error);
    await eventually('the server was asked', () => scene.methods().length > 0);
    await scene.gateway.whenServer('it', ({ phase }) => phase !== 'starting');
    assert.ok(!scene.methods().includes('initialize'), `fell back on ${error.code}`);
  }
});

test('initialize is not cancelled, however long it takes', async (t) => {
  // requirement: cancel.client.not-initialize
  const script: Script = ({ method }) => (method === 'initialize' ? undefined : UNKNOWN);
  const scene = await inFrontOf(t, script, { upstreams: { connectTimeoutMs: 300 } });
  await eventually('initialize was sent', () => scene.methods().includes('initialize'));
  await scene.gateway.whenServer('it', ({ phase }) => phase !== 'starting');
  assert.ok(!scene.methods().includes('notifications/cancelled'));
});

test('a sampling with tools goes to no client that did not declare them', async (t) => {
  // requirement: sampling.tools
  let answer: Message | undefined;
  let finish = (): void => undefined;
  const params = { messages: [], maxTokens: 5, tools: [TOOL] };
  const call: Script = ({ id }, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(
      `data: ${JSON.stringify({ jsonrpc: '2.0', id: 's', method: 'sampling/createMessage', params })}\n\n`,
    );
    finish = () =>
      response.end(`data: ${JSON.stringify({ jsonrpc: '2.0', id, result: { content: [] } })}\n\n`);
    return undefined;
  };
  const script = oldServer(call);
  const scene = await inFrontOf(t, (message, response) => {
    if (message.method === undefined && message.id === 's') {
      answer = message;
      finish();
    }
    return script(message, response);
  });
  await scene.gateway.whenReady('it');
  const session = await RawSession.open(scene.port, { capabilities: { sampling: {} } });
  const messages = allOf(
    await session.post(session.body('tools/call', { name: 'it__it', arguments: {} })),
  );
  assert.deepEqual(
    messages.filter(({ method }) => method === 'sampling/createMessage'),
    [],
  );
  await eventually('the server was answered', () => answer !== undefined);
  assert.ok(answer?.error !== undefined, JSON.stringify(objectOf(answer?.result)));
});
