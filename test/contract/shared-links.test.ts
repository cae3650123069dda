import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { FIXTURE, freePort, startNode, stop } from '../support/conformance-processes.ts';
import { connectLegacy, stateOf, type TestClient } from '../support/gateway-clients.ts';
import { jsonOf, RawSession, textOf } from '../support/gateway-session.ts';
import { fixture, TestGateway } from '../support/gateway.ts';
import { eventually, ON_LINUX, processOf } from '../support/processes.ts';

interface State {
  readonly pid: number;
  readonly callsStarted: number;
  readonly outside: {
    readonly asked: number;
    readonly answered: number;
    readonly refused: number;
    readonly last: unknown;
  };
}

const ANNE = 'file:///home/anne';
const BERT = 'file:///home/bert';

/** A client that can be asked for its roots, and counts how often it was. */
interface Asked {
  readonly client: TestClient;
  readonly asked: () => number;
}

async function withRoots(t: TestContext, gateway: TestGateway, root: string): Promise<Asked> {
  let count = 0;
  const roots = {
    *[Symbol.iterator](): Generator<string> {
      count += 1;
      yield root;
    },
  };
  const client = await connectLegacy(t, gateway, 'http', { roots });
  return { client, asked: () => count };
}

function pidOf(client: TestClient, server = 'fx'): Promise<number> {
  return stateOf<State>(client, `${server}__fixture_state`).then(({ pid }) => pid);
}

async function rootsOf(client: TestClient): Promise<string[]> {
  const result = await client.call('fx__fixture_roots');
  const { roots } = jsonOf<{ roots: { uri: string }[] }>({ result });
  return roots.map(({ uri }) => uri);
}

/** Has the server ask while calls of two clients are in flight: nobody can tell whose question it is. */
async function provoke(one: TestClient, two: TestClient): Promise<void> {
  const before = await stateOf<State>(one, 'fx__fixture_state');
  const slow = one.call('fx__fixture_slow', { ms: 1_500 });
  await eventually('the call ran', 5_000, async () => {
    const { callsStarted } = await stateOf<State>(one, 'fx__fixture_state');
    return callsStarted === before.callsStarted + 1;
  });
  await assert.rejects(two.call('fx__fixture_roots'), /not known which client/u);
  assert.equal(textOf({ result: await slow }), 'waited 1500 ms');
}

test('R9: clients share one process of a server that asks nothing', async (t) => {
  const gateway = await TestGateway.start(t, { servers: { fx: fixture('legacy') } });
  await gateway.whenReady('fx');
  const clients = [await withRoots(t, gateway, ANNE), await withRoots(t, gateway, BERT)];
  const pids = await Promise.all(clients.map(({ client }) => pidOf(client)));
  assert.equal(new Set(pids).size, 1);
  const { instances, isInteractive } = await gateway.server('fx');
  assert.deepEqual([instances, isInteractive], [1, false]);
});

test('R9: a question in mid-call reaches the calling client as long as no other has used the process', async (t) => {
  const gateway = await TestGateway.start(t, { servers: { fx: fixture('legacy') } });
  await gateway.whenReady('fx');
  const [anne, bert] = [await withRoots(t, gateway, ANNE), await withRoots(t, gateway, BERT)];
  assert.deepEqual(await rootsOf(anne.client), [ANNE]);
  assert.deepEqual([anne.asked(), bert.asked()], [1, 0]);
  // A server that asks at all may ask late: nobody shares it from now on.
  assert.equal((await gateway.server('fx')).isInteractive, true);
  assert.notEqual(await pidOf(anne.client), await pidOf(bert.client));
  assert.deepEqual(await Promise.all([rootsOf(anne.client), rootsOf(bert.client)]), [
    [ANNE],
    [BERT],
  ]);
});

test('R9: a question while two clients have calls in flight is refused and marks the server; from then on each client has a process of its own', async (t) => {
  const gateway = await TestGateway.start(t, { servers: { fx: fixture('legacy') } });
  await gateway.whenReady('fx');
  const [anne, bert] = [await withRoots(t, gateway, ANNE), await withRoots(t, gateway, BERT)];
  const shared = await pidOf(anne.client);
  assert.equal(await pidOf(bert.client), shared);
  await provoke(anne.client, bert.client);
  assert.deepEqual([anne.asked(), bert.asked()], [0, 0]);
  assert.equal((await gateway.server('fx')).isInteractive, true);

  const own = [await pidOf(anne.client), await pidOf(bert.client)];
  assert.equal(new Set([...own, shared]).size, 3);
  // Both at once, many times: what each is asked and told is its own.
  for (let round = 0; round < 10; round += 1) {
    const roots = await Promise.all([rootsOf(anne.client), rootsOf(bert.client)]);
    assert.deepEqual(roots, [[ANNE], [BERT]]);
  }
  assert.deepEqual([await pidOf(anne.client), await pidOf(bert.client)], own);
});

