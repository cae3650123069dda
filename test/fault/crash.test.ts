import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import {
  jsonOf,
  modernRequest,
  RawSession,
  textOf,
  type WireMessage,
} from '../support/gateway-session.ts';
import { fixture, TestGateway } from '../support/gateway.ts';
import { faulty } from '../support/faults.ts';
import { descendantsOf, eventually, isRunning, ON_LINUX, processOf } from '../support/processes.ts';

const CALLERS = 16;
/** Five times the second within which a killed server must be back (docs/rules.md R24). */
const BACK_MS = 5_000;
const SLOW = { ms: 60_000 };

interface State {
  readonly pid: number;
  readonly callsStarted: number;
}

async function sessions(gateway: TestGateway, count: number): Promise<RawSession[]> {
  return Promise.all(Array.from({ length: count }, () => RawSession.open(gateway.url)));
}

async function stateOf(session: RawSession, server: string): Promise<State> {
  return jsonOf<State>(await session.call(`${server}__fixture_state`));
}

function assertLost(answer: WireMessage): void {
  assert.equal(answer.error?.code, 1502, JSON.stringify(answer));
  assert.equal(answer.error?.data?.['refusal'], 'UPSTREAM_LOST');
  assert.match(
    answer.error?.message ?? '',
    /"victim" was ended by SIGKILL; tools\/call may or may not have run/u,
  );
}

async function untilBusy(session: RawSession, server: string, calls: number): Promise<State> {
  return eventually(`${calls} calls were under way at "${server}"`, 10_000, async () => {
    const state = await stateOf(session, server);
    return state.callsStarted >= calls && state;
  });
}

test(
  'kill -9 of a server under 16 callers fails exactly its calls in flight, and it is back at once',
  ON_LINUX,
  async (t) => {
    const gateway = await TestGateway.start(t, {
      servers: { victim: fixture('legacy'), bystander: fixture('legacy') },
    });
    await gateway.whenReady('victim', 'bystander');
    const [watcher, ...callers] = await sessions(gateway, CALLERS + 1);
    assert.ok(watcher);
    const done = await watcher.call('victim__fixture_echo', { text: 'before' });
    assert.match(textOf(done), /before/u);

    const lost = callers.map((session) => session.call('victim__fixture_slow', SLOW));
    const kept = callers
      .slice(0, 4)
      .map((session) => session.call('bystander__fixture_slow', { ms: 3_000 }));
    const before = await untilBusy(watcher, 'victim', CALLERS + 1);
    await untilBusy(watcher, 'bystander', 4);
    const tools = await watcher.tools();
    const killedAt = performance.now();
    process.kill(before.pid, 'SIGKILL');

    for (const answer of await Promise.all(lost)) assertLost(answer);
    assert.ok(performance.now() - killedAt < BACK_MS, 'the failed calls were told late');
    // What is asked in the meantime waits for the restart, and the lists stay whole.
    assert.deepEqual(await watcher.tools(), tools);
    const after = await stateOf(watcher, 'victim');
    const backMs = performance.now() - killedAt;
    t.diagnostic(`back after ${backMs.toFixed(0)} ms`);
    assert.ok(backMs < BACK_MS, `back after ${backMs} ms`);
    assert.notEqual(after.pid, before.pid);
    assert.equal(after.callsStarted, 0, 'a lost call was sent again');
    for (const answer of await Promise.all(kept)) assert.equal(textOf(answer), 'waited 3000 ms');

    const state = await gateway.whenServer('victim', ({ phase }) => phase === 'ready');
    assert.equal(state.restarts, 1);
    assert.equal((await gateway.server('bystander')).restarts, 0);
    assert.deepEqual(
      descendantsOf(gateway.pid).filter(({ state }) => state === 'Z'),
      [],
    );
    await eventually('its end was logged', 5_000, () =>
      gateway.log('victim').some(({ msg }) => msg.includes('was ended by SIGKILL')),
    );
  },
);

