import type { UsageBatch } from '../../kernel/usage.ts';

/** Where usage is kept, as far as what counts it needs to know. */
export interface UsageKeeper {
  /** Items that a batch may have: so many are added quickly. */
  readonly batchItems: number;
  /** Adds a batch, once however often it is added. Rejects where that is not certain; it may be added again then. */
  add(batch: UsageBatch): Promise<void>;
  /** Removes what is older than it is to be kept. */
  prune(now: number): Promise<void>;
}

/** Where usage tells of itself. */
export interface UsageLog {
  warn(fields: object, message: string): void;
}
