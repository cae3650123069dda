import type { LimitKey, LimitPlan } from './limits-plan.ts';

/** One limit and what was counted for it, as operators read it. */
export interface LimitReport {
  readonly id: string;
  readonly mode: LimitPlan['mode'];
  readonly per: readonly LimitKey[];
  readonly rate: LimitPlan['rate'];
  readonly concurrency: LimitPlan['concurrency'];
  readonly budget: LimitPlan['budget'];
  readonly maxResultBytes: LimitPlan['maxResultBytes'];
  readonly warnAt: number;
  /** Calls it has refused since the start, or would have. */
  readonly hits: number;
  /** How often a count came near its budget since the start. */
  readonly warnings: number;
  /** Counts that are kept now. */
  readonly counts: number;
  /** Those nearest to their limits, nearest first. */
  readonly top: readonly CountReport[];
}

/** One count of a limit. */
export interface CountReport {
  /** Whose it is, by what the limit is counted by; `other` where there were too many to be kept apart. */
  readonly for: Readonly<Partial<Record<LimitKey, string>>> | 'other';
  readonly inFlight: number;
  /** Calls that could be made at once now; undefined without a rate. */
  readonly rateLeft: number | undefined;
  readonly budget: BudgetReport | undefined;
}

/** What is used and left of a budget in its present window. */
export interface BudgetReport {
  readonly calls: ShareReport | undefined;
  readonly tokens: ShareReport | undefined;
  readonly cost: ShareReport | undefined;
  /** ISO 8601, UTC. */
  readonly since: string;
  readonly resetsAt: string;
}

/** One of the amounts of a budget. */
export interface ShareReport {
  readonly limit: number;
  readonly used: number;
  readonly left: number;
}
