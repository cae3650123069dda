import assert from 'node:assert/strict';
import test from 'node:test';
import { connectLegacy } from '../support/gateway-clients.ts';
import {
  jsonOf,
  modernRequest,
  RawSession,
  textOf,
  type WireMessage,
} from '../support/gateway-session.ts';
import { fixture, TestGateway } from '../support/gateway.ts';
import { legacyServer, listenFault } from '../support/faults-http.ts';
import { faulty } from '../support/faults.ts';
import { eventually } from '../support/processes.ts';

interface State {
  readonly callsStarted: number;
  readonly cancelledTools: readonly string[];
  readonly methods: Readonly<Record<string, number | undefined>>;
}

async function stateOf(session: RawSession): Promise<State> {
  return jsonOf<State>(await session.call('slow__fixture_state'));
}

async function untilCancelled(session: RawSession, count: number): Promise<State> {
  return eventually(`the server was told to cancel ${count} calls`, 10_000, async () => {
    const state = await stateOf(session);
    return state.cancelledTools.length >= count && state;
  });
}

function assertTimedOut(answer: WireMessage): void {
  assert.equal(answer.error?.code, 1504, JSON.stringify(answer));
  assert.equal(answer.error?.data?.['refusal'], 'UPSTREAM_TIMEOUT');
  assert.match(answer.error?.message ?? '', /"slow" did not answer tools\/call within 700 ms/u);
}

test('a call not answered within callTimeoutMs is refused, and the server is told to stop working on it', async (t) => {
  const gateway = await TestGateway.start(t, {
    servers: { slow: { ...fixture('legacy'), callTimeoutMs: 700 }, patient: fixture('legacy') },
  });
  await gateway.whenReady('slow', 'patient');
  const session = await RawSession.open(gateway.url);
  const patient = session.call('patient__fixture_slow', { ms: 2_500 });
  const begin = performance.now();
  assertTimedOut(await session.call('slow__fixture_slow', { ms: 60_000 }));
  const tookMs = performance.now() - begin;
  assert.ok(tookMs >= 690 && tookMs < 3_500, `it took ${tookMs} ms`);
  const state = await untilCancelled(session, 1);
  assert.deepEqual(state.cancelledTools, ['fixture_slow']);
  assert.equal(state.methods['notifications/cancelled'], 1);
  assert.equal(textOf(await patient), 'waited 2500 ms');
  assert.equal((await gateway.server('slow')).restarts, 0);
});

test('a modern call that takes too long is refused and cancelled the same way', async (t) => {
  const gateway = await TestGateway.start(t, {
    servers: { slow: { ...fixture('modern'), callTimeoutMs: 700 } },
  });
  await gateway.whenReady('slow');
  const call = (name: string, args = {}): Promise<WireMessage> =>
    modernRequest(gateway.url, 'tools/call', { name: `slow__${name}`, arguments: args });
  assertTimedOut(await call('fixture_slow', { ms: 60_000 }));
  await eventually(
    'the server gave the call up',
    10_000,
    async () => jsonOf<State & { cancelled: number }>(await call('fixture_state')).cancelled === 1,
  );
});

test('progress starts the wait for a call anew, unless the configuration says otherwise', async (t) => {
  const args = { ms: 3_200, progressEveryMs: 400 };
  const gateway = await TestGateway.start(t, {
    servers: {
      resets: { ...fixture('legacy'), callTimeoutMs: 1_600 },
      slow: { ...fixture('legacy'), callTimeoutMs: 700, progressResetsCallTimeout: false },
    },
  });
  await gateway.whenReady('resets', 'slow');
  const client = await connectLegacy(t, gateway, 'http');
  const steps: unknown[] = [];
  const onprogress = (progress: object): void => void steps.push(progress);
  const result = await client.call('resets__fixture_slow', args, { onprogress });
  assert.equal(textOf({ result }), 'waited 3200 ms');
  assert.equal(steps.length, 8);

  const refused = client.call('slow__fixture_slow', args, { onprogress });
  await assert.rejects(refused, (error: { code?: number }) => error.code === 1504);
  // Nobody may ask for progress: then there is none to start the wait anew.
  const session = await RawSession.open(gateway.url);
  const answer = await session.call('resets__fixture_slow', args);
  assert.equal(answer.error?.data?.['refusal'], 'UPSTREAM_TIMEOUT');
});