test('kill -9 of a modern server fails the calls of modern clients the same way, and it is back at once', async (t) => {
  const gateway = await TestGateway.start(t, { servers: { victim: fixture('modern') } });
  await gateway.whenReady('victim');
  const call = (name: string, args: object): Promise<WireMessage> =>
    modernRequest(gateway.url, 'tools/call', { name: `victim__${name}`, arguments: args });
  const before = jsonOf<State>(await call('fixture_state', {}));
  const lost = Array.from({ length: CALLERS }, () => call('fixture_slow', SLOW));
  await eventually('all calls were under way', 10_000, async () => {
    const { callsStarted } = jsonOf<State>(await call('fixture_state', {}));
    return callsStarted === CALLERS;
  });
  const killedAt = performance.now();
  process.kill(before.pid, 'SIGKILL');
  for (const answer of await Promise.all(lost)) assertLost(answer);
  const after = jsonOf<State>(await call('fixture_state', {}));
  assert.ok(performance.now() - killedAt < BACK_MS);
  assert.notEqual(after.pid, before.pid);
});

test(
  'three kills in a row are each survived, and no process is left of any',
  ON_LINUX,
  async (t) => {
    const gateway = await TestGateway.start(t, {
      servers: { victim: fixture('legacy') },
      app: { upstreams: { restartMaxMs: 500, restartWaitMs: 20_000 } },
    });
    await gateway.whenReady('victim');
    const session = await RawSession.open(gateway.url);
    const killed = [];
    for (let round = 0; round < 3; round += 1) {
      const { pid } = await stateOf(session, 'victim');
      const found = processOf(pid);
      assert.ok(found);
      killed.push(found);
      process.kill(pid, 'SIGKILL');
      await gateway.whenServer(
        'victim',
        ({ phase, restarts }) => phase === 'ready' && restarts === round + 1,
      );
      assert.ok(!isRunning(found));
    }
    const { pid } = await stateOf(session, 'victim');
    assert.ok(killed.every((each) => each.pid !== pid));
    await eventually(
      'one server and the watchdog are left',
      5_000,
      () => {
        const left = descendantsOf(gateway.pid);
        return left.length === 2 && left.some((each) => each.pid === pid);
      },
      () => descendantsOf(gateway.pid),
    );
  },
);

test('calls to a server in a crash loop wait for it up to restartWaitMs, then are told its state and reason', async (t) => {
  const gateway = await TestGateway.start(t, {
    servers: { loops: faulty('--die-after', '400') },
    app: { upstreams: { restartWaitMs: 1_500, restartMinMs: 30_000, restartMaxMs: 30_000 } },
  });
  const session = await RawSession.open(gateway.url);
  assert.ok((await session.tools()).includes('loops__pid'));
  await gateway.whenServer('loops', ({ phase }) => phase === 'starting');
  const begin = performance.now();
  const answer = await session.call('loops__pid');
  const tookMs = performance.now() - begin;
  assert.equal(answer.error?.code, 1503, JSON.stringify(answer));
  assert.equal(answer.error?.data?.['refusal'], 'UPSTREAM_UNAVAILABLE');
  assert.equal(answer.error?.data?.['state'], 'starting');
  assert.match(
    answer.error?.message ?? '',
    /"loops" is starting: is being restarted: it exited with code 4/u,
  );
  assert.ok(tookMs > 1_000 && tookMs < 7_500, `it took ${tookMs} ms`);
});

test('restarts back off: the pauses double from restartMinMs up to restartMaxMs', async (t) => {
  const gateway = await TestGateway.start(t, {
    servers: { loops: faulty('--exit-with', '2') },
    app: { upstreams: { restartMinMs: 50, restartMaxMs: 400, probeTimeoutMs: 500 } },
  });
  const pauses = await eventually('six attempts had failed', 20_000, () => {
    const found = gateway.log('loops').map(({ msg }) => /next attempt in (\d+) ms/u.exec(msg)?.[1]);
    const known = found.filter((each) => each !== undefined);
    return known.length >= 6 && known.slice(0, 6).map(Number);
  });
  assert.deepEqual(pauses, [50, 100, 200, 400, 400, 400]);
});

function assertFailed(t: TestContext, answer: WireMessage): void {
  t.diagnostic(JSON.stringify(answer.error));
  assert.equal(answer.error?.data?.['refusal'], 'UPSTREAM_LOST');
}

test('a server that exits by itself in mid-call fails that call alone, with how it ended', async (t) => {
  const gateway = await TestGateway.start(t, { servers: { victim: fixture('legacy') } });
  await gateway.whenReady('victim');
  const [one, two] = await sessions(gateway, 2);
  assert.ok(one && two);
  const ended = await one.call('victim__fixture_exit', { code: 9 });
  assertFailed(t, ended);
  assert.match(ended.error?.message ?? '', /exited with code 9/u);
  assert.match(textOf(await two.call('victim__fixture_echo', { text: 'alive' })), /alive/u);
});
