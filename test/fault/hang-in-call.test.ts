import assert from 'node:assert/strict';
import test from 'node:test';
import { assertRefused, FaultyScene, stdioFaulty } from '../support/stdio-faults.ts';
import { jsonOf, RawSession, textOf } from '../support/gateway-session.ts';
import {
  eventually,
  isRunning,
  ON_LINUX,
  processOf,
  residentMebibytes,
} from '../support/processes.ts';

interface Counts {
  readonly called: number;
  readonly cancelled: number;
}

test(
  'calls that hang for ever, cancelled in vain, are each refused in time; the same server answers other calls, and nothing is kept',
  ON_LINUX,
  async (t) => {
    const odd = { ...stdioFaulty(), callTimeoutMs: 1_000 };
    const scene = await FaultyScene.start(t, { odd });
    const before = residentMebibytes(scene.gateway.pid);
    const pid = textOf(await scene.call('odd__pid'));
    const rounds = 3;
    const callers = 40;
    for (let round = 0; round < rounds; round += 1) {
      const begin = performance.now();
      const text = 'x'.repeat(50_000);
      const hung = Array.from({ length: callers }, () => scene.call('odd__hang', { text }));
      assert.equal(textOf(await scene.call('odd__echo', { text: 'me' })), 'me');
      await scene.assertOthersGoOn();
      for (const answer of await Promise.all(hung))
        assertRefused(
          answer,
          'UPSTREAM_TIMEOUT',
          /"odd" did not answer tools\/call within 1000 ms/u,
        );
      const tookMs = performance.now() - begin;
      assert.ok(tookMs < 8_000, `refused after ${tookMs} ms`);
    }
    await eventually('the server was told of each', 10_000, async () => {
      const { cancelled } = jsonOf<Counts>(await scene.call('odd__counts'));
      return cancelled === rounds * callers;
    });
    assert.equal(textOf(await scene.call('odd__pid')), pid, 'the server was replaced');
    await scene.assertWorks('odd');
    await scene.assertNothingLeft();
    const grown = residentMebibytes(scene.gateway.pid) - before;
    assert.ok(grown < 150, `grew by ${grown} MiB`);
  },
);

test('a client that gives up a hung call is not answered it, and its next call is answered with its own', async (t) => {
  const scene = await FaultyScene.start(t, { odd: { ...stdioFaulty(), callTimeoutMs: 60_000 } });
  const leaving = await RawSession.open(scene.gateway.url);
  const stop = new AbortController();
  const hung = assert.rejects(leaving.call('odd__hang', {}, stop.signal));
  const called = async (): Promise<number> =>
    jsonOf<Counts>(await scene.call('odd__counts')).called;
  await eventually('the call hung', 5_000, async () => (await called()) >= 2);
  await leaving.tell('notifications/cancelled', { requestId: 1, reason: 'no longer wanted' });
  await eventually('the server was told', 5_000, async () => {
    return jsonOf<Counts>(await scene.call('odd__counts')).cancelled === 1;
  });
  stop.abort();
  await hung;
  assert.equal(textOf(await leaving.call('odd__echo', { text: 'own' })), 'own');
});

test(
  'a server that is stuck in a call and reads nothing more is replaced once its callers were told, though it ignores cancellation',
  ON_LINUX,
  async (t) => {
    const odd = { ...stdioFaulty(), callTimeoutMs: 1_200, pingIntervalMs: 200, pingTimeoutMs: 300 };
    const scene = await FaultyScene.start(t, { odd });
    const stuck = processOf(Number(textOf(await scene.call('odd__pid'))));
    assert.ok(stuck);
    const answer = scene.call('odd__spin');
    const degraded = await scene.gateway.whenServer('odd', ({ phase }) => phase === 'degraded');
    assert.match(degraded.reason ?? '', /does not answer pings/u);
    await scene.assertOthersGoOn();
    assertRefused(
      await answer,
      'UPSTREAM_TIMEOUT',
      /"odd" did not answer tools\/call within 1200 ms/u,
    );
    await scene.gateway.whenServer(
      'odd',
      ({ phase, restarts }) => phase === 'ready' && restarts === 1,
    );
    await scene.assertWorks('odd');
    await eventually('the stuck process was gone', 5_000, () => !isRunning(stuck));
    await scene.assertNothingLeft();
  },
);
