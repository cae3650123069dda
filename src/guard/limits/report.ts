import type { JsonObject } from '../../kernel/json.ts';
import type {
  BudgetReport,
  CountReport,
  LimitReport,
  ShareReport,
} from '../../kernel/limit-report.ts';
import type { LimitPlan } from '../../kernel/limits-plan.ts';
import type { Budget } from './budget.ts';
import { AMOUNTS, shareOf, type Limit } from './limit.ts';
import type { Meter } from './meter.ts';
import { OTHERS } from './meters.ts';
import type { Moment } from './ports.ts';
import { partsOf } from './selection.ts';
import type { Tally } from './tallies.ts';

/** Cents of a cent: sums of fractions have more digits than anybody wants to read. */
const COST_DIGITS = 1e6;

/** One limit as operators read it, with those of its counts that are nearest to it. */
export function reportOf(
  limit: Limit,
  { hits, warnings }: Tally,
  moment: Moment,
  top: number,
): LimitReport {
  const { id, mode, per, rate, concurrency, budget, maxResultBytes, warnAt } = limit.plan;
  const meters = [...limit.meters.all()]
    .filter((meter) => !meter.isFresh(moment))
    .map((meter) => ({ meter, nearness: nearnessOf(limit, meter, moment) }))
    .toSorted((one, other) => other.nearness - one.nearness);
  return {
    id,
    mode,
    per,
    rate,
    concurrency,
    budget,
    maxResultBytes,
    warnAt,
    hits,
    warnings,
    counts: meters.length,
    top: meters.slice(0, top).map(({ meter }) => countOf(limit, meter, moment)),
  };
}

/** What is left under one limit, as a caller is shown it. */
export function shownOf(limit: Limit, meter: Meter, moment: Moment): JsonObject {
  const { rate, concurrency } = limit.plan;
  const { budget } = countOf(limit, meter, moment);
  const shown: JsonObject = {};
  if (rate !== undefined) {
    const left = limit.pace?.left(meter.paidUntil, moment.monotonic) ?? 0;
    shown['rate'] = { limit: rate.calls, perMs: rate.perMs, left };
  }
  if (concurrency !== undefined)
    shown['concurrency'] = { limit: concurrency, left: Math.max(0, concurrency - meter.inFlight) };
  if (budget === undefined) return shown;
  for (const amount of AMOUNTS) {
    const share = budget[amount];
    if (share !== undefined) shown[amount] = { ...share };
  }
  shown['resetsAt'] = budget.resetsAt;
  return shown;
}

/** What the log says of a budget that is nearly used up. */
export function warningOf(limit: Limit, meter: Meter, moment: Moment): object {
  const { id, mode } = limit.plan;
  const { for: whose, budget } = countOf(limit, meter, moment);
  return { limit: id, mode, for: whose, ...budget };
}

function countOf(limit: Limit, meter: Meter, moment: Moment): CountReport {
  const { per, budget } = limit.plan;
  return {
    for: meter.key === OTHERS ? 'other' : partsOf(meter.key, per),
    inFlight: meter.inFlight,
    rateLeft: limit.pace?.left(meter.paidUntil, moment.monotonic),
    budget:
      budget === undefined || meter.budget === undefined
        ? undefined
        : budgetOf(budget, meter.budget.at(moment.now)),
  };
}

function budgetOf(plan: NonNullable<LimitPlan['budget']>, { used, span }: Budget): BudgetReport {
  const share = (amount: (typeof AMOUNTS)[number]): ShareReport | undefined => {
    const limit = plan[amount];
    if (limit === undefined) return undefined;
    const left = Math.max(0, limit - used[amount]);
    return { limit, used: rounded(used[amount]), left: rounded(left) };
  };
  return {
    calls: share('calls'),
    tokens: share('tokens'),
    cost: share('cost'),
    since: new Date(span.startsAt).toISOString(),
    resetsAt: new Date(span.endsAt).toISOString(),
  };
}

/** How much of what a limit allows is used: the largest share of all it is about. */
function nearnessOf(limit: Limit, meter: Meter, moment: Moment): number {
  const { rate, concurrency, budget } = limit.plan;
  const used = meter.budget?.at(moment.now).used;
  const shares =
    budget === undefined || used === undefined
      ? []
      : AMOUNTS.map((amount) => shareOf(used, budget, amount));
  if (concurrency !== undefined) shares.push(meter.inFlight / Math.max(1, concurrency));
  if (rate !== undefined) {
    const left = limit.pace?.left(meter.paidUntil, moment.monotonic) ?? 0;
    shares.push(1 - left / Math.max(1, rate.burst));
  }
  return Math.max(0, ...shares);
}

function rounded(value: number): number {
  return Math.round(value * COST_DIGITS) / COST_DIGITS;
}
