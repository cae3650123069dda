import type { LogPort } from '../record/log-sink.ts';
import { SqliteStore } from '../store/sqlite-store.ts';

/** The store below a data folder. Throws when that folder cannot be used. */
export function openStore(dataDir: string, log: LogPort, now: number): SqliteStore {
  return new SqliteStore(dataDir, {
    now,
    onError: (error) =>
      log.error({ error: String(error), dataDir }, 'mcpx.db could not be written or read'),
  });
}
