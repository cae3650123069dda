import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';

import { TokenDesk } from '../../../../src/record/tokens/token-desk.ts';
import { answering, deskScene, settled, settledAll } from './desks.ts';
import { tokensPlan } from './plans.ts';
import { referenceCount } from '../../../support/reference-count.ts';

test('R23: where the thread dies, what waits is estimated, each exactly once, and another thread counts later', async (t) => {
  const { desk, workers, faults } = deskScene(t, { maxQueue: 20_000 });
  await settled(desk, answering('first'));
  const entries = Array.from({ length: 5000 }, (_, at) => answering(`number ${at} of many`));
  const all = settledAll(desk, entries);
  await workers[0]?.terminate();
  const { calls, spent } = await all;
  assert.ok(calls.every((count) => count === 1));
  assert.ok(spent.some((spending) => spending?.tokens.isEstimate === true));
  assert.equal(faults.length, 1);
  const again = await countedAgain(desk);
  assert.equal(again, referenceCount('counted again'));
  assert.equal(workers.length, 2);
  const { waiting, counted, estimated } = desk.counts();
  assert.equal(waiting, 0);
  assert.ok(counted >= 2 && estimated >= 1);
});

/** Settles until it is counted: a thread is started again after a while. */
async function countedAgain(desk: TokenDesk): Promise<number> {
  for (;;) {
    const spending = await settled(desk, answering('counted again'));
    if (spending?.tokens.isEstimate === false) return spending.tokens.result;
    await pause(20);
  }
}

test('a thread that cannot be started costs estimates, not exchanges', async () => {
  const faults: string[] = [];
  const desk = new TokenDesk({
    plan: () => tokensPlan({ model: { provider: '', id: 'gpt-5' } }),
    onFault: (why) => faults.push(why),
    startWorker: () => {
      throw new Error('no more threads');
    },
  });
  for (const text of ['one', 'two'])
    assert.equal((await settled(desk, answering(text)))?.tokens.isEstimate, true);
  assert.deepEqual(faults, ['Error: no more threads']);
  await desk.close();
});

test('R23: a thread that does not answer in time is ended, and what it was to count is estimated', async () => {
  const faults: string[] = [];
  const stuck: Worker[] = [];
  const desk = new TokenDesk({
    plan: () => tokensPlan({ model: { provider: '', id: 'gpt-5' } }),
    onFault: (why) => faults.push(why),
    startWorker: () => {
      const worker = new Worker('for (;;);', { eval: true });
      stuck.push(worker);
      return worker;
    },
    batchMs: 200,
  });
  const ended = new Promise((resolve) => {
    desk.settle(answering('one'), (spending) => {
      assert.equal(spending?.tokens.isEstimate, true);
      stuck[0]?.once('exit', resolve);
    });
  });
  await ended;
  assert.deepEqual(faults, ['it took longer than 200 ms']);
  await desk.close();
});

test('no queue means that all that was not counted before is estimated', (t) => {
  const { desk, workers } = deskScene(t, { maxQueue: 0 });
  let calls = 0;
  desk.settle(answering('hello'), () => {
    calls += 1;
  });
  assert.equal(calls, 1);
  assert.equal(workers.length, 0);
});

test('texts that wait are bounded by their length together, whatever the queue may hold', async (t) => {
  const { desk } = deskScene(t, { maxQueue: 100_000, maxExactBytes: 10_000_000 });
  const megabyte = 'a bc '.repeat(200_000);
  const entries = Array.from({ length: 40 }, (_, at) => answering(`${at} ${megabyte}`));
  const { calls, spent } = await settledAll(desk, entries);
  assert.ok(calls.every((count) => count === 1));
  assert.equal(spent.filter((spending) => spending?.tokens.isEstimate === true).length, 7);
});

test('what goes wrong with one exchange keeps no other from being told', async (t) => {
  const { desk, faults } = deskScene(t);
  desk.settle(answering('bad'), () => {
    throw new Error('a sink failed');
  });
  const spending = await settled(desk, answering('good'));
  assert.equal(spending?.tokens.result, 1);
  assert.deepEqual(faults, ['Error: a sink failed']);
});

test('closing settles what waits, with counts where there is time, and ends the thread', async (t) => {
  const { desk, workers } = deskScene(t);
  await settled(desk, answering('first'));
  const all = settledAll(
    desk,
    Array.from({ length: 200 }, (_, at) => answering(`at the end ${at}`)),
  );
  const ended = new Promise((resolve) => workers[0]?.once('exit', resolve));
  await desk.close();
  assert.equal(desk.counts().waiting, 0);
  const { calls, spent } = await all;
  assert.ok(calls.every((count) => count === 1));
  assert.ok(spent.every((spending) => spending?.tokens.isEstimate === false));
  await ended;
});

test('closing is bounded: what is not counted by then is estimated', async (t) => {
  const { desk, workers } = deskScene(t);
  const spending = settled(desk, answering('while the thread starts'));
  // A thread that never answers: it is stopped in the middle of its start.
  await new Promise((resolve) => setImmediate(resolve));
  workers[0]?.removeAllListeners('message');
  await desk.close();
  assert.equal((await spending)?.tokens.isEstimate, true);
});

test('after closing, and closing twice, everything is estimated at once', async (t) => {
  const { desk } = deskScene(t);
  await Promise.all([desk.close(), desk.close()]);
  let isEstimate: boolean | undefined;
  desk.settle(answering('late'), (spending) => {
    isEstimate = spending?.tokens.isEstimate;
  });
  assert.equal(isEstimate, true);
  assert.deepEqual(await desk.count(['late'], 'o200k_base'), { counts: [1], isEstimate: true });
});
