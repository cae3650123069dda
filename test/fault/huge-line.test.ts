import assert from 'node:assert/strict';
import test from 'node:test';
import { assertRefused, FaultyScene, stdioFaulty } from '../support/stdio-faults.ts';
import { textOf } from '../support/gateway-session.ts';
import { ON_LINUX } from '../support/processes.ts';

const LIMIT = 1_000_000;
const DEFAULT_LIMIT_MEBIBYTES = 128;
/** What a gateway takes to read a line at all: buffers that were read and not collected yet. */
const READING_MEBIBYTES = 100;

test(
  'a line of 1 GiB takes no more memory than maxMessageBytes, which is 128 MiB where nothing else is said',
  ON_LINUX,
  async (t) => {
    const scene = await FaultyScene.start(t, { odd: stdioFaulty() });
    const { peak, value } = await scene.peakDuring(() =>
      scene.call('odd__huge', { mebibytes: 1_024, ends: false }),
    );
    t.diagnostic(`${peak.toFixed(0)} MiB more at most`);
    assertRefused(
      value,
      'UPSTREAM_LOST',
      /sent a message of more than \d+ bytes \(maxMessageBytes is 134217728\)/u,
    );
    assert.ok(peak < DEFAULT_LIMIT_MEBIBYTES + READING_MEBIBYTES, `took ${peak} MiB`);
    await scene.assertOthersGoOn();
    await scene.assertWorks('odd');
    await scene.assertNothingLeft();
  },
);

for (const ends of [false, true]) {
  test(
    `a line of 1 GiB ${ends ? 'with' : 'without'} an end, and a limit of 1 MB: the call fails at once, other calls go on, memory stays`,
    ON_LINUX,
    async (t) => {
      const scene = await FaultyScene.start(t, {
        odd: { ...stdioFaulty(), maxMessageBytes: LIMIT },
      });
      const fits = 'x'.repeat(LIMIT - 1_000);
      assert.equal(textOf(await scene.call('odd__echo', { text: fits })).length, fits.length);
      const begin = performance.now();
      const { peak, value } = await scene.peakDuring(async () => {
        const huge = scene.call('odd__huge', { mebibytes: 1_024, ends });
        await scene.assertOthersGoOn();
        const answer = await huge;
        // Whatever more the server writes is not even read.
        await scene.assertWorks('odd');
        return answer;
      });
      t.diagnostic(`${peak.toFixed(0)} MiB more at most`);
      assertRefused(
        value,
        'UPSTREAM_LOST',
        /"odd" sent a message of more than \d+ bytes \(maxMessageBytes is 1000000\)/u,
      );
      assert.ok(performance.now() - begin < 10_000);
      assert.ok(peak < READING_MEBIBYTES, `took ${peak} MiB`);
      assert.equal((await scene.gateway.server('odd')).restarts, 1);
      await scene.assertNothingLeft();
    },
  );
}

test(
  'a message of twenty million empty objects, within maxMessageBytes, fails its call before it takes forty times its length',
  ON_LINUX,
  async (t) => {
    const scene = await FaultyScene.start(t, { odd: stdioFaulty() });
    const few = await scene.call('odd__tokens', { token: '{}', count: 1_000_000 });
    assert.equal(few.error, undefined);
    const { peak, value } = await scene.peakDuring(() =>
      scene.call('odd__tokens', { token: '{}', count: 20_000_000 }),
    );
    t.diagnostic(`${peak.toFixed(0)} MiB more at most`);
    assertRefused(value, 'UPSTREAM_LOST', /"odd" sent a message of more than 4000000 values/u);
    assert.ok(peak < 500, `took ${peak} MiB`);
    await scene.assertOthersGoOn();
    await scene.assertWorks('odd');
    await scene.assertNothingLeft();
  },
);
