import assert from 'node:assert/strict';
import test from 'node:test';
import { assertRefusal, Caller } from '../support/attack-caller.ts';
import {
  assertServes,
  attackedForFile,
  elsewhere,
  KEY_HEADER,
  SHARED_KEY,
} from '../support/attack-gateway.ts';
import { initializeBody, modernSent } from '../support/raw-clients.ts';
import { EventReader } from '../support/raw-events.ts';
import { parseRaw, send, speak } from '../support/raw-http.ts';

/** The endpoint of a tool group serves that group under the same policy; however its path is written it never becomes more. */

const gateway = await attackedForFile({
  app: {
    toolGroups: [
      { name: 'texts', services: { it: ['test_simple_text'] } },
      { name: 'all', services: { it: '*' } },
      { name: 'with space/slash', services: { it: ['test_simple_text'] } },
    ],
    permissions: { consumers: { dev: { allow: ['texts'] } } },
  },
});
const { port } = gateway;
const key = { [KEY_HEADER]: SHARED_KEY };
const dev = { [KEY_HEADER]: await gateway.createKey('dev') };

function raw(method: string, target: string, headers: Record<string, string>, body = '') {
  const lines = Object.entries({
    host: 'localhost',
    connection: 'close',
    accept: 'application/json, text/event-stream',
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
    ...headers,
  }).map(([name, value]) => `${name}: ${value}`);
  return speak(port, `${method} ${target} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${body}`);
}

const TARGETS = [
  '/mcp/%2e%2e',
  '/mcp/..',
  '/mcp/.',
  '/mcp/%2e',
  '/mcp/%2e%2e%2fmcp',
  '/mcp/texts%2f..',
  '/mcp/texts%2f..%2fall',
  '/mcp/texts/../all',
  '/mcp/texts/all',
  '/mcp/texts//',
  '/mcp//texts',
  '/mcp/texts/',
  '/mcp/texts%00',
  '/mcp/texts%20',
  '/mcp/Texts',
  '/mcp/TEXTS',
  '/mcp/%ff',
  '/mcp/%',
  '/mcp/%c0%ae',
  '/mcp/texts%2Call',
  '/mcp/texts;all',
  '/mcp/*',
  '/mcp/__proto__',
  '/mcp/constructor',
  '/mcp/toString',
  '/mcp/%5F%5Fproto%5F%5F',
  '/mcp/undefined',
  '/mcp/null',
  '/mcp/nobody-made-this',
  '/mcp/with%20space/slash',
] as const;

for (const target of TARGETS) {
  test(`POST ${target} is the endpoint of no group: nothing is served there, and it is recorded`, async () => {
    const from = gateway.audit().length;
    const place = elsewhere();
    const sent = modernSent('tools/call', { name: 'it__fixture_state', arguments: {} });
    const headers = { ...(sent.headers as Record<string, string>), ...key, ...place };
    const got = parseRaw(await raw('POST', target, headers, JSON.stringify(sent.body)));
    assertRefusal(got, 'PATH_UNKNOWN', 404);
    const begun = parseRaw(
      await raw('POST', target, { ...key, ...place }, JSON.stringify(initializeBody())),
    );
    assertRefusal(begun, 'PATH_UNKNOWN', 404);
    await gateway.recorded(
      'the path',
      ({ code, address }) => code === 'PATH_UNKNOWN' && address === place['x-forwarded-for'],
      from,
    );
  });
}

test('without a key nobody learns which groups there are', async () => {
  const body = JSON.stringify(initializeBody());
  const answers = await Promise.all(
    [
      '/mcp/texts',
      '/mcp/all',
      '/mcp/nobody-made-this',
      '/mcp/%2e%2e',
      '/mcp/__proto__',
      '/mcp',
    ].map(async (path) => {
      const { status, text, headers } = parseRaw(await raw('POST', path, elsewhere(), body));
      return JSON.stringify([status, text, headers['www-authenticate']]);
    }),
  );
  assert.equal(new Set(answers).size, 1, answers.join('\n'));
});

test('a group’s endpoint has that group alone, whoever calls', async () => {
  const caller = new Caller(port, { headers: key, path: '/mcp/texts' });
  assert.deepEqual(await caller.listed('tools'), ['it__test_simple_text']);
  assert.deepEqual(await caller.listed('resources'), []);
  const from = gateway.audit().length;
  for (const name of ['it__fixture_state', 'fixture_state', 'it__fixture_echo'])
    assertRefusal(await caller.modernCall(name), 'TARGET_UNKNOWN');
  assertRefusal(
    await caller.modern('resources/read', { uri: 'test://static-text' }),
    'RESOURCE_UNKNOWN',
  );
  assertRefusal(
    await caller.modern('prompts/get', { name: 'it__test_simple_prompt' }),
    'TARGET_UNKNOWN',
  );
  await gateway.recorded(
    'it',
    ({ code, caller: by }) => code === 'TARGET_UNKNOWN' && by?.['endpoint'] === 'texts',
    from,
  );
});

test('the endpoint of a group that has more than the caller may use gives it no more', async () => {
  const caller = new Caller(port, { headers: dev, path: '/mcp/all' });
  assert.deepEqual(await caller.listed('tools'), ['it__test_simple_text']);
  assertRefusal(await caller.modernCall('it__fixture_state'), 'TARGET_UNKNOWN');
});

test('a name that has to be encoded is found by its encoding alone', async () => {
  const path = `/mcp/${encodeURIComponent('with space/slash')}`;
  const caller = new Caller(port, { headers: key, path });
  assert.deepEqual(await caller.listed('tools'), ['it__test_simple_text']);
});

test('a stream of HTTP+SSE keeps to its group, whatever its messages are posted to', async () => {
  const headers = { ...key, ...elsewhere() };
  const stream = await EventReader.open(port, { method: 'GET', path: '/sse/texts', headers });
  const { data: path = '' } = await stream.next(({ event }) => event === 'endpoint');
  const post = async (target: string, body: object): Promise<number> => {
    const sent = { path: target, headers, body: { jsonrpc: '2.0', ...body } };
    return (await send(port, sent)).status;
  };
  const initialize = initializeBody({ version: '2024-11-05' });
  assert.equal(await post(path, initialize), 202);
  await stream.nextMessage(({ id }) => id === 0);
  const params = { name: 'it__fixture_state', arguments: {} };
  assert.equal(await post(`${path}&endpoint=all`, { id: 1, method: 'tools/call', params }), 202);
  const { error } = await stream.nextMessage(({ id }) => id === 1);
  assert.equal(error?.data?.['refusal'], 'TARGET_UNKNOWN');
  for (const target of [
    path.replace('/messages', '/messages/all'),
    path.replace('/messages', '/sse/all'),
  ])
    assert.ok((await post(target, { id: 2, method: 'tools/call', params })) >= 400);
  stream.break();
});

test('after all of this the gateway serves as before', async () => {
  await assertServes(gateway);
  await assertServes(gateway, dev);
});
