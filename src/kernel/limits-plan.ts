/** All limits and budgets. */
export interface LimitsPlan {
  /** Whether callers are shown in `_meta` what is left. */
  readonly showsState: boolean;
  readonly limits: readonly LimitPlan[];
}

/** One limit. Undefined selectors select everything; all that are given must hold. */
export interface LimitPlan {
  readonly id: string;
  /** `shadow` only records what it would have done. */
  readonly mode: 'enforce' | 'shadow';

  readonly consumers: readonly string[] | undefined;
  readonly groups: readonly string[] | undefined;
  readonly clients: readonly string[] | undefined;
  /** Globs, any case. */
  readonly servers: readonly string[] | undefined;
  /** Globs `server/name`. */
  readonly tools: readonly string[] | undefined;

  /** What has a count of its own: each caller, consumer, server, tool, or combination of them; empty: all share one. */
  readonly per: readonly LimitKey[];

  /** Calls in a time, with so many at once: a token bucket. */
  readonly rate:
    | { readonly calls: number; readonly perMs: number; readonly burst: number }
    | undefined;
  /** Calls in flight at once. */
  readonly concurrency: number | undefined;
  readonly budget: BudgetPlan | undefined;
  /** Longest result, in bytes of its JSON text. */
  readonly maxResultBytes: number | undefined;
  /** Share of the budget from which a warning is logged and counted, 0 to 1. */
  readonly warnAt: number;
}

/** What a limit is counted by. */
export type LimitKey = 'caller' | 'consumer' | 'client' | 'server' | 'tool';

/** How much may be used within a calendar window (UTC). At least one of the three is given. */
export interface BudgetPlan {
  readonly window: 'minute' | 'hour' | 'day' | 'month';
  readonly calls: number | undefined;
  /** Of arguments and results together. */
  readonly tokens: number | undefined;
  /** In US dollars. */
  readonly cost: number | undefined;
}
