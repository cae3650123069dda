import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import test from 'node:test';
import { modernSent, RawSession } from '../support/raw-clients.ts';
import { EventReader } from '../support/raw-events.ts';
import { fixtureEntry, gatewayForFile, startRaw } from '../support/raw-gateway.ts';
import { assertRefused, partOf, rpcOf, send, type Got } from '../support/raw-http.ts';

/** A session id nobody was given opens nothing: it is sealed, and whoever changes one has none. */

const { port } = await gatewayForFile({
  servers: { it: fixtureEntry('legacy'), new: fixtureEntry('modern') },
  app: 'list:\n  pageSize: 5\n',
});

const LIST = { jsonrpc: '2.0', id: 1, method: 'tools/list' };

function ask(id: string, at = port): Promise<Got> {
  return send(at, { headers: { 'mcp-session-id': id }, body: LIST });
}

async function assertUnknown(id: string, at = port): Promise<void> {
  assertRefused(await ask(id, at), 404, 1404, 'SESSION_UNKNOWN');
}

test('an id with a single bit changed, wherever, is unknown (R13)', async () => {
  const { id } = await RawSession.open(port);
  const bytes = Buffer.from(id, 'base64url');
  assert.ok(bytes.length > 60);
  for (let at = 0; at < bytes.length; at += 1) {
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8));
    await assertUnknown(changed.toString('base64url'));
  }
});

test('an id cut short, made longer or written in another way is unknown', async () => {
  const { id } = await RawSession.open(port);
  const standard = Buffer.from(id, 'base64url').toString('base64');
  const others = [
    id.slice(0, -1),
    id.slice(1),
    id.slice(0, 40),
    id.slice(0, 10),
    `${id}A`,
    `${id}=`,
    `${id}.`,
    `${id}${id}`,
    id.toUpperCase(),
    id.split('').reverse().join(''),
    standard === id ? 'x' : standard,
    Buffer.from(id, 'base64url').toString('hex'),
  ];
  for (const other of others) await assertUnknown(other);
  assert.equal((await ask(id)).status, 200);
});

test('an id of random bytes, of any length, is unknown', async () => {
  for (const length of [1, 12, 13, 28, 29, 30, 100, 200, 1000]) {
    await assertUnknown(randomBytes(length).toString('base64url'));
    // The first byte names a key of the ring: a right one does not help.
    await assertUnknown(Buffer.concat([Buffer.of(1), randomBytes(length)]).toString('base64url'));
  }
});

for (const id of [
  '__proto__',
  'constructor',
  'toString',
  'null',
  'undefined',
  '0',
  '../..',
  '*',
  "' OR 1=1 --",
]) {
  test(`the id "${id}" is unknown`, async () => {
    await assertUnknown(id);
  });
}

test('an id that another gateway sealed is unknown', async (t) => {
  const other = await startRaw({ servers: {} });
  t.after(() => other.stop());
  const foreign = await RawSession.open(other.port);
  await assertUnknown(foreign.id);
  const own = await RawSession.open(port);
  await assertUnknown(own.id, other.port);
});

test('what was sealed for another purpose is no session id, and a session id is nothing else', async () => {
  const session = await RawSession.open(port);
  const listed = rpcOf(await ask(session.id));
  const cursor = String(listed.result?.['nextCursor']);
  await assertUnknown(cursor);
  const asked = await send(
    port,
    modernSent('tools/call', { name: 'new__fixture_state_only', arguments: {} }),
  );
  const requestState = String(rpcOf(asked).result?.['requestState']);
  assert.ok(requestState.length > 40);
  await assertUnknown(requestState);
  const task = { name: 'it__fixture_task', arguments: { ms: 10 }, task: { ttl: 10_000 } };
  const made = await session.request('tools/call', task);
  const { taskId } = partOf<{ taskId: string }>(made, 'task');
  await assertUnknown(taskId);
  const page = await session.request('tools/list', { cursor: session.id });
  assert.equal(page.error?.code, -32602);
  const got = await session.request('tasks/get', { taskId: session.id });
  assert.equal(got.error?.code, -32602);
  const params = { name: 'new__fixture_state_only', arguments: {}, requestState: session.id };
  const retried = rpcOf(await send(port, modernSent('tools/call', params)));
  assert.equal(retried.error?.code, -32602);
});

test('a session id is no authentication: it opens neither /messages nor the road of another transport', async () => {
  const session = await RawSession.open(port);
  const sse = await EventReader.open(port, { method: 'GET', path: '/sse' });
  const { data: path = '' } = await sse.next(({ event }) => event === 'endpoint');
  const token = new URLSearchParams(path.split('?')[1]).get('sessionId') ?? '';
  await assertUnknown(token);
  const messages = `/messages?sessionId=${session.id}`;
  assertRefused(await send(port, { path: messages, body: LIST }), 404, 1404, 'SESSION_UNKNOWN');
  const headers = { 'mcp-session-id': session.id };
  assertRefused(
    await send(port, { path: '/messages', headers, body: LIST }),
    400,
    -32600,
    'SESSION_REQUIRED',
  );
  sse.break();
});

test('a session id in the query, a cookie or another header is none', async () => {
  const { id } = await RawSession.open(port);
  for (const [path, headers] of [
    [`/mcp?sessionId=${id}`, {}],
    [`/mcp?mcp-session-id=${id}`, {}],
    ['/mcp', { cookie: `mcp-session-id=${id}` }],
    ['/mcp', { authorization: `Bearer ${id}` }],
    ['/mcp', { 'x-mcp-session-id': id }],
  ] as const) {
    assertRefused(await send(port, { path, headers, body: LIST }), 400, -32600, 'SESSION_REQUIRED');
  }
});

test('two session ids in one request are refused, not chosen from', async () => {
  const [one, other] = [await RawSession.open(port), await RawSession.open(port)];
  const headers = { 'mcp-session-id': [one.id, other.id] };
  const { status } = await send(port, { headers, body: LIST });
  assert.ok(status >= 400 && status < 500, `answered ${status}`);
});

test('ids of two sessions that say the same of themselves have nothing to guess from', async () => {
  const ids = await Promise.all(
    Array.from({ length: 20 }, async () => (await RawSession.open(port)).id),
  );
  assert.equal(new Set(ids).size, 20);
  const heads = new Set(ids.map((id) => id.slice(4, 24)));
  assert.equal(heads.size, 20, 'the nonce is never the same');
  for (const id of ids)
    assert.ok(!Buffer.from(id, 'base64url').includes('raw-test'), 'sealed, not just signed');
});

test('an event id of one session takes up nothing in another', async () => {
  const [victim, thief] = [await RawSession.open(port), await RawSession.open(port)];
  const stream = await victim.stream(
    victim.body('tools/call', {
      name: 'it__fixture_slow',
      arguments: { ms: 300, progressEveryMs: 30 },
      _meta: { progressToken: 'secret-of-victim' },
    }),
  );
  const primed = await stream.next(({ id }) => id !== undefined);
  stream.break();
  const stolen = await thief.listen(primed.id);
  const honest = await victim.listen(primed.id);
  await honest.ended;
  assert.ok(honest.messages.length > 5);
  assert.equal(stolen.messages.length, 0);
  stolen.break();
});
