import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import { mergedSketch } from '../../kernel/sketch.ts';
import { inTransaction } from '../transaction.ts';

/** What leads from each version of the tables to the next; never changed once released, only added to. */
const STEPS: readonly string[] = [
  ['minute', 'hour', 'day']
    .map(
      (rollup) => `CREATE TABLE usage_${rollup} (
        start INTEGER NOT NULL,
        consumer TEXT NOT NULL,
        client TEXT NOT NULL,
        server TEXT NOT NULL,
        tool TEXT NOT NULL,
        method TEXT NOT NULL,
        outcome TEXT NOT NULL,
        calls INTEGER NOT NULL,
        gateway_ms REAL NOT NULL,
        upstream_calls INTEGER NOT NULL,
        upstream_ms REAL NOT NULL,
        counted INTEGER NOT NULL,
        estimates INTEGER NOT NULL,
        argument_tokens INTEGER NOT NULL,
        result_tokens INTEGER NOT NULL,
        priced INTEGER NOT NULL,
        cost REAL NOT NULL,
        request_bytes INTEGER NOT NULL,
        result_chars INTEGER NOT NULL,
        gateway_sketch BLOB NOT NULL,
        upstream_sketch BLOB NOT NULL,
        PRIMARY KEY (start, consumer, client, server, tool, method, outcome)
      ) STRICT, WITHOUT ROWID;`,
    )
    .join('\n').concat(`
      CREATE TABLE usage_writer (
        writer TEXT PRIMARY KEY,
        number INTEGER NOT NULL,
        at INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;`),
];

/**
 * Opens a usage file to write to it, made when it is missing and brought to this version; its owner alone may read it. Throws for
 * a file of a later version, which is left as it is.
 */
export function openToWrite(file: string, waitMs: number): DatabaseSync {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  // Made before SQLite makes it, which would let others read it; its journals follow its mode.
  closeSync(openSync(file, 'a', 0o600));
  chmodSync(file, 0o600);
  const database = new DatabaseSync(file);
  try {
    database.exec(`
      PRAGMA busy_timeout = ${waitMs};
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = NORMAL;
    `);
    migrate(database);
    database.function('merged_sketch', { deterministic: true }, (one, other) =>
      mergedSketch(one as Uint8Array, other as Uint8Array),
    );
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Opens a usage file only to read it; undefined where nothing was written yet. Throws for a file of a later version. */
export function openToRead(file: string): DatabaseSync | undefined {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const version = versionOf(database);
    if (version > STEPS.length) throw newer();
    if (version === STEPS.length) return database;
  } catch (error) {
    database.close();
    throw error;
  }
  database.close();
  return undefined;
}

function migrate(database: DatabaseSync): void {
  if (versionOf(database) === STEPS.length) return;
  inTransaction(database, () => {
    // Another process may have been quicker.
    const version = versionOf(database);
    if (version > STEPS.length) throw newer();
    for (const step of STEPS.slice(version)) database.exec(step);
    database.exec(`PRAGMA user_version = ${STEPS.length}`);
  });
}

function newer(): Error {
  return new Error('a newer version of mcpx wrote it; use that version, or a newer one');
}

function versionOf(database: DatabaseSync): number {
  return Number(database.prepare('PRAGMA user_version').get()?.['user_version']);
}