for (const transport of ['http', 'sse', 'stdio'] as const) {
  test(`a call cancelled by a client over ${transport} is cancelled at the server, and no other`, async (t) => {
    const gateway = await TestGateway.start(t, { servers: { slow: fixture('legacy') } });
    await gateway.whenReady('slow');
    const client = await connectLegacy(t, gateway, transport);
    const stop = new AbortController();
    const given = client.call('slow__fixture_slow', { ms: 60_000 }, { signal: stop.signal });
    const kept = client.call('slow__fixture_slow', { ms: 2_000 });
    const state = async (): Promise<State> =>
      jsonOf<State>({ result: await client.call('slow__fixture_state') });
    await eventually('both calls ran', 5_000, async () => (await state()).callsStarted === 2);
    stop.abort('no longer wanted');
    await assert.rejects(given);
    await eventually(
      'the server was told',
      5_000,
      async () => (await state()).cancelledTools.join() === 'fixture_slow',
    );
    assert.equal(textOf({ result: await kept }), 'waited 2000 ms');
    assert.equal((await state()).cancelledTools.length, 1);
  });
}

test('a modern client cancels by closing the stream of its request, and the server is told', async (t) => {
  const gateway = await TestGateway.start(t, { servers: { slow: fixture('modern') } });
  await gateway.whenReady('slow');
  const state = async (): Promise<State & { cancelled: number }> => {
    const call = { name: 'slow__fixture_state', arguments: {} };
    return jsonOf(await modernRequest(gateway.url, 'tools/call', call));
  };
  const stop = new AbortController();
  const call = { name: 'slow__fixture_slow', arguments: { ms: 60_000 } };
  const given = modernRequest(gateway.url, 'tools/call', call, stop.signal);
  await eventually('the call ran', 5_000, async () => (await state()).callsStarted === 1);
  stop.abort();
  await assert.rejects(given);
  await eventually('the server was told', 5_000, async () => (await state()).cancelled === 1);
});

test('R15: a legacy client whose connection breaks has not cancelled: its call goes on to the end', async (t) => {
  const gateway = await TestGateway.start(t, { servers: { slow: fixture('legacy') } });
  await gateway.whenReady('slow');
  const [leaving, watcher] = [
    await RawSession.open(gateway.url),
    await RawSession.open(gateway.url),
  ];
  const broken = new AbortController();
  const call = leaving.call('slow__fixture_slow', { ms: 1_000 }, broken.signal);
  await eventually('the call ran', 5_000, async () => (await stateOf(watcher)).callsStarted === 1);
  broken.abort();
  await assert.rejects(call);
  const other = await watcher.call('slow__fixture_slow', { ms: 1_500 });
  assert.equal(textOf(other), 'waited 1500 ms');
  assert.equal((await stateOf(watcher)).cancelledTools.length, 0);
});

test('a remote call that takes too long is refused, and its connection is let go', async (t) => {
  let closed = 0;
  const fault = await listenFault(
    t,
    legacyServer((response) => {
      response.on('close', () => {
        closed += 1;
      });
    }),
  );
  const gateway = await TestGateway.start(t, {
    servers: { slow: { url: fault.url, callTimeoutMs: 700 } },
  });
  await gateway.whenReady('slow');
  const session = await RawSession.open(gateway.url);
  const calls = Array.from({ length: 5 }, () => session.call('slow__fine'));
  for (const answer of await Promise.all(calls)) assertTimedOut(answer);
  await eventually(
    'all connections were let go',
    5_000,
    () => closed === 5,
    () => closed,
  );
});

test('a server that does not list its tools within listTimeoutMs is degraded and says so; the others are listed', async (t) => {
  const gateway = await TestGateway.start(t, {
    servers: {
      mute: { ...faulty('--silent-on', 'tools/list'), listTimeoutMs: 400 },
      slow: fixture('legacy'),
    },
  });
  const { reason } = await gateway.whenServer('mute', ({ phase }) => phase === 'degraded');
  assert.match(reason ?? '', /did not answer tools\/list within 400 ms/u);
  await gateway.whenReady('slow');
  const session = await RawSession.open(gateway.url);
  assert.ok((await session.tools()).every((name) => name.startsWith('slow__')));
});

test('a server that does not answer initialize within connectTimeoutMs has failed, and is tried again', async (t) => {
  const gateway = await TestGateway.start(t, {
    servers: { mute: { ...faulty('--silent-on', 'initialize'), connectTimeoutMs: 500 } },
    app: { upstreams: { restartMinMs: 100, restartMaxMs: 200, shutdownGraceMs: 300 } },
  });
  const { reason } = await gateway.whenServer('mute', ({ phase }) => phase === 'failed');
  assert.match(reason ?? '', /did not answer initialize within 500 ms/u);
  await eventually(
    'it was started four times',
    15_000,
    () => gateway.log('mute').filter(({ msg }) => msg.startsWith('starting:')).length >= 4,
  );
});
