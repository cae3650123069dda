import assert from 'node:assert/strict';
import test from 'node:test';
import { textOf } from '../support/gateway-session.ts';
import { eventually, ON_LINUX, residentMebibytes } from '../support/processes.ts';
import { FaultyScene, stdioFaulty } from '../support/stdio-faults.ts';

const TEXT = 'x'.repeat(1_000_000);
const AT_ONCE = 16;
const MAX_BURSTS = 60;
/** What bursts must have taken for the test to say anything. */
const TAKEN_MEBIBYTES = 100;
/** What a gateway may keep of it: the C library gives back less than V8 does. */
const KEPT_SHARE = 0.5;
/** Quiet is half a minute; a busy machine takes its time to be quiet. */
const BACK_MS = 120_000;

test(
  'what bursts of large results took is given back to the system once the gateway is quiet, and it goes on working',
  ON_LINUX,
  async (t) => {
    const scene = await FaultyScene.start(t, { odd: stdioFaulty() });
    const { pid } = scene.gateway;
    const before = residentMebibytes(pid);
    let taken = 0;
    // Garbage is collected between them too, on a busy machine more of it.
    for (let burst = 0; burst < MAX_BURSTS && taken < TAKEN_MEBIBYTES; burst += 1) {
      const calls = Array.from({ length: AT_ONCE }, () => scene.call('odd__echo', { text: TEXT }));
      for (const answer of await Promise.all(calls)) assert.equal(textOf(answer), TEXT);
      taken = residentMebibytes(pid) - before;
    }
    t.diagnostic(`${before.toFixed(0)} MiB, and ${taken.toFixed(0)} MiB more after the bursts`);
    assert.ok(taken >= TAKEN_MEBIBYTES, `the bursts took ${taken} MiB alone`);
    await eventually(
      'what the bursts took is given back',
      BACK_MS,
      () => residentMebibytes(pid) - before < KEPT_SHARE * taken,
      () => `${residentMebibytes(pid) - before} MiB more than before`,
    );
    t.diagnostic(`${(residentMebibytes(pid) - before).toFixed(0)} MiB more once it was quiet`);
    await scene.assertWorks('odd');
    await scene.assertOthersGoOn();
  },
);
