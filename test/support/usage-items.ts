import { Sketch } from '../../src/kernel/sketch.ts';
import type {
  Series,
  UsageBatch,
  UsageItem,
  UsageQuery,
  UsageRow,
} from '../../src/kernel/usage.ts';
import { DAY_MS, NOW } from './usage-stores.ts';

/** One exchange, as far as usage is concerned. */
export interface Use {
  readonly at: number;
  readonly series: Series;
  readonly gatewayMs: number;
  readonly upstreamMs: number;
  readonly tokens: number;
  readonly cost: number;
}

export const SERIES: Series = {
  consumer: 'dev',
  client: 'cursor',
  server: 'github',
  tool: 'create_issue',
  method: 'tools/call',
  outcome: 'ok',
};

type Changes = Partial<Omit<Use, 'series'>> & { readonly series?: Partial<Series> };

/** A use of SERIES now, with what a test wants to be otherwise. */
export function use(changes: Changes = {}): Use {
  return {
    at: NOW,
    gatewayMs: 0.5,
    upstreamMs: 20,
    tokens: 100,
    cost: 0.25,
    ...changes,
    series: { ...SERIES, ...changes.series },
  };
}

/** An item of one exchange. */
export function itemOf({ at, series, gatewayMs, upstreamMs, tokens, cost }: Use): UsageItem {
  const isAsked = upstreamMs > 0;
  return {
    start: Math.floor(at / 60_000) * 60_000,
    series,
    counts: {
      calls: 1,
      gatewayMs,
      upstreamCalls: isAsked ? 1 : 0,
      upstreamMs,
      counted: 1,
      estimates: 0,
      argumentTokens: 10,
      resultTokens: tokens,
      priced: 1,
      cost,
      requestBytes: 200,
      resultChars: 3000,
    },
    gateway: sketchOf([gatewayMs]),
    upstream: sketchOf(isAsked ? [upstreamMs] : []),
  };
}

/** The values in an encoded sketch. */
export function sketchOf(values: readonly number[]): Uint8Array {
  const sketch = new Sketch();
  for (const value of values) sketch.accept(value);
  return sketch.encode();
}

let batches = 0;

/** A batch of these uses, by a writer of its own unless one is named. */
export function batchOf(uses: readonly Use[], writer?: string, number = 1): UsageBatch {
  batches += 1;
  return { writer: writer ?? `writer ${batches}`, number, items: uses.map(itemOf) };
}

/** A query for all of the last ninety days, with what a test wants to be otherwise. */
export function ask(changes: Partial<UsageQuery> = {}): UsageQuery {
  return {
    from: NOW - 90 * DAY_MS,
    to: NOW,
    step: 'total',
    by: [],
    filters: {},
    top: undefined,
    orderBy: 'calls',
    ...changes,
  };
}

/** The calls of each row, by its series and when it begins. */
export function callsBy(rows: readonly UsageRow[]): Record<string, number> {
  return Object.fromEntries(
    rows.map(({ at, series, calls }) => [
      [...(at === undefined ? [] : [new Date(at).toISOString()]), ...Object.values(series)].join(
        ' ',
      ),
      calls,
    ]),
  );
}
