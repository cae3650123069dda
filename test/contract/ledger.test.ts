import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { objectOf } from '../fixture/json-rpc.ts';
import { turnedAwayIn, turnedIn, type Audited } from '../support/ledger-audit.ts';
import { countedBy, expectedCounts, type LimitTold } from '../support/ledger-limits.ts';
import {
  expectedCounters,
  expectedHistograms,
  otherCounters,
  seriesOn,
  type Series,
} from '../support/ledger-metrics.ts';
import { dayDone } from '../support/ledger-run.ts';
import {
  CLIENT_SPAN,
  expectedSpan,
  isTraced,
  receivedSpan,
  SERVER_SPAN,
} from '../support/ledger-spans.ts';
import { answeredUse, expectedUse } from '../support/ledger-usage.ts';
import type { OtlpSpan } from '../support/otlp-protobuf.ts';
import type { JsonObject } from '../support/raw-http.ts';

/** A scripted day of many callers, through real servers and two processes of the gateway, held against each of its records. */

const day = await dayDone();
const { audited, ledger, lines } = day;

/** A line tells times to the microsecond. */
const ROUNDING_MS = 0.0005;

/** Fails unless the same series have the same values, but for what sums of fractions lose. */
function assertNear(actual: Series, expected: Series, within: number): void {
  const far = Object.entries(expected).filter(
    ([key, value]) => !(Math.abs((actual[key] ?? NaN) - value) <= within),
  );
  assert.deepEqual(
    far.map(([key, value]) => `${key}: ${actual[key]} instead of ${value}`),
    [],
  );
  assert.deepEqual(Object.keys(actual).toSorted(), Object.keys(expected).toSorted());
}

function inOrder(texts: readonly unknown[]): string[] {
  return texts.map(String).toSorted();
}

/** What each of some exchanges is, by a text that names it, so that a difference names it too. */
function byRow<T>(some: readonly Audited[], valueOf: (audited: Audited) => T): Record<string, T> {
  return Object.fromEntries(some.map((each) => [each.row.toString(), valueOf(each)]));
}

test('the day is one worth recording: many callers, every kind of outcome, several models', () => {
  const outcomes = new Set(audited.map(({ row }) => row.expected.outcome));
  const all = ['ok', 'input-required', 'tool-error', 'error', 'refused', 'timed-out', 'cancelled'];
  assert.deepEqual([...outcomes].toSorted(), all.toSorted());
  assert.ok(audited.length >= 300, `${audited.length} requests`);
  const models = new Set(audited.map(({ row }) => row.actor.model?.id));
  assert.ok(models.size >= 5, [...models].join());
});

