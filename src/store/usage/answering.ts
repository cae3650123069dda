import { Refusal } from '../../kernel/refusals.ts';
import { Sketch } from '../../kernel/sketch.ts';
import {
  COUNTS,
  type Count,
  type Dimension,
  type Latency,
  type Measure,
  type UsageAnswer,
  type UsageQuery,
  type UsageRow,
} from '../../kernel/usage.ts';
import { columnOf } from './columns.ts';
import { MOST_ROWS, OUTCOMES } from './question.ts';
import type { Span } from './span.ts';

/** A row as a database gives it. */
export type DatabaseRow = Readonly<Record<string, unknown>>;

type Sums = Record<Count, number>;

const COLUMNS_OF_COUNTS = COUNTS.map((count) => [count, columnOf(count)] as const);

/** What was found of one combination within one step. */
interface Group {
  readonly at: number | undefined;
  readonly series: Partial<Record<Dimension, string>>;
  readonly combination: string;
  readonly sums: Sums;
  readonly outcomes: number[];
  readonly gateway: Sketch;
  readonly upstream: Sketch;
}

/** Puts the answer to a query together from what its readings gave. */
export class Answering {
  readonly #query: UsageQuery;
  readonly #groups = new Map<string, Group>();

  constructor(query: UsageQuery) {
    this.#query = query;
  }

  /** Takes a row of a reading. Throws Refusal when they are too many. */
  add(row: DatabaseRow): void {
    const group = this.#groupOf(row);
    for (const [count, column] of COLUMNS_OF_COUNTS) group.sums[count] += Number(row[column] ?? 0);
    for (const index of OUTCOMES.keys())
      group.outcomes[index] = (group.outcomes[index] ?? 0) + Number(row[`outcome_${index}`] ?? 0);
    group.gateway.add(bytesOf(row['gateway_sketch']));
    group.upstream.add(bytesOf(row['upstream_sketch']));
  }

  /** The answer from all that was taken. */
  answer({ from, to, notes }: Span): UsageAnswer {
    const rank = this.#ranks();
    const rows = [...this.#groups.values()]
      .filter(({ combination, gateway }) => gateway.count > 0 && rank.has(combination))
      .sort(
        (a, b) =>
          (a.at ?? 0) - (b.at ?? 0) ||
          (rank.get(a.combination) ?? 0) - (rank.get(b.combination) ?? 0),
      );
    return { from, to, rows: rows.map(rowOf), notes };
  }

  #groupOf(row: DatabaseRow): Group {
    const { by, step } = this.#query;
    const at = step === 'total' ? undefined : Number(row['at']);
    const series = Object.fromEntries(by.map((name) => [name, String(row[name])] as const));
    const combination = by.map((name) => series[name]).join('\n');
    const key = `${at ?? ''}\n${combination}`;
    const present = this.#groups.get(key);
    if (present !== undefined) return present;
    if (this.#groups.size >= MOST_ROWS) throw tooLong();
    const group = {
      at,
      series,
      combination,
      sums: noSums(),
      outcomes: [],
      gateway: new Sketch(),
      upstream: new Sketch(),
    };
    this.#groups.set(key, group);
    return group;
  }

  /** The combinations that are told of, by their place in the order. */
  #ranks(): ReadonlyMap<string, number> {
    const { orderBy, top } = this.#query;
    const totals = new Map<string, Total>();
    for (const group of this.#groups.values()) {
      const total = totals.get(group.combination) ?? emptyTotal();
      totals.set(group.combination, total);
      for (const count of COUNTS) total.sums[count] += group.sums[count];
      total.oks += group.outcomes[0] ?? 0;
      total.timed += group.gateway.count;
      total.asked += group.upstream.count;
    }
    const measured = [...totals].map(
      ([combination, total]) => [combination, measure(orderBy, total)] as const,
    );
    measured.sort(([a, one], [b, other]) => other - one || (a < b ? -1 : 1));
    return new Map(measured.slice(0, top).map(([combination], index) => [combination, index]));
  }
}

/** A combination over all steps. */
interface Total {
  readonly sums: Sums;
  oks: number;
  /** Exchanges, and those for which a server was asked. */
  timed: number;
  asked: number;
}

function emptyTotal(): Total {
  return { sums: noSums(), oks: 0, timed: 0, asked: 0 };
}

function noSums(): Sums {
  return Object.fromEntries(COUNTS.map((count) => [count, 0])) as Sums;
}

function tooLong(): Refusal {
  return new Refusal(
    'PARAMS_INVALID',
    `The answer would be made of more than ${MOST_ROWS} rows: ask for a shorter time, a longer step, fewer dimensions or fewer values of them.`,
  );
}

function measure(by: Measure, { sums, oks, timed, asked }: Total): number {
  switch (by) {
    case 'calls':
    case 'cost':
      return sums[by];
    case 'errors':
      return sums.calls - oks;
    case 'tokens':
      return sums.argumentTokens + sums.resultTokens;
    case 'bytes':
      return sums.requestBytes + sums.resultChars;
    case 'gatewayMs':
      return meanOf(sums.gatewayMs, timed) ?? 0;
    case 'upstreamMs':
      return meanOf(sums.upstreamMs, asked) ?? 0;
  }
}

function rowOf({ at, series, sums, outcomes, gateway, upstream }: Group): UsageRow {
  const { calls, counted, estimates, cost, priced, requestBytes, resultChars } = sums;
  return {
    at,
    series,
    calls,
    errors: calls - (outcomes[0] ?? 0),
    outcomes: Object.fromEntries(
      OUTCOMES.map((outcome, index) => [outcome, outcomes[index] ?? 0] as const).filter(
        ([, count]) => count > 0,
      ),
    ),
    tokens: { arguments: sums.argumentTokens, result: sums.resultTokens },
    counted,
    estimates,
    cost,
    priced,
    requestBytes,
    resultChars,
    gatewayMs: latencyOf(gateway, sums.gatewayMs),
    upstreamMs: latencyOf(upstream, sums.upstreamMs),
  };
}

function latencyOf(sketch: Sketch, ms: number): Latency {
  const { count } = sketch;
  return {
    count,
    mean: meanOf(ms, count),
    p50: sketch.quantile(0.5),
    p95: sketch.quantile(0.95),
    p99: sketch.quantile(0.99),
  };
}

function meanOf(sum: number, count: number): number | undefined {
  return count === 0 ? undefined : sum / count;
}

function bytesOf(hex: unknown): Uint8Array {
  return Buffer.from(typeof hex === 'string' ? hex : '', 'hex');
}
