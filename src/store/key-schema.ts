import type { DatabaseSync } from 'node:sqlite';

import { inTransaction } from './transaction.ts';

/** What leads from each version of the table to the next; never changed once released, only added to. */
const STEPS: readonly string[] = [
  `CREATE TABLE access_key (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    digest BLOB NOT NULL,
    consumer TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER,
    last_used_at INTEGER
  ) STRICT`,
];

/**
 * Brings a table of keys of any earlier version to this one; keys are never lost. Throws for a table of a later version, which is
 * left as it is.
 */
export function migrate(database: DatabaseSync): void {
  if (versionOf(database) === STEPS.length) return;
  inTransaction(database, () => {
    // Another process may have been quicker.
    const version = versionOf(database);
    if (version > STEPS.length)
      throw new Error('a newer version of mcpx wrote it; use that version, or a newer one.');
    for (const step of STEPS.slice(version)) database.exec(step);
    database.exec(`PRAGMA user_version = ${STEPS.length}`);
  });
}

function versionOf(database: DatabaseSync): number {
  return Number(database.prepare('PRAGMA user_version').get()?.['user_version']);
}
