import assert from 'node:assert/strict';
import test from 'node:test';
import { Budget } from '../../../../src/guard/limits/budget.ts';
import { DAY, HOUR, NOON } from './scene.ts';

const MIDNIGHT = NOON + 12 * HOUR;

function made(): { readonly budget: Budget; readonly charged: Budget[] } {
  const charged: Budget[] = [];
  const onCharged = (budget: Budget): void => void charged.push(budget);
  return { budget: new Budget({ counted: 'c', key: 'k', unit: 'day', onCharged }, NOON), charged };
}

const ONE = { calls: 1, tokens: 10, cost: 0.5 };

test('what the store says comes beside what is not saved yet, and in its place once it is', () => {
  const { budget, charged } = made();
  budget.charge(ONE, NOON);
  const row = { counted: 'c', key: 'k', startsAt: MIDNIGHT - DAY, endsAt: MIDNIGHT };
  assert.deepEqual([budget.unsaved(), charged], [{ ...row, ...ONE }, [budget]]);
  budget.put({ ...row, calls: 5, tokens: 100, cost: 2 }, NOON);
  assert.deepEqual(budget.used, { calls: 6, tokens: 110, cost: 2.5 });
  budget.saved();
  budget.put({ ...row, calls: 6, tokens: 110, cost: 2.5 }, NOON);
  assert.deepEqual(budget.used, { calls: 6, tokens: 110, cost: 2.5 });
  assert.deepEqual(budget.unsaved(), { ...row, calls: 0, tokens: 0, cost: 0 });
});

test('what the store says of another window changes nothing', () => {
  const { budget } = made();
  budget.charge(ONE, NOON);
  const later = { counted: 'c', key: 'k', startsAt: MIDNIGHT + DAY, endsAt: MIDNIGHT + 2 * DAY };
  budget.put({ ...later, calls: 9, tokens: 9, cost: 9 }, NOON);
  budget.put(
    {
      ...later,
      startsAt: MIDNIGHT - 2 * DAY,
      endsAt: MIDNIGHT - DAY,
      calls: 9,
      tokens: 9,
      cost: 9,
    },
    NOON,
  );
  assert.deepEqual(budget.used, ONE);
  assert.equal(budget.at(MIDNIGHT).isUnused, true);
  assert.deepEqual(
    budget.unsaved().calls,
    0,
    'what a window that is over left unsaved matters to nobody',
  );
});
