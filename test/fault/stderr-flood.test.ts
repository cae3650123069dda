import assert from 'node:assert/strict';
import test from 'node:test';
import { FaultyScene, stdioFaulty } from '../support/stdio-faults.ts';
import { textOf } from '../support/gateway-session.ts';
import { eventually, ON_LINUX } from '../support/processes.ts';

const FLOODS: Readonly<Record<string, string>> = {
  'the shortest lines': 'x',
  'usual lines': 'an error that is not worth so many words, again and again and again',
  'lines above maxStderrBytes': 'x'.repeat(100_000),
};

for (const [what, words] of Object.entries(FLOODS))
  test(
    `standard error flooded with ${what}: the server and all others answer, memory and log stay small, and its end is taken well`,
    ON_LINUX,
    async (t) => {
      const scene = await FaultyScene.start(t, { odd: stdioFaulty() });
      assert.equal(textOf(await scene.call('odd__flood_stderr', { words })), 'flooding');
      const logged = scene.gateway.output().length;
      const { peak } = await scene.peakDuring(async () => {
        for (let count = 0; count < 8; count += 1) {
          await scene.assertOthersGoOn();
          assert.equal(textOf(await scene.call('odd__echo', { text: 'on' })), 'on');
        }
      });
      t.diagnostic(`${peak.toFixed(0)} MiB more at most`);
      assert.ok(peak < 150, `took ${peak} MiB`);
      const longest = Math.max(...scene.gateway.log('odd').map(({ msg }) => msg.length));
      assert.ok(longest < 1_000, `a log line of ${longest} characters`);
      t.diagnostic(`${scene.gateway.output().length - logged} bytes logged`);
      assert.equal(textOf(await scene.call('odd__stop_flood')), 'stopped');
      if (what !== 'lines above maxStderrBytes')
        await eventually('it was said that not all was logged', 10_000, () =>
          scene.gateway
            .log('odd')
            .some(({ msg }) => /stderr: too many lines at once: \d+ bytes/u.test(msg)),
        );
      await scene.assertWorks('odd');
      assert.equal((await scene.gateway.server('odd')).restarts, 0);
      await scene.assertNothingLeft();
    },
  );
