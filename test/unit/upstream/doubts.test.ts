import assert from 'node:assert/strict';
import test from 'node:test';
import { Doubts } from '../../../src/upstream/doubts.ts';

const MINUTE_MS = 60_000;

/** Doubts, and time that passes only when the test says so. */
function doubtsOf(): { doubts: Doubts; pass(ms: number): void } {
  let now = 0;
  return { doubts: new Doubts(() => now), pass: (ms) => (now += ms) };
}

test('each doubt lasts a minute from when it was noted last, and then nothing of it is kept', () => {
  const { doubts, pass } = doubtsOf();
  doubts.note('a', 'anne');
  pass(MINUTE_MS / 2);
  doubts.note('b', 'bert');
  doubts.note('a', 'anne');
  pass(MINUTE_MS - 1);
  assert.deepEqual([doubts.concernsOthersThan('anne'), doubts.size], [true, 2]);
  pass(1);
  assert.deepEqual([doubts.concernsOthersThan('anne'), doubts.size], [false, 0]);
});

test('what one did itself, and what was taken back, is no doubt', () => {
  const { doubts } = doubtsOf();
  doubts.note(1, 'anne');
  assert.deepEqual(
    ['anne', 'bert'].map((party) => doubts.concernsOthersThan(party)),
    [false, true],
  );
  doubts.drop(1);
  assert.equal(doubts.concernsOthersThan('bert'), false);
});

test('names that clients choose push nobody out of memory unnoticed: with too many, anybody may be meant', () => {
  const { doubts, pass } = doubtsOf();
  doubts.note('anne', 'anne');
  pass(1);
  for (let count = 0; count < 5000; count += 1) doubts.note(`id ${count}`, 'mallory');
  assert.ok(doubts.size <= 1000, String(doubts.size));
  assert.equal(doubts.concernsOthersThan('mallory'), true);
  pass(MINUTE_MS);
  assert.equal(doubts.concernsOthersThan('mallory'), false);
});
