import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { FIXTURE, freePort, startNode, stop } from '../support/conformance-processes.ts';
import {
  jsonOf,
  RawSession,
  textOf,
  type JsonObject,
  type WireMessage,
} from '../support/gateway-session.ts';
import { fixture, TestGateway, type ServerEntry } from '../support/gateway.ts';
import { eventually } from '../support/processes.ts';

interface State {
  readonly pid: number;
  readonly callsStarted: number;
  readonly cancelled: number;
  readonly logLevel?: string;
  readonly subscriptions: readonly string[];
  readonly methods: Readonly<Record<string, number | undefined>>;
}

const WATCHED = 'test://watched-resource';

interface Pair {
  readonly gateway: TestGateway;
  readonly one: RawSession;
  readonly two: RawSession;
}

/** Two clients with open GET streams that share a server. */
async function pair(
  t: TestContext,
  entry: ServerEntry,
  capabilities: JsonObject = {},
): Promise<Pair> {
  const gateway = await TestGateway.start(t, { servers: { fx: entry } });
  await gateway.whenReady('fx');
  const streams = new AbortController();
  t.after(() => streams.abort());
  const open = async (name: string): Promise<RawSession> => {
    const session = await RawSession.open(gateway.url, { name, capabilities });
    await session.listen(streams.signal);
    return session;
  };
  return { gateway, one: await open('one'), two: await open('two') };
}

async function remoteFixture(t: TestContext): Promise<ServerEntry> {
  const port = await freePort();
  const server = startNode([
    FIXTURE,
    '--era',
    'legacy',
    '--transport',
    'http',
    '--port',
    String(port),
  ]);
  t.after(() => stop(server));
  await eventually('it listened', 10_000, () => server.output().includes('listening'));
  return { url: `http://127.0.0.1:${port}/mcp` };
}

async function stateOf(session: RawSession): Promise<State> {
  return jsonOf<State>(await session.call('fx__fixture_state'));
}

function heard(session: RawSession, method: string): WireMessage[] {
  return session.heard.filter((message) => message.method === method);
}

async function untilCallsRun(session: RawSession, count: number): Promise<void> {
  await eventually(
    `${count} calls ran`,
    5_000,
    async () => (await stateOf(session)).callsStarted === count,
  );
}

for (const kind of ['stdio', 'HTTP'] as const) {
  const entryOf = (t: TestContext): Promise<ServerEntry> | ServerEntry =>
    kind === 'stdio' ? fixture('legacy') : remoteFixture(t);

  test(`R10: equal progress tokens of two clients do not cross (${kind})`, async (t) => {
    const { one, two } = await pair(t, await entryOf(t));
    const slow = (session: RawSession, token: unknown, ms: number): Promise<WireMessage> =>
      session.request('tools/call', {
        name: 'fx__fixture_slow',
        arguments: { ms, progressEveryMs: 250 },
        _meta: { progressToken: token },
      });
    for (const token of [1, 'same', '1001']) {
      one.heard.length = 0;
      two.heard.length = 0;
      const answers = await Promise.all([slow(one, token, 1_000), slow(two, token, 1_500)]);
      assert.deepEqual(answers.map(textOf), ['waited 1000 ms', 'waited 1500 ms']);
      for (const [session, total] of [
        [one, 1_000],
        [two, 1_500],
      ] as const) {
        const steps = heard(session, 'notifications/progress').map(({ params }) => params);
        assert.deepEqual(
          steps.map((step) => step?.['progress']),
          Array.from({ length: total / 250 }, (_, index) => (index + 1) * 250),
        );
        assert.ok(
          steps.every((step) => step?.['progressToken'] === token && step['total'] === total),
        );
      }
    }
  });

  test(`R10: subscriptions are counted by reference: told to the server once, ended with the last (${kind})`, async (t) => {
    const { one, two } = await pair(t, await entryOf(t));
    const updates = (session: RawSession): number =>
      heard(session, 'notifications/resources/updated').length;
    const request = async (session: RawSession, method: string): Promise<void> => {
      const answer = await session.request(method, { uri: WATCHED });
      assert.deepEqual(answer.result, {}, JSON.stringify(answer));
    };
    await request(one, 'resources/subscribe');
    await request(two, 'resources/subscribe');
    await request(two, 'resources/subscribe');
    let state = await stateOf(one);
    assert.deepEqual(state.subscriptions, [WATCHED]);
    assert.equal(state.methods['resources/subscribe'], 1);
    await one.call('fx__fixture_touch_resource');
    await eventually(
      'both heard of the update',
      5_000,
      () => updates(one) === 1 && updates(two) === 1,
    );
    assert.deepEqual(heard(one, 'notifications/resources/updated')[0]?.params, { uri: WATCHED });

    await request(two, 'resources/unsubscribe');
    await one.call('fx__fixture_touch_resource');
    await eventually('the one left heard of it', 5_000, () => updates(one) === 2);
    assert.equal(updates(two), 1);
    state = await stateOf(one);
    assert.equal(state.methods['resources/unsubscribe'], undefined);

    assert.equal(await one.delete(), 204);
    await eventually(
      'the last subscription was ended',
      5_000,
      async () => (await stateOf(two)).subscriptions.length === 0,
    );
  });

  test(`equal request ids of two clients do not cross: cancelling one leaves the other (${kind})`, async (t) => {
    const { one, two } = await pair(t, await entryOf(t));
    // A cancelled request gets no answer.
    const given = assert.rejects(one.call('fx__fixture_slow', { ms: 60_000 }), /No answer/u);
    const kept = two.call('fx__fixture_slow', { ms: 2_000 });
    const watcher = await RawSession.open(one.url);
    await untilCallsRun(watcher, 2);
    await one.tell('notifications/cancelled', { requestId: 1, reason: 'enough' });
    await eventually(
      'one call was cancelled',
      5_000,
      async () => (await stateOf(watcher)).cancelled === 1,
    );
    assert.equal(textOf(await kept), 'waited 2000 ms');
    await given;
    assert.equal((await stateOf(watcher)).cancelled, 1);
  });
}

