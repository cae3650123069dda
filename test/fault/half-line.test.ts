import assert from 'node:assert/strict';
import test from 'node:test';
import { assertRefused, FaultyScene, stdioFaulty } from '../support/stdio-faults.ts';
import { RawSession, textOf } from '../support/gateway-session.ts';
import { eventually, ON_LINUX } from '../support/processes.ts';

test(
  'half an answer and then the end: that call and no other is told how the server ended, and it is back',
  ON_LINUX,
  async (t) => {
    const scene = await FaultyScene.start(t, { odd: stdioFaulty() });
    const begin = performance.now();
    const answer = await scene.call('odd__half_then_exit', { code: 5 });
    assertRefused(
      answer,
      'UPSTREAM_LOST',
      /"odd" exited with code 5; tools\/call may or may not have run/u,
    );
    assert.ok(performance.now() - begin < 3_000, 'told late');
    await scene.assertOthersGoOn();
    // Nothing of the half line stands before the first line of the next process.
    await scene.assertWorks('odd');
    assert.equal((await scene.gateway.server('odd')).restarts, 1);
    await scene.assertNothingLeft();
  },
);

test(
  'half an answer and then silence: that call times out, so does the one whose answer is glued to it, and the next is answered',
  ON_LINUX,
  async (t) => {
    const scene = await FaultyScene.start(t, { odd: { ...stdioFaulty(), callTimeoutMs: 800 } });
    const half = scene.call('odd__half_then_silence');
    const other = await RawSession.open(scene.gateway.url);
    const glued = other.call('odd__echo', { text: 'glued' });
    await scene.assertOthersGoOn();
    for (const answer of [await half, await glued])
      assertRefused(answer, 'UPSTREAM_TIMEOUT', /did not answer tools\/call within 800 ms/u);
    await eventually(
      'the line that was no message was logged',
      5_000,
      () => scene.gateway.log('odd').some(({ msg }) => /not JSON-RPC: .*never\{.*glued/u.test(msg)),
      () => scene.gateway.log('odd').map(({ msg }) => msg),
    );
    await scene.assertWorks('odd');
    assert.equal((await scene.gateway.server('odd')).restarts, 0);
    await scene.assertNothingLeft();
  },
);

test('half an answer whose rest comes later is one answer', async (t) => {
  const scene = await FaultyScene.start(t, { odd: stdioFaulty() });
  const answer = scene.call('odd__half_then_rest', { ms: 700 });
  await scene.assertOthersGoOn();
  assert.equal(textOf(await answer), 'whole at last');
  await scene.assertWorks('odd');
});
