import assert from 'node:assert/strict';
import test, { mock } from 'node:test';
import { Chatter } from '../../../src/upstream/chatter.ts';

test('three thousand lines within a second are admitted and no more; the next second has room again', () => {
  let now = 0;
  const chatter = new Chatter(
    () => undefined,
    () => now,
  );
  const admitted = (count: number): number =>
    Array.from({ length: count }, () => chatter.admits(10)).filter(Boolean).length;
  assert.equal(chatter.spentForMs, 0);
  assert.equal(admitted(2_999), 2_999);
  assert.equal(chatter.spentForMs, 0);
  now = 400;
  assert.equal(admitted(5), 1);
  assert.equal(chatter.spentForMs, 600);
  now = 1_000;
  assert.equal(chatter.spentForMs, 0);
  assert.equal(admitted(5_000), 3_000);
});

test('what was left out is told as one number of bytes, also when nothing comes any more', (t) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.after(() => mock.timers.reset());
  const told: number[] = [];
  const chatter = new Chatter(
    (bytes) => told.push(bytes),
    () => 0,
  );
  for (let count = 0; count < 3_002; count += 1) chatter.admits(7);
  chatter.leaveOut(100);
  mock.timers.tick(1_000);
  assert.deepEqual(told, [114]);
  mock.timers.tick(10_000);
  assert.deepEqual(told, [114]);
});
