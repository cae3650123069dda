import assert from 'node:assert/strict';
import test from 'node:test';
import { limitsBody } from '../../../src/admin/limits.ts';
import { Refusal } from '../../../src/kernel/refusals.ts';
import { budget, caller, limit, LimitScene } from '../guard/limits/scene.ts';

test('the page has every limit with its counts, as many as are asked for, or one limit alone', (t) => {
  const limits = [
    limit('day', { per: ['consumer'], budget: budget({ calls: 10 }) }),
    limit('flight', { concurrency: 4 }),
  ];
  const scene = new LimitScene(t, limits);
  for (const name of ['anna', 'bert', 'cleo']) scene.run(caller(name), 2);
  const reports = { limits: (top: number) => scene.limits.report(top) };
  const page = (query: string): { limits: { id: string; counts: number; top: unknown[] }[] } =>
    JSON.parse(limitsBody(reports, new URLSearchParams(query)));
  const whole = page('');
  assert.deepEqual(
    whole.limits.map(({ id, counts, top }) => [id, counts, top.length]),
    [
      ['day', 3, 3],
      ['flight', 0, 0],
    ],
  );
  assert.deepEqual(whole.limits[0]?.top[0], {
    for: { consumer: 'anna' },
    inFlight: 0,
    budget: {
      calls: { limit: 10, used: 2, left: 8 },
      since: '2026-11-04T00:00:00.000Z',
      resetsAt: '2026-11-05T00:00:00.000Z',
    },
  });
  assert.deepEqual(
    page('limit=day&top=1').limits.map(({ id, counts, top }) => [id, counts, top.length]),
    [['day', 3, 1]],
  );
  for (const query of ['limit=none', 'top=-1', 'top=1001', 'top=x', 'other=1'])
    assert.throws(
      () => page(query),
      (error: unknown) => error instanceof Refusal && error.code === 'PARAMS_INVALID',
      query,
    );
});