test('R10: over stdio a log message reaches the one client in flight; while two are, the server log alone', async (t) => {
  const { gateway, one, two } = await pair(t, fixture('legacy'));
  const logs = (session: RawSession): number => heard(session, 'notifications/message').length;
  for (const session of [one, two]) await session.request('logging/setLevel', { level: 'debug' });
  await two.call('fx__test_tool_with_logging');
  assert.deepEqual([logs(one), logs(two)], [0, 3]);

  const slow = one.call('fx__fixture_slow', { ms: 2_000 });
  await untilCallsRun(two, 2);
  await two.call('fx__test_tool_with_logging');
  await slow;
  assert.deepEqual([logs(one), logs(two)], [0, 3]);
  const said = (): string[] => gateway.log('fx').map(({ msg }) => msg);
  await eventually(
    'one of the two was logged',
    5_000,
    () => said().filter((msg) => msg.includes('Tool execution started')).length === 1,
    said,
  );
});

test('R10: over HTTP a log message reaches the client in whose call it was sent, and no other', async (t) => {
  const { one, two } = await pair(t, await remoteFixture(t));
  const slow = one.call('fx__fixture_slow', { ms: 1_500 });
  await untilCallsRun(two, 1);
  await two.call('fx__test_tool_with_logging');
  await slow;
  assert.equal(heard(one, 'notifications/message').length, 0);
  assert.equal(heard(two, 'notifications/message').length, 3);
});

test('R10: the server gets the most verbose level wanted, each client what it asked for', async (t) => {
  const { one, two } = await pair(t, fixture('legacy'));
  const logs = (session: RawSession): number => heard(session, 'notifications/message').length;
  await one.request('logging/setLevel', { level: 'debug' });
  await two.request('logging/setLevel', { level: 'error' });
  assert.equal((await stateOf(one)).logLevel, 'debug');
  await two.call('fx__test_tool_with_logging');
  await one.call('fx__test_tool_with_logging');
  assert.deepEqual([logs(one), logs(two)], [3, 0]);
});

test('R10: subscriptions and the log level are there again after the server was killed', async (t) => {
  const { gateway, one } = await pair(t, fixture('legacy'));
  await one.request('logging/setLevel', { level: 'warning' });
  await one.request('resources/subscribe', { uri: WATCHED });
  const { pid } = await stateOf(one);
  process.kill(pid, 'SIGKILL');
  await gateway.whenServer('fx', ({ phase, restarts }) => phase === 'ready' && restarts === 1);
  const state = await stateOf(one);
  assert.notEqual(state.pid, pid);
  assert.equal(state.logLevel, 'warning');
  assert.deepEqual(state.subscriptions, [WATCHED]);
  await one.call('fx__fixture_touch_resource');
  await eventually(
    'the client heard of the update',
    5_000,
    () => heard(one, 'notifications/resources/updated').length === 1,
  );
});

test('a client cannot answer a question that was asked of another', async (t) => {
  const { one, two } = await pair(t, fixture('legacy'), { roots: {} });
  const call = one.call('fx__fixture_roots');
  const question = await eventually('it was asked', 5_000, () => heard(one, 'roots/list')[0]);
  const answer = (uri: string): JsonObject => ({ id: question.id, result: { roots: [{ uri }] } });
  assert.equal((await two.post(answer('file:///evil'))).status, 202);
  assert.equal((await one.post(answer('file:///mine'))).status, 202);
  assert.deepEqual(jsonOf(await call), { roots: [{ uri: 'file:///mine' }] });
});