describe('the audit log', () => {
  test('has exactly one line for each exchange, over both processes and that of a client on stdio', () => {
    assert.equal(audited.length, ledger.rows.length);
    assert.equal(new Set(audited.map(({ line }) => line['id'])).size, audited.length);
  });

  test('counts whoever is turned away at the door, by reason, address and caller (R22)', () => {
    assert.deepEqual(turnedAwayIn(lines), turnedIn(ledger.turned));
  });

  test('has the tokens of the reference tokeniser, to the token up to 8 KiB (R23)', () => {
    const counted = audited.filter(({ spent }) => spent?.isLong === false);
    assert.ok(counted.length > 200, String(counted.length));
    const tokensIn = ({ line }: Audited): unknown => line['tokens'];
    const expected = byRow(counted, ({ spent }) => {
      const { arguments: written, result, isEstimate, encoding } = spent ?? {};
      return { arguments: written, result, isEstimate, encoding };
    });
    assert.deepEqual(byRow(counted, tokensIn), expected);
    const others = audited.filter(({ spent }) => spent === undefined);
    assert.deepEqual(
      byRow(others, tokensIn),
      byRow(others, () => undefined),
    );
  });

  test('has estimates near the reference tokeniser for what is longer, marked as such (R23)', () => {
    const long = audited.filter(({ spent }) => spent?.isLong === true);
    assert.ok(long.length > 2, String(long.length));
    for (const { row, spent } of long) {
      const share = (spent?.result ?? 0) / (spent?.reference ?? 0);
      assert.ok(share > 0.75 && share < 1.33, `${row.toString()}: ${share} of the reference`);
    }
  });

  test('has what each exchange cost, by the prices of the configuration', () => {
    const costs = byRow(audited, ({ line }) => line['cost'] ?? 'nothing');
    const expected = byRow(audited, ({ spent }) => spent?.cost ?? 'nothing');
    const wrong = Object.entries(expected).filter(
      ([key, cost]) =>
        costs[key] !== cost && !(Math.abs(Number(costs[key]) - Number(cost)) < 1e-12),
    );
    assert.deepEqual(wrong, []);
    assert.ok(Object.values(costs).filter((cost) => Number(cost) > 0).length > 100);
  });

  test('tells sessions apart as clients do, and joins what belongs to one, also over a restart', () => {
    const keys = new Map<string, Set<unknown>>();
    for (const { row, line } of audited) {
      if (row.session === undefined || row.actor.era === 'modern') continue;
      const isOf = `${row.actor.client} ${row.session}`;
      keys.set(isOf, (keys.get(isOf) ?? new Set()).add(line['session']));
    }
    for (const [session, found] of keys) assert.equal(found.size, 1, session);
    const different = new Set([...keys.values()].flatMap((found) => [...found]));
    assert.equal(different.size, keys.size);
    assert.ok(!different.has(undefined));
  });

  test('joins the rounds of a call by the id of the first, and so do spans and log lines (R3)', () => {
    const idOf = new Map(audited.map(({ row, line }) => [row, line['id']]));
    const calls = byRow(audited, ({ line }) => line['callId']);
    const expected = byRow(audited, ({ row }) => row.first && idOf.get(row.first));
    assert.deepEqual(calls, expected);
    const later = audited.filter(({ row }) => row.first !== undefined);
    assert.equal(later.length, 4, 'two rounds of one call, one of two others');
  });

  test('has what happened to keys, sessions and gateways, each once', () => {
    const events = (name: string): JsonObject[] =>
      lines.filter(({ event }) => event === name).map(({ details }) => objectOf(details));
    const consumers = (name: string): string[] =>
      inOrder(events(name).map(({ consumer }) => consumer));
    assert.deepEqual(consumers('key-created'), ['alice', 'bob', 'frank', 'gone']);
    assert.deepEqual(consumers('key-used-first'), ['alice', 'bob', 'frank']);
    assert.deepEqual(consumers('key-revoked'), ['gone']);
    assert.equal(events('gateway-started').length, 3);
    assert.equal(events('gateway-stopped').length, 3);
    const begun = audited.filter(({ row }) => row.method === 'initialize');
    const ended = events('session-ended').map(({ session }) => session);
    assert.deepEqual(inOrder(ended), inOrder(begun.map(({ line }) => line['session'])));
  });

  test('is proven whole by `mcpx audit verify`, and searched by `mcpx audit query`', () => {
    const { isSound, findings, chains } = day.verdict;
    assert.deepEqual({ isSound, findings }, { isSound: true, findings: [] });
    const counts = (chains as { readonly lines: number }[]).map((chain) => chain.lines);
    assert.equal(
      counts.reduce((sum, count) => sum + count, 0),
      lines.length,
    );
    const isBobs = ({ row }: Audited): boolean =>
      row.actor.caller.consumer === 'bob' && row.method === 'tools/call';
    const expected = audited.filter((each) => isBobs(each)).map(({ line }) => line['id']);
    assert.deepEqual(inOrder(day.queried), inOrder(expected));
  });

  test('has times within those that clients measured', () => {
    for (const { row, line } of audited) {
      const [took, behind] = [Number(line['durationMs']), Number(line['upstreamMs'])];
      assert.equal(behind > 0, row.expected.isSent === true, row.toString());
      assert.ok(behind <= took + ROUNDING_MS, row.toString());
      // Whoever gives up does not wait for what becomes of it.
      if (row.isAsk || row.expected.outcome === 'cancelled') continue;
      if (row.method !== 'subscriptions/listen')
        assert.ok(took <= (row.tookMs ?? 0), `${row.toString()}: ${took} of ${row.tookMs}`);
    }
  });
});

for (const [index, page] of day.pages.entries())
  describe(`the metrics of gateway ${index + 1}`, () => {
    const run = index + 1;
    const ofRun = audited.filter(
      ({ row }) => row.run === run && !row.isLate && row.actor.transport !== 'stdio',
    );

    for (const { name, counts, sums, perMs } of expectedHistograms(ofRun))
      test(`${name} has every exchange under its labels, and their time`, () => {
        assert.deepEqual(seriesOn(page, `${name}_count`), counts);
        const most = Math.max(0, ...Object.values(counts));
        // Two of the times of a line may be rounded.
        assertNear(seriesOn(page, `${name}_sum`), sums, (2 * most * ROUNDING_MS) / perMs);
      });

    const counters = { ...expectedCounters(ofRun), ...otherCounters(ledger, run) };
    for (const [name, series] of Object.entries(counters))
      test(`${name} is as in the books`, () => {
        assertNear(seriesOn(page, name), series, name.includes('cost') ? 1e-9 : 0);
      });

    test('nothing was lost on the way to any record', () => {
      for (const name of [
        'mcpx_audit_lost_lines_total',
        'mcpx_audit_failing',
        'mcpx_usage_dropped_rollups_total',
        'mcpx_usage_failing',
        'mcpx_spans_dropped_total',
      ])
        assert.deepEqual(seriesOn(page, name), {}, name);
    });
  });

