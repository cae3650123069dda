import assert from 'node:assert/strict';
import test from 'node:test';
import { ExactQuota } from '../../../../src/record/tokens/exact-quota.ts';

test('the first so many of a second are counted exactly, and what was not used is not saved up (R23)', () => {
  const quota = new ExactQuota();
  const taken = (now: number): number =>
    Array.from({ length: 50 }, () => quota.take(10, now)).filter(Boolean).length;
  assert.equal(taken(0), 10);
  assert.equal(taken(500), 0);
  assert.equal(taken(1000), 10);
  assert.equal(taken(60_000), 10);
});

test('none is counted exactly where the plan says none', () => {
  assert.equal(new ExactQuota().take(0, 1000), false);
});