test('R9: a question outside any call is refused on a shared link, and reaches its client on an own one', async (t) => {
  const gateway = await TestGateway.start(t, { servers: { fx: fixture('legacy') } });
  await gateway.whenReady('fx');
  const anne = await withRoots(t, gateway, ANNE);
  await anne.client.call('fx__fixture_ask_outside_call');
  await gateway.whenServer('fx', ({ isInteractive }) => isInteractive);
  assert.equal(anne.asked(), 0);

  await anne.client.call('fx__fixture_ask_outside_call');
  const own = await eventually('the question was answered', 5_000, async () => {
    const state = await stateOf<State>(anne.client, 'fx__fixture_state');
    return state.outside.answered === 1 && state;
  });
  assert.deepEqual(own.outside.last, { roots: [{ uri: ANNE }] });
});

async function remoteFixture(t: TestContext): Promise<{ url: string }> {
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

for (const kind of ['stdio', 'HTTP'] as const) {
  test(`R9: a late question of a call that has ended never reaches the other client that is calling by then (${kind})`, async (t) => {
    const entry = kind === 'stdio' ? fixture('legacy') : await remoteFixture(t);
    const gateway = await TestGateway.start(t, { servers: { fx: entry } });
    await gateway.whenReady('fx');
    const [anne, bert] = [await withRoots(t, gateway, ANNE), await withRoots(t, gateway, BERT)];
    // The server asks 200 ms after this call was answered: by then only Bert has a call in flight.
    await anne.client.call('fx__fixture_ask_outside_call');
    await bert.client.call('fx__fixture_slow', { ms: 800 });
    assert.deepEqual([anne.asked(), bert.asked()], [0, 0], 'somebody was asked');
    assert.equal((await gateway.server('fx')).isInteractive, true);
  });
}

test('R9: clients that can be asked nothing go on sharing a process after a server has asked', async (t) => {
  const gateway = await TestGateway.start(t, { servers: { fx: fixture('legacy') } });
  await gateway.whenReady('fx');
  const anne = await withRoots(t, gateway, ANNE);
  const [one, two] = [await connectLegacy(t, gateway), await connectLegacy(t, gateway)];
  await provoke(one, anne.client);
  assert.equal(await pidOf(one), await pidOf(two));
  assert.notEqual(await pidOf(anne.client), await pidOf(one));
  await assert.rejects(one.call('fx__fixture_roots'), /did not declare|not known/u);
});

test('R9: that a server asks is remembered: after a restart of the gateway each client has its own process from its first call', async (t) => {
  const gateway = await TestGateway.start(t, { servers: { fx: fixture('legacy') } });
  await gateway.whenReady('fx');
  await provoke(
    (await withRoots(t, gateway, ANNE)).client,
    (await withRoots(t, gateway, BERT)).client,
  );
  assert.equal(await gateway.end('SIGTERM'), 0);
  await gateway.launch();
  await gateway.whenReady('fx');
  assert.equal((await gateway.server('fx')).isInteractive, true);
  const [anne, bert] = [await withRoots(t, gateway, ANNE), await withRoots(t, gateway, BERT)];
  assert.deepEqual(await Promise.all([rootsOf(anne.client), rootsOf(bert.client)]), [
    [ANNE],
    [BERT],
  ]);
});

test('R9: with isolation "shared" nobody ever gets a process of its own, and doubtful questions stay refused', async (t) => {
  const gateway = await TestGateway.start(t, {
    servers: { fx: { ...fixture('legacy'), isolation: 'shared' } },
  });
  await gateway.whenReady('fx');
  const [anne, bert] = [await withRoots(t, gateway, ANNE), await withRoots(t, gateway, BERT)];
  await provoke(anne.client, bert.client);
  assert.equal(await pidOf(anne.client), await pidOf(bert.client));
  assert.equal((await gateway.server('fx')).instances, 1);
});

test(
  'R9: with isolation "session" a process serves one session only, is never handed on, and ends with it',
  ON_LINUX,
  async (t) => {
    const gateway = await TestGateway.start(t, {
      servers: { fx: { ...fixture('legacy'), isolation: 'session', shutdownGraceMs: 500 } },
    });
    await gateway.whenReady('fx');
    const seen = new Set<number>();
    for (let round = 0; round < 3; round += 1) {
      const sessions = [await RawSession.open(gateway.url), await RawSession.open(gateway.url)];
      for (const session of sessions) {
        const { pid } = jsonOf<State>(await session.call('fx__fixture_state'));
        assert.ok(!seen.has(pid), 'a process was handed to another session');
        seen.add(pid);
        await session.call('fx__fixture_echo');
        const again = jsonOf<State>(await session.call('fx__fixture_state'));
        assert.deepEqual([again.pid, again.callsStarted], [pid, 1]);
      }
      for (const session of sessions) assert.equal(await session.delete(), 204);
    }
    await eventually('the processes of ended sessions were gone', 10_000, () =>
      [...seen].every((pid) => processOf(pid) === undefined),
    );
    assert.equal((await gateway.server('fx')).instances, 1);
  },
);

test('R9: above maxInstances a client waits until another is idle, and takes its place, not its process', async (t) => {
  const gateway = await TestGateway.start(t, {
    servers: {
      fx: { ...fixture('legacy'), isolation: 'session', maxInstances: 2, shutdownGraceMs: 500 },
    },
  });
  await gateway.whenReady('fx');
  const [one, two, three] = await Promise.all([1, 2, 3].map(() => RawSession.open(gateway.url)));
  assert.ok(one && two && three);
  const pids = [
    jsonOf<State>(await one.call('fx__fixture_state')).pid,
    jsonOf<State>(await two.call('fx__fixture_state')).pid,
  ];
  const calls = [
    one.call('fx__fixture_slow', { ms: 2_000 }),
    two.call('fx__fixture_slow', { ms: 5_000 }),
  ];
  for (const session of [one, two])
    await eventually(
      'its call ran',
      5_000,
      async () => jsonOf<State>(await session.call('fx__fixture_state')).callsStarted === 1,
    );
  const begin = performance.now();
  const late = jsonOf<State>(await three.call('fx__fixture_state'));
  const waitedMs = performance.now() - begin;
  assert.ok(waitedMs > 500 && waitedMs < 8_000, `it waited ${waitedMs} ms`);
  assert.ok(!pids.includes(late.pid));
  for (const answer of await Promise.all(calls)) assert.match(textOf(answer), /^waited/u);
  assert.ok((await gateway.server('fx')).instances <= 3);
});

test('R9: when every place stays in use, the client is told so within restartWaitMs', async (t) => {
  const gateway = await TestGateway.start(t, {
    servers: {
      fx: { ...fixture('legacy'), isolation: 'session', maxInstances: 1, restartWaitMs: 800 },
    },
  });
  await gateway.whenReady('fx');
  const [one, two] = [await RawSession.open(gateway.url), await RawSession.open(gateway.url)];
  await one.call('fx__fixture_echo');
  const busy = one.call('fx__fixture_slow', { ms: 4_000 });
  await eventually(
    'its call ran',
    5_000,
    async () => jsonOf<State>(await one.call('fx__fixture_state')).callsStarted === 2,
  );
  const answer = await two.call('fx__fixture_echo');
  assert.equal(answer.error?.code, 1505, JSON.stringify(answer));
  assert.equal(answer.error?.data?.['refusal'], 'UPSTREAM_BUSY');
  assert.equal(textOf(await busy), 'waited 4000 ms');
  // Now its place is free.
  assert.equal((await two.call('fx__fixture_echo')).error, undefined);
});

test('R9: a killed private process fails the calls of its own client alone, which gets a new one', async (t) => {
  const gateway = await TestGateway.start(t, {
    servers: { fx: { ...fixture('legacy'), isolation: 'session' } },
  });
  await gateway.whenReady('fx');
  const [one, two] = [await RawSession.open(gateway.url), await RawSession.open(gateway.url)];
  const { pid } = jsonOf<State>(await one.call('fx__fixture_state'));
  const other = jsonOf<State>(await two.call('fx__fixture_state'));
  const lost = one.call('fx__fixture_slow', { ms: 60_000 });
  const kept = two.call('fx__fixture_slow', { ms: 1_500 });
  await eventually(
    'the call ran',
    5_000,
    async () => jsonOf<State>(await one.call('fx__fixture_state')).callsStarted === 1,
  );
  process.kill(pid, 'SIGKILL');
  const answer = await lost;
  assert.equal(answer.error?.code, 1502);
  assert.equal(answer.error?.data?.['refusal'], 'UPSTREAM_LOST');
  assert.equal(textOf(await kept), 'waited 1500 ms');
  assert.notEqual(jsonOf<State>(await one.call('fx__fixture_state')).pid, pid);
  assert.equal(jsonOf<State>(await two.call('fx__fixture_state')).pid, other.pid);
  assert.equal((await gateway.server('fx')).phase, 'ready');
});
