import type { BudgetRow } from '../../kernel/budget-row.ts';

/** Where budgets outlive the process, and where several processes add them up. */
export interface BudgetStore {
  /** What was counted under these names in windows that are not over. Throws when it cannot be read. */
  load(counted: readonly string[], now: number): readonly BudgetRow[];
  /**
   * Adds these amounts, and returns the sums of all rows that changed since the last time, whoever changed them. Throws when
   * that cannot be done now: then nothing was added.
   */
  exchange(added: readonly BudgetRow[], now: number): readonly BudgetRow[];
  close(): void;
}

/** What limits need. */
export interface LimitsTerms {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Milliseconds of a clock that only goes forward. */
  monotonic(): number;
  /** Opens the store; asked for when there is a budget. Throws when it cannot be used. */
  openStore(): BudgetStore;
  readonly log: { warn(fields: object, message: string): void };
  /** Milliseconds between two exchanges with the store; 500 when undefined. */
  readonly syncMs?: number;
}

/** One moment by both clocks. */
export interface Moment {
  readonly now: number;
  readonly monotonic: number;
}
