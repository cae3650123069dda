import { join } from 'node:path';

import type { UsagePlan } from '../kernel/record-plan.ts';
import { PostgresUsageStore } from '../store/usage/postgres-usage-store.ts';
import { SqliteUsageStore } from '../store/usage/sqlite-usage-store.ts';
import type { UsageStore } from '../store/usage/usage-store.ts';

/** What says where usage is kept. */
export interface UsageStoreTerms {
  readonly dataDir: string;
  plan(): UsagePlan;
  /** Milliseconds since the epoch. */
  now(): number;
}

/**
 * The store of the plan: its database, or the file `usage.db` below the data folder. Nothing is opened before it is used. Throws,
 * without telling it, for what is no address of a database.
 */
export function usageStore(terms: UsageStoreTerms): UsageStore {
  const { dataDir } = terms;
  const { database } = terms.plan();
  const retention = (): UsagePlan['retention'] => terms.plan().retention;
  const now = (): number => terms.now();
  return database === undefined
    ? new SqliteUsageStore({ file: usageFile(dataDir), retention, now })
    : new PostgresUsageStore({ url: database, retention, now });
}

/** The file usage is kept in where there is no database. */
export function usageFile(dataDir: string): string {
  return join(dataDir, 'usage.db');
}
