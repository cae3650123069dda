/** Amounts of what budgets are about. */
export interface Amounts {
  readonly calls: number;
  readonly tokens: number;
  /** In US dollars. */
  readonly cost: number;
}

/** What was used of one budget within one of its windows. */
export interface BudgetRow extends Amounts {
  /** What is counted: a limit's id and what it selects. */
  readonly counted: string;
  /** Whose count it is. */
  readonly key: string;
  /** Milliseconds since the epoch. */
  readonly startsAt: number;
  readonly endsAt: number;
}
