import assert from 'node:assert/strict';
import test from 'node:test';
import type { TurnedAway } from '../../../src/kernel/entry.ts';
import { TurnedAwayCounter } from '../../../src/record/turned-away.ts';

interface Scene {
  readonly counter: TurnedAwayCounter;
  readonly reports: TurnedAway[];
  now: number;
}

function scene(now = 60_000): Scene {
  const reports: TurnedAway[] = [];
  const made: Scene = {
    now,
    reports,
    counter: new TurnedAwayCounter({
      now: () => made.now,
      report: (record) => reports.push(record),
    }),
  };
  return made;
}

test('the first of a kind is reported at once, the others of its minute as one record (R22)', () => {
  const made = scene();
  for (const at of [61_000, 62_000, 63_000, 64_000]) {
    made.now = at;
    made.counter.note('UNAUTHENTICATED', '10.0.0.1');
  }
  const first = {
    code: 'UNAUTHENTICATED',
    address: '10.0.0.1',
    principal: undefined,
    count: 1,
    firstAt: 61_000,
    lastAt: 61_000,
  };
  assert.deepEqual(made.reports, [first]);
  made.counter.close();
  assert.deepEqual(made.reports.slice(1), [
    { ...first, count: 3, firstAt: 62_000, lastAt: 64_000 },
  ]);
});

test('each address, each code and each minute is counted by itself (R22)', () => {
  const made = scene();
  made.counter.note('UNAUTHENTICATED', '10.0.0.1');
  made.counter.note('UNAUTHENTICATED', '10.0.0.2');
  made.counter.note('GUESSING', '10.0.0.1');
  made.counter.note('GUESSING', '10.0.0.1');
  made.now = 120_000;
  made.counter.note('GUESSING', '10.0.0.1');
  made.counter.close();
  assert.deepEqual(
    made.reports.map(({ code, address, count, firstAt }) => [code, address, count, firstAt]),
    [
      ['UNAUTHENTICATED', '10.0.0.1', 1, 60_000],
      ['UNAUTHENTICATED', '10.0.0.2', 1, 60_000],
      ['GUESSING', '10.0.0.1', 1, 60_000],
      ['GUESSING', '10.0.0.1', 1, 60_000],
      ['GUESSING', '10.0.0.1', 1, 120_000],
    ],
  );
});

test('a known caller is counted by who it is, apart from others at its address (R22)', () => {
  const made = scene();
  for (const principal of ['key:a', 'key:b', undefined, 'key:a'])
    made.counter.note('LIMITED', '10.0.0.1', principal);
  made.counter.close();
  const seen = made.reports.map(({ principal, count }) => [principal, count]);
  assert.deepEqual(seen, [
    ['key:a', 1],
    ['key:b', 1],
    [undefined, 1],
    ['key:a', 1],
  ]);
});

test('a single one is not reported twice', () => {
  const made = scene();
  made.counter.note('UNAUTHENTICATED', undefined);
  made.counter.close();
  made.counter.close();
  assert.equal(made.reports.length, 1);
});

test('from a thousand addresses a minute on, addresses are not kept, and none goes uncounted (R22)', () => {
  const made = scene();
  for (let index = 0; index < 50_000; index += 1) made.counter.note('UNAUTHENTICATED', `a${index}`);
  made.counter.close();
  assert.ok(made.reports.length < 1010, `${made.reports.length} records`);
  assert.equal(
    made.reports.reduce((sum, { count }) => sum + count, 0),
    50_000,
  );
  assert.ok(made.reports.some(({ address, count }) => address === undefined && count > 48_000));
});

test('the end of the minute is enough for the rest to be reported', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const made = scene(90_000);
  made.counter.note('UNAUTHENTICATED', '::1');
  made.counter.note('UNAUTHENTICATED', '::1');
  t.mock.timers.tick(29_999);
  assert.equal(made.reports.length, 1);
  t.mock.timers.tick(1);
  assert.equal(made.reports.length, 2);
});
