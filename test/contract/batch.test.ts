import assert from 'node:assert/strict';
import test from 'node:test';
import { initializeBody, RawSession } from '../support/raw-clients.ts';
import { gatewayForFile } from '../support/raw-gateway.ts';
import { assertRefused, send, type Rpc } from '../support/raw-http.ts';

/** Several messages in one POST, which protocol version 2025-03-26 alone has. */

const { port } = await gatewayForFile();

const VERSION = '2025-03-26';
const slow = (id: unknown, ms: number, more: object = {}) => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name: 'it__fixture_slow', arguments: { ms, ...more }, _meta: { progressToken: 'p' } },
});
const ping = (id: unknown) => ({ jsonrpc: '2.0', id, method: 'ping' });

test('a batch is answered as one JSON list with an answer for every request and none for the rest', async () => {
  const session = await RawSession.open(port, { version: VERSION });
  const got = await session.post([
    ping(1),
    { jsonrpc: '2.0', method: 'notifications/initialized' },
    { jsonrpc: '2.0', id: 'two', method: 'tools/call', params: { name: 'it__test_simple_text' } },
    { jsonrpc: '2.0', id: 3, method: 'no/such' },
    { jsonrpc: '2.0', id: 'mcpx-7', result: {} },
  ]);
  assert.deepEqual([got.status, got.headers['content-type']], [200, 'application/json']);
  const answers = new Map((JSON.parse(got.text) as Rpc[]).map((answer) => [answer.id, answer]));
  assert.deepEqual([...answers.keys()].map(String).toSorted(), ['1', '3', 'two']);
  assert.deepEqual(answers.get(1)?.result, {});
  assert.match(JSON.stringify(answers.get('two')), /simple text response/u);
  assert.equal(answers.get(3)?.error?.code, -32601);
});

test('a batch of one is a batch', async () => {
  const session = await RawSession.open(port, { version: VERSION });
  const got = await session.post([ping(5)]);
  assert.deepEqual(JSON.parse(got.text), [{ jsonrpc: '2.0', id: 5, result: {} }]);
});

test('a batch becomes a stream when something precedes an answer, and ends with the last one (R15)', async () => {
  const session = await RawSession.open(port, { version: VERSION });
  const stream = await session.stream([
    slow(1, 200, { progressEveryMs: 50 }),
    ping(2),
    slow(3, 100),
  ]);
  await stream.ended;
  const answers = stream.messages.filter(({ method }) => method === undefined);
  assert.deepEqual(
    answers.map(({ id }) => id),
    [2, 3, 1],
  );
  assert.ok(stream.messages.some(({ method }) => method === 'notifications/progress'));
});

test('the requests of a batch run at the same time', async () => {
  const session = await RawSession.open(port, { version: VERSION });
  const startedAt = performance.now();
  await session.post([slow(1, 1000), slow(2, 1000), slow(3, 1000)]);
  assert.ok(performance.now() - startedAt < 2500);
});

test('a batch of notifications and answers alone is taken with 202 and no body', async () => {
  const session = await RawSession.open(port, { version: VERSION });
  const got = await session.post([
    { jsonrpc: '2.0', method: 'notifications/initialized' },
    { jsonrpc: '2.0', id: 'mcpx-7', result: {} },
  ]);
  assert.deepEqual([got.status, got.text], [202, '']);
});

test('an empty batch is refused with -32600', async () => {
  const session = await RawSession.open(port, { version: VERSION });
  assertRefused(await session.post([]), 400, -32600, 'MALFORMED_MESSAGE');
});

test('of a batch with something that is no message nothing is run', async () => {
  const session = await RawSession.open(port, { version: VERSION });
  const call = { name: 'it__fixture_add_tool', arguments: { name: 'from_bad_batch' } };
  const add = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: call };
  for (const bad of [7, null, {}, [ping(9)], { jsonrpc: '2.0', id: {}, method: 'ping' }]) {
    assertRefused(await session.post([add, bad]), 400, -32600, 'MALFORMED_MESSAGE');
  }
  const state = await session.state();
  assert.equal(
    (state['methods'] as Record<string, number>)['tools/call'],
    7,
    'six slow calls, one of a text',
  );
});

test('an id twice in a batch is answered once and refused once', async () => {
  const session = await RawSession.open(port, { version: VERSION });
  const params = { name: 'it__fixture_slow', arguments: { ms: 100 } };
  const got = await session.post([{ ...ping(4), method: 'tools/call', params }, ping(4)]);
  const answers = JSON.parse(got.text) as Rpc[];
  assert.deepEqual(
    answers.map(({ id }) => id),
    [4, 4],
  );
  const refused = answers.filter(({ error }) => error?.data?.['refusal'] === 'DUPLICATE_ID');
  assert.equal(refused.length, 1);
  assert.equal(answers.filter(({ result }) => result !== undefined).length, 1);
});

test('initialize is never part of a batch', async () => {
  const alone = await send(port, { body: [initializeBody({ version: VERSION })] });
  assertRefused(alone, 400, -32600, 'SESSION_REQUIRED');
  const session = await RawSession.open(port, { version: VERSION });
  const got = await session.post([{ ...initializeBody({ version: VERSION }), id: 1 }, ping(2)]);
  const refused = (JSON.parse(got.text) as Rpc[]).find(({ id }) => id === 1);
  assert.equal(refused?.error?.data?.['refusal'], 'DUPLICATE_INITIALIZE');
});

for (const version of ['2025-06-18', '2025-11-25']) {
  test(`${version} has no batches: one is refused with 400`, async () => {
    const session = await RawSession.open(port, { version });
    assertRefused(await session.post([ping(1)]), 400, -32600, 'BATCH_UNSUPPORTED');
    assertRefused(await session.post([]), 400, -32600, 'BATCH_UNSUPPORTED');
  });
}

test('a batch of modern requests does not exist either', async () => {
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  const body = [{ jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta } }];
  const got = await send(port, { headers: { 'mcp-protocol-version': '2026-07-28' }, body });
  assertRefused(got, 400, -32600, 'BATCH_UNSUPPORTED');
});

test('cancelling one request of a batch leaves the others', async () => {
  const session = await RawSession.open(port, { version: VERSION });
  const stream = await session.stream([slow(1, 60_000), slow(2, 300, { progressEveryMs: 50 })]);
  await stream.next(({ data }) => data?.includes('progress') === true);
  await session.notify('notifications/cancelled', { requestId: 1 });
  await stream.ended;
  const answers = stream.messages.filter(({ method }) => method === undefined);
  assert.deepEqual(
    answers.map(({ id }) => id),
    [2],
  );
});