describe('usage', () => {
  const expected = expectedUse(audited);

  for (const [index, from] of ['the admin API', 'the command line'].entries())
    test(`by ${from} is that of all processes, to the call, the token and the byte`, () => {
      const told = answeredUse(day.usage[index] ?? {});
      assert.deepEqual(told.used, expected.used);
      const calls = Math.max(...Object.values(expected.used).map((used) => used.calls));
      for (const [amount, within] of [
        ['cost', 1e-9],
        ['gatewayMs', 3 * calls * ROUNDING_MS],
        ['upstreamMs', 3 * calls * ROUNDING_MS],
      ] as const) {
        const amountOf = (use: typeof told.measured): Series =>
          Object.fromEntries(Object.entries(use).map(([key, each]) => [key, each[amount]]));
        assertNear(amountOf(told.measured), amountOf(expected.measured), within);
      }
    });
});

describe('traces', () => {
  const wholes = day.spans.filter(({ kind }) => kind === SERVER_SPAN);
  const traced = audited.filter((each) => isTraced(each));
  const spanOf = new Map(wholes.map((span) => [span.attributes['mcpx.exchange.id'], span]));
  const wholeOf = ({ line }: Audited): OtlpSpan | undefined => spanOf.get(line['id']);
  const behind = ({ line }: Audited): OtlpSpan[] => {
    const parent = spanOf.get(line['id'])?.spanId;
    return day.spans.filter((span) => span.kind === CLIENT_SPAN && span.parentId === parent);
  };

  test('have one span for each exchange that is sampled, in the trace of its audit line', () => {
    assert.equal(wholes.length, traced.length);
    assert.deepEqual(
      byRow(traced, (each) => wholeOf(each)?.traceId),
      byRow(traced, ({ line }) => line['traceId']),
    );
  });

  test('say of each exchange what it was, how it ended and what it used', () => {
    const expected = byRow(traced, (each) => expectedSpan(each));
    const received = byRow(traced, (each) => {
      const span = wholeOf(each);
      return span && receivedSpan(span, expectedSpan(each));
    });
    assert.deepEqual(received, expected);
    for (const each of traced) {
      const cost = wholeOf(each)?.attributes['mcpx.cost_usd'];
      const { spent } = each;
      assert.ok(Math.abs(Number(cost ?? 0) - (spent?.cost ?? 0)) < 1e-12, each.row.toString());
    }
  });

  test('have a span of the server behind exactly where one was asked', () => {
    assert.deepEqual(
      byRow(traced, (each) => behind(each).map((span) => span.attributes['mcpx.server'])),
      byRow(traced, ({ row }) => (row.expected.isSent === true ? [row.expected.server] : [])),
    );
  });

  test('reach the servers behind, which are told the span that stands for them', () => {
    const echoes = audited.filter(
      ({ row }) => row.expected.target === 'fixture_echo' && row.expected.outcome === 'ok',
    );
    assert.ok(echoes.length > 5, String(echoes.length));
    for (const each of echoes) {
      const { row, line } = each;
      const { _meta: meta } = objectOf(row.answer?.result?.['structuredContent']);
      const told = String(objectOf(meta)['traceparent']);
      assert.match(told, new RegExp(`^00-${String(line['traceId'])}-[0-9a-f]{16}-0[01]$`, 'u'));
      const spans = behind(each).map(({ spanId }) => `00-${String(line['traceId'])}-${spanId}-01`);
      if (isTraced(each)) assert.deepEqual(spans, [told], row.toString());
      else assert.ok(told.endsWith('-00'), row.toString());
    }
  });
});

describe('limits', () => {
  const reports = day.limits['limits'] as LimitTold[];
  const reportOf = (id: string): LimitTold =>
    reports.find((report) => report.id === id) ?? assert.fail(id);

  test('have counted for each consumer what it was let through for, over a restart and from other processes', () => {
    const [told, expected] = [countedBy(reportOf('all-there-is')), expectedCounts(audited)];
    for (const amount of ['calls', 'tokens', 'cost'] as const)
      assertNear(told[amount], expected[amount], amount === 'cost' ? 1e-6 : 0);
  });

  test('have refused as often as the books say, or would have', () => {
    for (const { id, hits } of reports) {
      const words = [`over ${id}`, `shadow ${id}`];
      const ofRun = ledger.rows.filter(({ run }) => run === 2);
      const warned = ofRun.flatMap(({ expected }) => expected.warnings ?? []);
      assert.equal(hits, warned.filter((warning) => words.includes(warning)).length, id);
    }
  });
});

test('the log has one line for each exchange, joined to audit and trace', () => {
  const here = audited.filter(({ row }) => row.actor.transport !== 'stdio');
  assert.equal(day.logged.length, here.length);
  const logged = new Map(day.logged.map((line) => [line['id'], line]));
  const kept = [
    'callId',
    'method',
    'outcome',
    'code',
    'server',
    'target',
    'client',
    'traceId',
    'rule',
  ];
  const only = (line: JsonObject | undefined): JsonObject =>
    Object.fromEntries(kept.map((name) => [name, line?.[name]]));
  assert.deepEqual(
    byRow(here, ({ line }) => only(logged.get(line['id']))),
    byRow(here, ({ line }) => only(line)),
  );
});
