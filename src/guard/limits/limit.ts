import type { Amounts } from '../../kernel/budget-row.ts';
import type { LimitPlan } from '../../kernel/limits-plan.ts';
import type { Budget } from './budget.ts';
import type { Meter } from './meter.ts';
import type { Meters } from './meters.ts';
import { Pace } from './pace.ts';
import type { Moment } from './ports.ts';
import { amountText, durationText } from './texts.ts';
import type { Selection } from './selection.ts';

/** How a call counts. */
export interface Weight {
  /** Whether it is held to limits at all, and is in flight until it is released. */
  readonly isHeld: boolean;
  /** Whether it is a call of its own, and not a further round of one. */
  readonly isCounted: boolean;
}

/** Why a limit does not let a call through now. */
export interface Obstacle {
  /** Order of the checks. */
  readonly rank: number;
  readonly retryAfterMs: number;
  /** What is allowed, such as `5 calls at once`. */
  readonly what: string;
}

/** What a budget is about, in the order it is told. */
export const AMOUNTS = ['calls', 'tokens', 'cost'] as const;

const CONCURRENCY = 0;
const RATE = 1;
const BUDGET = 2;

const MIN_WAIT_MS = 100;
const MAX_WAIT_MS = 30_000;
const UNKNOWN_WAIT_MS = 1000;

/** The rank of obstacles whose end is only estimated. */
export const ESTIMATED = CONCURRENCY;

/** What a limit is made of beside its plan. */
export interface LimitParts {
  readonly selection: Selection;
  readonly meaning: string;
  readonly meters: Meters;
}

/** One limit under one plan, with what was counted for it. */
export class Limit {
  readonly plan: LimitPlan;
  readonly selection: Selection;
  /** The name its budgets are kept under. */
  readonly meaning: string;
  readonly meters: Meters;
  readonly pace: Pace | undefined;
  readonly isShadow: boolean;
  /** Whether its budget is about what calls use, which is known only when they have ended. */
  readonly isSpent: boolean;

  constructor(plan: LimitPlan, { selection, meaning, meters }: LimitParts) {
    this.plan = plan;
    this.selection = selection;
    this.meaning = meaning;
    this.meters = meters;
    this.isSpent = plan.budget?.tokens !== undefined || plan.budget?.cost !== undefined;
    this.pace = plan.rate === undefined ? undefined : new Pace(plan.rate);
    this.isShadow = plan.mode === 'shadow';
  }

  get id(): string {
    return this.plan.id;
  }

  /** What keeps a call from being made now, without counting it. */
  obstacle(meter: Meter, { isHeld, isCounted }: Weight, moment: Moment): Obstacle | undefined {
    if (!isHeld) return undefined;
    const { concurrency, budget } = this.plan;
    if (concurrency !== undefined && meter.inFlight >= concurrency)
      return crowded(concurrency, meter);
    const wait = isCounted ? (this.pace?.waitMs(meter.paidUntil, moment.monotonic) ?? 0) : 0;
    if (wait > 0) return tooFast(this.pace, wait);
    if (budget === undefined || meter.budget === undefined) return undefined;
    return usedUp(budget, meter.budget.at(moment.now), isCounted ? 1 : 0, moment.now);
  }

  /** Counts a call as begun. */
  begin(meter: Meter, { isHeld, isCounted }: Weight, moment: Moment): void {
    if (isHeld) meter.begin();
    if (!isCounted) return;
    if (this.pace !== undefined)
      meter.paidUntil = this.pace.after(meter.paidUntil, moment.monotonic);
    meter.budget?.charge({ calls: 1, tokens: 0, cost: 0 }, moment.now);
  }

  /** Whether its budget is used as far as is warned of. */
  isNear({ budget }: Meter): boolean {
    const plan = this.plan.budget;
    if (plan === undefined || budget === undefined) return false;
    return AMOUNTS.some((amount) => shareOf(budget.used, plan, amount) >= this.plan.warnAt);
  }
}

/** The share of one of its amounts that is used of a budget; zero where it sets no limit to it. */
export function shareOf(
  used: Amounts,
  plan: NonNullable<LimitPlan['budget']>,
  amount: (typeof AMOUNTS)[number],
): number {
  const limit = plan[amount];
  if (limit === undefined) return 0;
  return limit === 0 ? 1 : used[amount] / limit;
}

/** When one of them ends nobody knows: the estimate is what calls took lately, shared by all that are in flight. */
function crowded(concurrency: number, meter: Meter): Obstacle {
  const { meanMs } = meter;
  const wait = meanMs === undefined ? UNKNOWN_WAIT_MS : meanMs / Math.max(1, concurrency);
  return {
    rank: CONCURRENCY,
    retryAfterMs: Math.ceil(Math.min(MAX_WAIT_MS, Math.max(MIN_WAIT_MS, wait))),
    what: `${amountText('calls', concurrency)} at once`,
  };
}

function tooFast(pace: Pace | undefined, wait: number): Obstacle {
  const { calls = 0, perMs = 0 } = pace?.rate ?? {};
  return {
    rank: RATE,
    retryAfterMs: Math.ceil(wait),
    what: `${amountText('calls', calls)} in ${durationText(perMs)}`,
  };
}

function usedUp(
  plan: NonNullable<LimitPlan['budget']>,
  { used, span }: Budget,
  calls: number,
  now: number,
): Obstacle | undefined {
  const amount = AMOUNTS.find((each) => {
    const limit = plan[each];
    if (limit === undefined) return false;
    return each === 'calls' ? used.calls + calls > limit : used[each] >= limit;
  });
  if (amount === undefined) return undefined;
  return {
    rank: BUDGET,
    retryAfterMs: Math.ceil(span.endsAt - now),
    what: `${amountText(amount, plan[amount] ?? 0)} a ${plan.window}`,
  };
}
