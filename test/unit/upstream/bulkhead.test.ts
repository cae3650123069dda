import assert from 'node:assert/strict';
import test from 'node:test';
import { Cancelled } from '../../../src/kernel/answer.ts';
import { Cancellation } from '../../../src/kernel/exchange.ts';
import { Bulkhead } from '../../../src/upstream/bulkhead.ts';

const LONG_MS = 60_000;

function bulkheadOf(max: number, maxQueued = 100): Bulkhead {
  return new Bulkhead({ upstream: 'it', max, setting: 'maxInFlight', maxQueued });
}

/** Has calls wait, by caller and name; the names in the order they are served. */
function queue(bulkhead: Bulkhead, ...calls: readonly string[]): string[] {
  const served: string[] = [];
  for (const call of calls) {
    const caller = call.split(' ', 1)[0] ?? '';
    void bulkhead.wait(caller, LONG_MS, new Cancellation()).then(() => served.push(call));
  }
  return served;
}

async function leaveAll(bulkhead: Bulkhead): Promise<void> {
  while (bulkhead.taken > 0) {
    bulkhead.leave();
    await Promise.resolve();
    await Promise.resolve();
  }
}

test('so many places are given, and one that is left is given again', () => {
  const bulkhead = bulkheadOf(2);
  assert.deepEqual([bulkhead.take(), bulkhead.take(), bulkhead.take()], [true, true, false]);
  bulkhead.leave();
  assert.deepEqual([bulkhead.take(), bulkhead.take(), bulkhead.taken], [true, false, 2]);
});

test('callers take turns, each one’s own calls first come first, and nobody is overtaken by who comes later', async () => {
  const bulkhead = bulkheadOf(1);
  bulkhead.take();
  const served = queue(bulkhead, 'a 1', 'a 2', 'a 3', 'b 1', 'c 1', 'b 2');
  bulkhead.leave();
  assert.equal(bulkhead.take(), false, 'the place was for who waited');
  await leaveAll(bulkhead);
  assert.deepEqual(served, ['a 1', 'b 1', 'c 1', 'a 2', 'b 2', 'a 3']);
  assert.deepEqual([bulkhead.taken, bulkhead.queued], [0, 0]);
});

test('what is under way already takes a place beyond the last, and none is given before all beyond are left', async () => {
  const bulkhead = bulkheadOf(2);
  for (const take of [1, 2]) assert.ok(bulkhead.take(), String(take));
  // Both wait for their clients, two others get the places, then both go on.
  bulkhead.leave();
  bulkhead.leave();
  for (const take of [3, 4]) assert.ok(bulkhead.take(), String(take));
  bulkhead.takeAnyhow();
  bulkhead.takeAnyhow();
  const served = queue(bulkhead, 'a 1');
  bulkhead.leave();
  bulkhead.leave();
  await Promise.resolve();
  assert.deepEqual([served, bulkhead.taken], [[], 2]);
  bulkhead.leave();
  await Promise.resolve();
  assert.deepEqual([served, bulkhead.taken], [['a 1'], 2]);
});

test('who is cancelled, or waits too long, leaves the queue and takes no place', async () => {
  const bulkhead = bulkheadOf(1);
  bulkhead.take();
  const signal = new Cancellation();
  const cancelled = bulkhead.wait('a', LONG_MS, signal);
  const late = bulkhead.wait('a', 20, new Cancellation());
  signal.cancel('no longer wanted');
  await assert.rejects(cancelled, Cancelled);
  await assert.rejects(late, { code: 'UPSTREAM_BUSY', message: /for 20 ms.*not sent/u });
  const gone = new Cancellation();
  gone.cancel('before it came');
  await assert.rejects(bulkhead.wait('a', LONG_MS, gone), Cancelled);
  bulkhead.leave();
  assert.deepEqual([bulkhead.taken, bulkhead.queued, bulkhead.take()], [0, 0, true]);
  assert.deepEqual(bulkhead.turnedDown, { full: 0, late: 1 });
});

test('no more than maxQueued wait, those for their server included where that is more than there is room for', async () => {
  const bulkhead = bulkheadOf(1, 1);
  bulkhead.take();
  const served = queue(bulkhead, 'a 1');
  await assert.rejects(bulkhead.wait('b', LONG_MS, new Cancellation()), { code: 'UPSTREAM_BUSY' });
  await assert.rejects(
    bulkhead.elsewhere(() => Promise.resolve()),
    { code: 'UPSTREAM_BUSY', message: /1 under way \(maxInFlight\) and 1 waiting \(maxQueued\)/u },
  );
  await leaveAll(bulkhead);
  assert.equal(await bulkhead.elsewhere(() => Promise.resolve('a link')), 'a link');
  await assert.rejects(
    bulkhead.elsewhere(() => Promise.reject(new Error('no link'))),
    /no link/u,
  );
  await bulkhead.elsewhere(() => bulkhead.elsewhere(() => Promise.resolve()));
  assert.deepEqual([served, bulkhead.turnedDown], [['a 1'], { full: 2, late: 0 }]);
});

test('all who wait can be refused at once, each with an error of its own', async () => {
  const bulkhead = bulkheadOf(1);
  bulkhead.take();
  const waiting = ['a', 'a', 'b'].map((caller) =>
    bulkhead.wait(caller, LONG_MS, new Cancellation()),
  );
  let made = 0;
  bulkhead.refuseAll(() => new Error(`no ${(made += 1)}`));
  const outcomes = await Promise.allSettled(waiting);
  const reasons = outcomes.map((each) => each.status === 'rejected' && String(each.reason));
  assert.deepEqual(reasons, ['Error: no 1', 'Error: no 2', 'Error: no 3']);
  bulkhead.leave();
  assert.equal(bulkhead.taken, 0);
});

test('a caller that fills the queue keeps no room in it from others: the latest call of whoever has most waiting gives way', async () => {
  const bulkhead = bulkheadOf(1, 4);
  bulkhead.take();
  const flood = ['1', '2', '3', '4'].map((call) =>
    bulkhead.wait('a', LONG_MS, new Cancellation()).then(() => call),
  );
  await assert.rejects(bulkhead.wait('a', LONG_MS, new Cancellation()), { code: 'UPSTREAM_BUSY' });
  const served = queue(bulkhead, 'b 1', 'b 2');
  await assert.rejects(flood[3] ?? Promise.resolve(), { code: 'UPSTREAM_BUSY' });
  await assert.rejects(flood[2] ?? Promise.resolve(), { code: 'UPSTREAM_BUSY' });
  // Who has as many waiting as any other makes no room for itself.
  await assert.rejects(bulkhead.wait('b', LONG_MS, new Cancellation()), { code: 'UPSTREAM_BUSY' });
  assert.deepEqual([bulkhead.queued, bulkhead.turnedDown.full], [4, 4]);
  await leaveAll(bulkhead);
  assert.deepEqual([await flood[0], await flood[1], served], ['1', '2', ['b 1', 'b 2']]);
});
