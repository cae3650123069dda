import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { textOf } from '../support/gateway-session.ts';
import { eventually, ON_LINUX, residentMebibytes } from '../support/processes.ts';
import { FaultyScene, stdioFaulty } from '../support/stdio-faults.ts';

const TEXT = 'x'.repeat(1_000_000);
const AT_ONCE = 16;
const BURSTS = 6;
const MAX_TRIES = 5;
/** After so long V8 has given back what it does of itself. */
const SETTLED_MS = 4000;
/** What bursts must have left for the test to say anything. */
const LEFT_MEBIBYTES = 80;
/** The young generation has grown by 30, and the thread that counts tokens took 25. */
const BACK_MEBIBYTES = 50;
/** Quiet is half a minute; a busy machine takes its time to be quiet. */
const BACK_MS = 80_000;

test(
  'what bursts of large results took is given back to the system once the gateway is quiet, and it goes on working',
  ON_LINUX,
  async (t) => {
    const scene = await FaultyScene.start(t, { odd: stdioFaulty() });
    const { pid } = scene.gateway;
    const before = residentMebibytes(pid);
    const more = (): number => residentMebibytes(pid) - before;
    for (let left = MAX_TRIES; left > 0 && more() < LEFT_MEBIBYTES; left -= 1) {
      await bursts(scene);
      await sleep(SETTLED_MS);
    }
    const taken = more();
    t.diagnostic(`${before.toFixed(0)} MiB, and ${taken.toFixed(0)} MiB more after the bursts`);
    assert.ok(taken >= LEFT_MEBIBYTES, `the bursts left ${taken} MiB alone`);
    await eventually(
      'what the bursts took is given back',
      BACK_MS,
      () => more() < taken - BACK_MEBIBYTES,
      () => `${more()} MiB more than before`,
    );
    t.diagnostic(`${more().toFixed(0)} MiB more once it was quiet`);
    await scene.assertWorks('odd');
    await scene.assertOthersGoOn();
  },
);

async function bursts(scene: FaultyScene): Promise<void> {
  for (let burst = 0; burst < BURSTS; burst += 1) {
    const calls = Array.from({ length: AT_ONCE }, () => scene.call('odd__echo', { text: TEXT }));
    for (const answer of await Promise.all(calls)) assert.equal(textOf(answer), TEXT);
  }
}
