import type { Latency, UsageAnswer, UsageQuery, UsageRow } from '../kernel/usage.ts';
import { usageQuery } from './usage-query.ts';

/** The path of usage. */
export const USAGE_PATH = '/admin/usage';

/** What answers questions about usage. */
export interface UsageSource {
  query(query: UsageQuery): Promise<UsageAnswer>;
}

/**
 * The body of `GET /admin/usage`: who used what, how much and how fast. Query parameters: from, to, last, step, by, top, orderBy,
 * and the dimensions, each of which may be given several times. Rejects with PARAMS_INVALID for what cannot be answered.
 */
export async function usageBody(
  source: UsageSource,
  params: URLSearchParams,
  now: number,
): Promise<string> {
  const query = usageQuery(params, now);
  return JSON.stringify(usageJson(query, await source.query(query)));
}

/** An answer as JSON: moments in ISO 8601 (UTC), times in milliseconds, cost in US dollars. */
export function usageJson({ step, by, orderBy }: UsageQuery, answer: UsageAnswer): object {
  return {
    from: iso(answer.from),
    to: iso(answer.to),
    step,
    by,
    orderBy,
    rows: answer.rows.map(rowJson),
    notes: answer.notes,
  };
}

function rowJson({ at, series, gatewayMs, upstreamMs, cost, ...counts }: UsageRow): object {
  return {
    ...(at === undefined ? {} : { at: iso(at) }),
    ...series,
    ...counts,
    // Sums of fractions have more digits than they are worth.
    cost: Number(cost.toPrecision(COST_DIGITS)),
    gatewayMs: latencyJson(gatewayMs),
    upstreamMs: latencyJson(upstreamMs),
  };
}

function latencyJson({ count, mean, p50, p95, p99 }: Latency): object {
  return { count, mean: rounded(mean), p50: rounded(p50), p95: rounded(p95), p99: rounded(p99) };
}

const COST_DIGITS = 12;
const PER_MS = 1000;

/** To the microsecond. */
function rounded(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.round(ms * PER_MS) / PER_MS;
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
