import assert from 'node:assert/strict';
import test from 'node:test';
import { assertRefused, FaultyScene, stdioFaulty } from '../support/stdio-faults.ts';
import { textOf } from '../support/gateway-session.ts';
import { ON_LINUX } from '../support/processes.ts';

/** Every length a character can have in UTF-8. */
const ALL_LENGTHS = 'a\u00e9\u20ac\u{1f30d}';

test(
  'an answer that comes one byte at a time arrives whole, and nobody else waits for it',
  ON_LINUX,
  async (t) => {
    const scene = await FaultyScene.start(t, { odd: stdioFaulty() });
    const text = ALL_LENGTHS.repeat(20);
    const slow = scene.call('odd__dribble', { text, size: 1, everyMs: 5 });
    await scene.assertOthersGoOn();
    assert.equal(textOf(await slow), text);
    assert.equal((await scene.gateway.server('odd')).restarts, 0);
    await scene.assertWorks('odd');
    await scene.assertNothingLeft();
  },
);

test('a long answer in small pieces with pauses between arrives whole', async (t) => {
  const scene = await FaultyScene.start(t, { odd: stdioFaulty() });
  const text = ALL_LENGTHS.repeat(10_000);
  const answer = await scene.call('odd__dribble', { text, size: 777, everyMs: 1 });
  assert.equal(textOf(answer), text);
});

test(
  'a long answer that comes byte by byte arrives whole and takes little memory',
  ON_LINUX,
  async (t) => {
    const scene = await FaultyScene.start(t, { odd: { ...stdioFaulty(), callTimeoutMs: 60_000 } });
    const text = 'x'.repeat(400_000);
    // The first one shows what it costs to receive that many pieces at all.
    await scene.call('odd__crumble', { text: 'x'.repeat(50_000), size: 1 });
    const { peak, value } = await scene.peakDuring(() =>
      scene.call('odd__crumble', { text, size: 1 }),
    );
    assert.equal(textOf(value).length, text.length);
    t.diagnostic(`${peak.toFixed(0)} MiB more at most`);
    assert.ok(peak < 60, `took ${peak} MiB`);
  },
);

test(
  'an answer too slow for callTimeoutMs is refused; what comes of it later is no one else’s',
  ON_LINUX,
  async (t) => {
    const scene = await FaultyScene.start(t, { odd: { ...stdioFaulty(), callTimeoutMs: 700 } });
    const begin = performance.now();
    const text = 'late'.repeat(100);
    const answer = await scene.call('odd__dribble', { text, size: 10, everyMs: 40 });
    assertRefused(answer, 'UPSTREAM_TIMEOUT', /"odd" did not answer tools\/call within 700 ms/u);
    assert.ok(performance.now() - begin < 3_500);
    await scene.assertOthersGoOn();
    // Its rest is still on its way when these are asked, or has just come.
    for (let count = 0; count < 20; count += 1) {
      const each = await scene.call('odd__echo', { text: `mine ${count}` });
      if (each.error === undefined) assert.equal(textOf(each), `mine ${count}`);
    }
    await scene.assertWorks('odd');
    assert.equal((await scene.gateway.server('odd')).restarts, 0);
    await scene.assertNothingLeft();
  },
);
