import assert from 'node:assert/strict';
import test, { mock } from 'node:test';
import type { Refusal } from '../../../src/kernel/refusals.ts';
import type { UpstreamLimits } from '../../../src/kernel/plan.ts';
import { Backoff } from '../../../src/upstream/backoff.ts';
import type { Link } from '../../../src/upstream/link.ts';
import { Slots } from '../../../src/upstream/slots.ts';
import { Standing } from '../../../src/upstream/standing.ts';

const LINK = {} as Link;
const none = (): undefined => undefined;

function standingAt(now = { ms: 1000 }): { standing: Standing; changes: string[] } {
  const changes: string[] = [];
  const standing: Standing = new Standing({
    name: 'it',
    now: () => now.ms,
    scrub: (text) => text.replaceAll('secret', '***'),
    onChange: () => changes.push(standing.phase),
  });
  return { standing, changes };
}

test('a phase is told once, with since when and why', () => {
  const now = { ms: 1000 };
  const { standing, changes } = standingAt(now);
  assert.deepEqual([standing.phase, standing.since], ['starting', 1000]);
  now.ms = 2000;
  standing.well();
  standing.well();
  now.ms = 3000;
  standing.complain('pings', 'does not answer pings');
  assert.equal(standing.reason, 'does not answer pings');
  standing.complain('pings', undefined);
  assert.deepEqual(changes, ['ready', 'degraded', 'ready']);
  assert.equal(standing.since, 3000);
});

test('a server is well again only when the last complaint is taken back', () => {
  const { standing } = standingAt();
  standing.well();
  standing.complain('names', 'a name is taken');
  standing.complain('lists', 'lists cannot be read');
  assert.equal(standing.reason, 'a name is taken; lists cannot be read');
  standing.complain('names', undefined);
  assert.deepEqual([standing.phase, standing.reason], ['degraded', 'lists cannot be read']);
  standing.complain('lists', undefined);
  assert.deepEqual([standing.phase, standing.reason], ['ready', undefined]);
});

test('a complaint about a server that is not up waits until it is', () => {
  const { standing } = standingAt();
  standing.complain('names', 'a name is taken');
  assert.equal(standing.phase, 'starting');
  standing.well();
  assert.equal(standing.phase, 'degraded');
});

test('reasons hold no secret, and the detail is for the operator alone', async () => {
  const { standing } = standingAt();
  standing.set('failed', 'broke with secret', 'said: secret');
  assert.equal(standing.reason, 'broke with ***; said: ***');
  await assert.rejects(standing.whenUp(10, none), (error: Refusal) => {
    assert.equal(error.message, 'Server "it" is failed: broke with ***.');
    return error.code === 'UPSTREAM_UNAVAILABLE';
  });
});

test('calls wait for a server that is starting and are let go when it is up (R14)', async () => {
  const { standing } = standingAt();
  const waiting = [standing.whenUp(5000, none), standing.whenUp(5000, none)];
  standing.up(LINK);
  assert.deepEqual(await Promise.all(waiting), [LINK, LINK]);
  assert.equal(await standing.whenUp(0, () => LINK), LINK);
});

for (const phase of ['failed', 'stopped', 'pending-input', 'pending-auth'] as const) {
  test(`calls that wait are refused when the server is ${phase}, later ones at once`, async () => {
    const { standing } = standingAt();
    const waiting = standing.whenUp(60_000, none);
    standing.set(phase, 'so it is');
    await assert.rejects(waiting, { code: 'UPSTREAM_UNAVAILABLE' });
    await assert.rejects(standing.whenUp(60_000, none), { code: 'UPSTREAM_UNAVAILABLE' });
  });
}

test('a call waits no longer than it is told to', async () => {
  const { standing } = standingAt();
  await assert.rejects(standing.whenUp(20, none), { code: 'UPSTREAM_UNAVAILABLE' });
  standing.up(LINK);
});

test('the end of a link says what it means: credentials wanted, restarted, or failed', () => {
  for (const [kind, isTransient, phase, reason] of [
    ['unauthorized', true, 'pending-auth', /credentials under "headers"/u],
    ['broken', true, 'starting', /is being restarted: it went/u],
    ['broken', false, 'failed', /^went$/u],
  ] as const) {
    const { standing } = standingAt();
    standing.down({ kind, message: 'went' }, isTransient);
    assert.equal(standing.phase, phase);
    assert.match(standing.reason ?? '', reason);
  }
});

test('restarts are counted from the second time it comes up', () => {
  const { standing } = standingAt();
  assert.deepEqual([standing.wasUp, standing.restarts], [false, 0]);
  standing.up(LINK);
  assert.deepEqual([standing.wasUp, standing.restarts], [true, 0]);
  standing.up(LINK);
  assert.equal(standing.restarts, 1);
});

test('pauses double from the least to the longest; a long life begins anew', () => {
  const backoff = new Backoff({ restartMinMs: 250, restartMaxMs: 1500 } as UpstreamLimits);
  assert.deepEqual(
    [0, 0, 0, 0, 0].map((lived) => backoff.after(lived)),
    [250, 500, 1000, 1500, 1500],
  );
  assert.equal(backoff.failures, 5);
  assert.equal(backoff.after(60_000), 250);
  assert.equal(backoff.failures, 1);
});

test('a pause is over after its time, or when it is ended', async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.after(() => mock.timers.reset());
  const backoff = new Backoff({ restartMinMs: 1, restartMaxMs: 1 } as UpstreamLimits);
  let isOver = false;
  const pause = backoff.pause(1000).then(() => (isOver = true));
  mock.timers.tick(999);
  assert.equal(isOver, false);
  backoff.wake();
  await pause;
  assert.equal(isOver, true);
});

test('no more run at once than there are places, and each place is given back once', async () => {
  const slots = new Slots(2);
  const [one, two] = [await slots.take(), await slots.take()];
  const order: string[] = [];
  const third = slots.take().then((back) => {
    order.push('third');
    return back;
  });
  const fourth = slots.take().then((back) => {
    order.push('fourth');
    return back;
  });
  one();
  one();
  await third;
  await Promise.resolve();
  assert.deepEqual(order, ['third']);
  two();
  (await fourth)();
  assert.deepEqual(order, ['third', 'fourth']);
});
