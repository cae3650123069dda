import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { Caller, assertRefusal } from '../support/attack-caller.ts';
import {
  assertServes,
  attackedForFile,
  elsewhere,
  KEY_HEADER,
  SHARED_KEY,
  startAttacked,
} from '../support/attack-gateway.ts';
import { EventReader } from '../support/raw-events.ts';
import { send } from '../support/raw-http.ts';

/** A session belongs to who began it: its id in other hands, with a good key of their own, opens nothing. */

const gateway = await attackedForFile();
const { port } = gateway;
const owner = { [KEY_HEADER]: await gateway.createKey('alice') };
const thief = { [KEY_HEADER]: await gateway.createKey('mallory') };
const shared = { [KEY_HEADER]: SHARED_KEY };

/** A session of its owner, and somebody else who has its id. */
async function stolen(
  credentials: Record<string, string> = thief,
): Promise<{ victim: Caller; other: Caller }> {
  const victim = await Caller.open(port, { headers: owner });
  const other = new Caller(port, { headers: credentials });
  other.useSession(victim.sessionId);
  return { victim, other };
}

for (const [who, credentials] of [
  ['another named key', thief],
  ['the shared key', shared],
] as const) {
  test(`a session id with ${who} opens no road at all, and the attempt is recorded (R13)`, async () => {
    const { victim, other } = await stolen(credentials);
    const from = gateway.audit().length;
    for (const [method, params] of [
      ['tools/call', { name: 'it__fixture_state', arguments: {} }],
      ['tools/list', {}],
      ['resources/read', { uri: 'test://static-text' }],
      ['resources/subscribe', { uri: 'test://watched-resource' }],
      ['logging/setLevel', { level: 'debug' }],
      ['ping', {}],
    ] as const)
      assertRefusal(await other.ask(method, params), 'SESSION_UNKNOWN', 404);
    const signal = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } };
    assertRefusal(await other.post(signal), 'SESSION_UNKNOWN', 404);
    const { count } = await gateway.recorded(
      'the stolen id',
      ({ code, address }) => code === 'SESSION_UNKNOWN' && address === other.address,
      from,
    );
    assert.ok(Number(count) >= 1);
    assert.equal((await victim.call('it__test_simple_text')).error, undefined);
  });
}

test('a session id with another key neither listens to its stream nor ends it (R13)', async () => {
  const { victim, other } = await stolen();
  const listened = await send(port, { method: 'GET', headers: other.headers });
  assertRefusal(listened, 'SESSION_UNKNOWN', 404);
  const resumed = await send(port, {
    method: 'GET',
    headers: { ...other.headers, 'last-event-id': '1_0' },
  });
  assertRefusal(resumed, 'SESSION_UNKNOWN', 404);
  const ended = await send(port, { method: 'DELETE', headers: other.headers });
  assertRefusal(ended, 'SESSION_UNKNOWN', 404);
  assert.equal((await victim.request('ping')).error, undefined);
});

test('a session id without any key is not even looked at', async () => {
  const from = gateway.audit().length;
  const { victim, other } = await stolen({});
  assertRefusal(await other.ask('tools/list'), 'UNAUTHENTICATED', 401);
  await gateway.recorded(
    'the missing key',
    ({ code, address }) => code === 'UNAUTHENTICATED' && address === other.address,
    from,
  );
  assert.equal((await victim.request('ping')).error, undefined);
});

test('an initialize that carries a stolen session id begins a session of its own', async () => {
  const { victim, other } = await stolen();
  const fresh = await Caller.open(port, { headers: other.headers });
  assert.notEqual(fresh.sessionId, victim.sessionId);
  assert.equal((await victim.request('ping')).error, undefined);
});

test('an answer to a question in another one’s session is not taken', async () => {
  const capabilities = { elicitation: {} };
  const victim = await Caller.open(port, { headers: owner, capabilities });
  const thieving = new Caller(port, { headers: thief });
  thieving.useSession(victim.sessionId);
  const params = { name: 'it__test_elicitation', arguments: { message: 'Who are you?' } };
  const stream = await victim.stream(victim.body('tools/call', params));
  const { id } = await stream.nextMessage(({ method }) => method === 'elicitation/create');
  const answer = (content: object): object => ({
    jsonrpc: '2.0',
    id,
    result: { action: 'accept', content },
  });
  assertRefusal(await thieving.post(answer({ username: 'mallory' })), 'SESSION_UNKNOWN', 404);
  assert.equal((await victim.post(answer({ username: 'alice' }))).status, 202);
  const { result } = await stream.nextMessage((message) => 'result' in message);
  assert.match(JSON.stringify(result), /alice/u);
  assert.doesNotMatch(JSON.stringify(result), /mallory/u);
});

test('the token of an HTTP+SSE stream with another key is no session, and says nothing on that stream', async () => {
  const from = gateway.audit().length;
  const stream = await EventReader.open(port, { method: 'GET', path: '/sse', headers: owner });
  const { data: path = '' } = await stream.next(({ event }) => event === 'endpoint');
  const body = { jsonrpc: '2.0', id: 1, method: 'ping' };
  const place = elsewhere();
  const elsewhereThief = { ...thief, ...place };
  assertRefusal(await send(port, { path, headers: elsewhereThief, body }), 'SESSION_UNKNOWN', 404);
  assertRefusal(await send(port, { path, headers: shared, body }), 'SESSION_UNKNOWN', 404);
  assertRefusal(await send(port, { path, body }), 'UNAUTHENTICATED', 401);
  assert.equal((await send(port, { path, headers: owner, body })).status, 202);
  await stream.nextMessage(({ id }) => id === 1);
  assert.equal(stream.messages.length, 1);
  stream.break();
  await gateway.recorded(
    'the stolen token',
    ({ code, address }) => code === 'SESSION_UNKNOWN' && address === place['x-forwarded-for'],
    from,
  );
});

test('a restart restores a session for its owner alone (R13)', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'mcpx-stolen-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const first = await startAttacked({ folder });
  t.after(() => first.stop());
  const alice = { [KEY_HEADER]: await first.createKey('alice') };
  const mallory = { [KEY_HEADER]: await first.createKey('mallory') };
  const { sessionId } = await Caller.open(first.port, { headers: alice });
  await first.stop();
  const second = await startAttacked({ folder });
  t.after(() => second.stop());
  const caller = new Caller(second.port, { headers: mallory });
  caller.useSession(sessionId);
  assertRefusal(await caller.ask('ping'), 'SESSION_UNKNOWN', 404);
  const honest = new Caller(second.port, { headers: alice });
  honest.useSession(sessionId);
  assert.equal((await honest.request('ping')).error, undefined);
  assertRefusal(await caller.ask('ping'), 'SESSION_UNKNOWN', 404);
});

test('after all of this the gateway serves as before', async () => {
  await assertServes(gateway);
  await assertServes(gateway, owner);
});
