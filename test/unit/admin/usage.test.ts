import assert from 'node:assert/strict';
import test from 'node:test';
import { usageQuery } from '../../../src/admin/usage-query.ts';
import { usageBody } from '../../../src/admin/usage.ts';
import type { UsageAnswer, UsageQuery } from '../../../src/kernel/usage.ts';
import { DAY_MS, HOUR_MS, NOW } from '../../support/usage-stores.ts';

const CALLS = [
  'tools/call',
  'prompts/get',
  'resources/read',
  'completion/complete',
  'tasks/get',
  'tasks/result',
  'tasks/cancel',
  'tasks/update',
  'tasks/list',
];

function queryOf(text: string): UsageQuery {
  return usageQuery(new URLSearchParams(text), NOW);
}

test('without parameters all calls of the last day are asked for, in one row', () => {
  assert.deepEqual(queryOf(''), {
    from: NOW - DAY_MS,
    to: NOW,
    step: 'total',
    by: [],
    filters: { method: CALLS },
    top: undefined,
    orderBy: 'calls',
  });
});

test('every parameter is read', () => {
  const text =
    'last=36h&step=hour&by=consumer,%20tool,consumer&server=a&server=b,c&tool=&top=5&orderBy=cost';
  assert.deepEqual(queryOf(text), {
    from: NOW - 36 * HOUR_MS,
    to: NOW,
    step: 'hour',
    by: ['consumer', 'tool'],
    filters: { server: ['a', 'b,c'], tool: [''], method: CALLS },
    top: 5,
    orderBy: 'cost',
  });
});

test('a time is given by its ends, days and moments, or by its length up to an end', () => {
  const day = Date.UTC(2026, 10, 1);
  const spans: [text: string, from: number, to: number][] = [
    ['from=2026-11-01', day, NOW],
    ['from=2026-11-01&to=2026-11-02T08:30Z', day, day + DAY_MS + 8.5 * HOUR_MS],
    ['from=2026-11-01T01:00%2B01:00&to=2026-11-02', day, day + DAY_MS],
    ['to=2026-11-02&last=1d', day, day + DAY_MS],
    ['to=2026-11-02', day, day + DAY_MS],
    ['last=90m', NOW - 1.5 * HOUR_MS, NOW],
    ['last=2w', NOW - 14 * DAY_MS, NOW],
  ];
  for (const [text, from, to] of spans) {
    const query = queryOf(text);
    assert.deepEqual([query.from, query.to], [from, to], text);
  }
});

test('methods that are no calls are asked for by name, by a star, or by a division', () => {
  assert.deepEqual(queryOf('method=tools/list').filters, { method: ['tools/list'] });
  assert.deepEqual(queryOf('method=*').filters, {});
  assert.deepEqual(queryOf('by=method').filters, {});
});

const BAD: readonly [text: string, message: RegExp][] = [
  ['from=yesterday', /^query parameter from: give a day such as 2026-11-20/],
  ['from=2026-13-01', /^query parameter from: give a day/],
  ['to=2026-11-20T08:00', /^query parameter to: give a day/],
  ['from=2026-11-20&to=2026-11-20', /^query parameter from: this is not before query parameter to/],
  ['from=2099-01-01', /^query parameter from: this is not before/],
  ['from=2026-11-01&last=1d', /^query parameter last: give this or query parameter from, not both/],
  ['last=7', /^query parameter last: give a time such as 7d/],
  ['last=0d', /^query parameter last: give a time/],
  ['step=week', /^query parameter step: give minute, hour, day, total\./],
  ['by=server,user', /^query parameter by: give consumer, client, server, tool, method, outcome\./],
  ['orderBy=name', /^query parameter orderBy: give calls, errors/],
  ['top=0', /^query parameter top: give a number from 1 to 1000/],
  ['top=1e3', /^query parameter top: give a number/],
  ['step=day&step=hour', /^query parameter step: give it once/],
  ['user=me', /^query parameter user: is not known; known are from, to, last, /],
  [`tool=${'x'.repeat(201)}`, /^query parameter tool: give at most 200 characters/],
  ['tool=x&'.repeat(51), /^query parameter tool: give at most 50/],
];

for (const [text, message] of BAD)
  test(`"${text.slice(0, 40)}" is refused, saying what is wrong and what to give`, () => {
    assert.throws(() => queryOf(text), { code: 'PARAMS_INVALID', message });
  });

test('the name of a parameter nobody knows is told no longer than it is read', () => {
  const name = 'x'.repeat(10_000);
  assert.throws(
    () => queryOf(`${name}=1`),
    (error: Error) => error.message.length < 500,
  );
});

test('an answer is JSON: moments as text, times to the microsecond, costs without the noise of sums', async () => {
  const answer: UsageAnswer = {
    from: NOW - DAY_MS,
    to: NOW,
    notes: ['Something is missing.'],
    rows: [
      {
        at: NOW - DAY_MS,
        series: { tool: 'echo' },
        calls: 3,
        errors: 1,
        outcomes: { ok: 2, refused: 1 },
        tokens: { arguments: 1, result: 2 },
        counted: 3,
        estimates: 0,
        cost: 0.1 + 0.2,
        priced: 2,
        requestBytes: 10,
        resultChars: 20,
        gatewayMs: { count: 3, mean: 1 / 3, p50: 0.123456789, p95: 1, p99: 2 },
        upstreamMs: { count: 0, mean: undefined, p50: undefined, p95: undefined, p99: undefined },
      },
    ],
  };
  const asked: UsageQuery[] = [];
  const source = {
    query: async (query: UsageQuery) => {
      asked.push(query);
      return answer;
    },
  };
  const params = new URLSearchParams('by=tool&step=day');
  assert.deepEqual(JSON.parse(await usageBody(source, params, NOW)), {
    from: '2026-11-21T14:35:20.000Z',
    to: '2026-11-22T14:35:20.000Z',
    step: 'day',
    by: ['tool'],
    orderBy: 'calls',
    notes: ['Something is missing.'],
    rows: [
      {
        at: '2026-11-21T14:35:20.000Z',
        tool: 'echo',
        calls: 3,
        errors: 1,
        outcomes: { ok: 2, refused: 1 },
        tokens: { arguments: 1, result: 2 },
        counted: 3,
        estimates: 0,
        cost: 0.3,
        priced: 2,
        requestBytes: 10,
        resultChars: 20,
        gatewayMs: { count: 3, mean: 0.333, p50: 0.123, p95: 1, p99: 2 },
        upstreamMs: { count: 0 },
      },
    ],
  });
  assert.deepEqual(asked, [usageQuery(params, NOW)]);
});
