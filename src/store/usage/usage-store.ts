import type { UsageAnswer, UsageBatch, UsageQuery } from '../../kernel/usage.ts';

/** What was used, by the minute, the hour and the day. Nothing is opened before it is needed. */
export interface UsageStore {
  /** Items that a batch may have: so many are added quickly. */
  readonly batchItems: number;
  /** Adds a batch, once however often it is added. Rejects where that is not certain; it may be added again then. */
  add(batch: UsageBatch): Promise<void>;
  /** Answers a question. Rejects with Refusal where the answer would be too long, with Error where the store cannot be read. */
  query(query: UsageQuery): Promise<UsageAnswer>;
  /** Removes what is older than the plan says it is to be kept. */
  prune(now: number): Promise<void>;
  /** Ends its connections. */
  close(): Promise<void>;
}

/** For how many days rollups are kept, by their length. */
export type Retention = Readonly<Record<'minute' | 'hour' | 'day', number>>;
