import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import test from 'node:test';
import { SKETCH_ACCURACY } from '../../src/kernel/sketch.ts';
import {
  DIMENSIONS,
  STEPS,
  type Dimension,
  type Latency,
  type UsageAnswer,
  type UsageQuery,
  type UsageRow,
} from '../../src/kernel/usage.ts';
import { batchOf, use, type Use } from '../support/usage-items.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, NOW, usageDatabases } from '../support/usage-stores.ts';

const RUNS = 10;
const SPAN_MS = 5 * DAY_MS;
const LENGTHS = { minute: MINUTE_MS, hour: HOUR_MS, day: DAY_MS, total: Infinity } as const;

/** Few moments, so that much falls into the same minute, hour and day. */
const AGO = [1, 90_000, HOUR_MS, 26 * HOUR_MS, 3 * DAY_MS, 3 * DAY_MS + 10 * MINUTE_MS];

const someUse = fc.record({
  at: fc
    .tuple(fc.constantFrom(...AGO), fc.nat(2 * MINUTE_MS))
    .map(([ago, more]) => NOW - ago - more),
  gatewayMs: fc.nat(10_000).map((us) => us / 1000),
  upstreamMs: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 90_000 })),
  tokens: fc.nat(5000),
  cost: fc.nat(1_000_000).map((millionths) => millionths / 1e6),
  series: fc.record({
    consumer: fc.constantFrom('', 'a', 'b'),
    tool: fc.constantFrom('t', 'u'),
    outcome: fc.constantFrom('ok', 'error'),
  }),
});

const someQuery = fc.record({
  step: fc.constantFrom(...STEPS),
  by: fc.subarray([...DIMENSIONS], { maxLength: 3 }),
  ends: fc.tuple(
    fc.integer({ min: NOW - SPAN_MS, max: NOW }),
    fc.integer({ min: NOW - SPAN_MS, max: NOW + HOUR_MS }),
  ),
  consumer: fc.option(fc.subarray(['', 'a', 'b'], { minLength: 1 }), { nil: undefined }),
});

const someCase = fc.record({
  batches: fc.array(fc.array(someUse, { minLength: 1, maxLength: 40 }), {
    minLength: 2,
    maxLength: 5,
  }),
  queries: fc.array(someQuery, { minLength: 2, maxLength: 3 }),
});

let runs = 0;

for (const { name, place } of usageDatabases())
  test(`${name}: whatever was used, what rollups say is what adding it all up says`, async (t) => {
    const store = (await place(t)).open();
    await fc.assert(
      fc.asyncProperty(someCase, async ({ batches, queries }) => {
        // Each case has a method of its own, so that one store serves for all.
        const method = `case ${(runs += 1)}`;
        const uses = batches.map((batch) =>
          batch.map((each) => use({ ...each, series: { ...each.series, method } })),
        );
        for (const batch of uses) await store.add(batchOf(batch));
        for (const { step, by, ends, consumer } of queries) {
          const query: UsageQuery = {
            from: Math.min(...ends),
            to: Math.max(...ends) + 1,
            step,
            by,
            filters: { method: [method], ...(consumer === undefined ? {} : { consumer }) },
            top: undefined,
            orderBy: 'calls',
          };
          assertNaive(await store.query(query), query, uses.flat());
        }
      }),
      { numRuns: RUNS },
    );
  });

/** Compares an answer with what is found by looking at every use. */
function assertNaive(answer: UsageAnswer, query: UsageQuery, uses: readonly Use[]): void {
  const { from, to, rows } = answer;
  if (answer.notes.length === 0)
    assert.ok(
      from <= query.from && from > query.from - DAY_MS,
      'the time is widened, at most to days',
    );
  assert.ok(to >= query.to && to < query.to + DAY_MS);
  const consumers = query.filters.consumer ?? ['', 'a', 'b'];
  const asked = uses.filter(
    ({ at, series }) => at >= from && at < to && consumers.includes(series.consumer),
  );
  const expected = new Map<string, Use[]>();
  for (const each of asked) {
    const length = LENGTHS[query.step];
    const at = query.step === 'total' ? undefined : Math.floor(each.at / length) * length;
    const key = keyOf(at, each.series, query.by);
    expected.set(key, [...(expected.get(key) ?? []), each]);
  }
  const found = new Map(rows.map((row) => [keyOf(row.at, row.series, query.by), row] as const));
  assert.deepEqual([...found.keys()].sort(), [...expected.keys()].sort());
  for (const [key, row] of found) assertRow(row, expected.get(key) ?? []);
}

function keyOf(
  at: number | undefined,
  series: Partial<Record<Dimension, string>>,
  by: readonly Dimension[],
): string {
  return JSON.stringify([at ?? null, ...by.map((dimension) => series[dimension])]);
}

function assertRow(row: UsageRow, uses: readonly Use[]): void {
  const asked = uses.filter(({ upstreamMs }) => upstreamMs > 0);
  const outcomes: Record<string, number> = {};
  for (const { series } of uses) outcomes[series.outcome] = (outcomes[series.outcome] ?? 0) + 1;
  assert.equal(row.calls, uses.length);
  assert.deepEqual({ ...row.outcomes }, outcomes);
  assert.equal(row.errors, uses.length - (outcomes['ok'] ?? 0));
  assert.equal(row.tokens.result, sum(uses.map(({ tokens }) => tokens)));
  assert.equal(row.upstreamMs.count, asked.length);
  assertSame(row.cost, sum(uses.map(({ cost }) => cost)));
  assertLatency(
    row.gatewayMs,
    uses.map(({ gatewayMs }) => gatewayMs),
  );
  assertLatency(
    row.upstreamMs,
    asked.map(({ upstreamMs }) => upstreamMs),
  );
}

function assertLatency(latency: Latency, values: readonly number[]): void {
  const sorted = values.toSorted((a, b) => a - b);
  const exact = (share: number): number | undefined =>
    sorted[Math.max(0, Math.ceil(share * sorted.length - 1e-6) - 1)];
  if (sorted.length === 0) {
    assert.deepEqual(
      { ...latency },
      { count: 0, mean: undefined, p50: undefined, p95: undefined, p99: undefined },
    );
    return;
  }
  assertSame(latency.mean, sum(values) / values.length);
  assertNear(latency.p50, exact(0.5));
  assertNear(latency.p95, exact(0.95));
  assertNear(latency.p99, exact(0.99));
}

/** The same but for the order in which fractions were added. */
function assertSame(actual: number | undefined, exact: number): void {
  assert.ok(
    Math.abs((actual ?? Number.NaN) - exact) <= 1e-9 * (1 + exact),
    `${actual} is not ${exact}`,
  );
}

/** Within the accuracy of a sketch, for which all below a microsecond is zero. */
function assertNear(actual: number | undefined, exact: number | undefined): void {
  assert.ok(actual !== undefined && exact !== undefined);
  const most = exact <= 0.001 ? 0.001 : exact * SKETCH_ACCURACY * (1 + 1e-9);
  assert.ok(Math.abs(actual - exact) <= most, `${actual} is not near ${exact}`);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, each) => total + each, 0);
}
