import { join } from 'node:path';
import type { DatabaseSync, StatementSync } from 'node:sqlite';

import { openDatabase } from './open-database.ts';
import { inTransaction } from './transaction.ts';
import { unusable } from './unusable.ts';

/** What a record is about; each space has keys of its own. */
export type Space = 'verdict' | 'inventory' | 'tombstone' | 'session';

/** What a store needs. */
export interface StoreTerms {
  /** Milliseconds since the epoch; what expired before is forgotten. */
  readonly now: number;
  onError(error: unknown): void;
}

/** Version of the records' shape; to be raised with every change of it. */
const SHAPE = 1;
const WAIT_MS = 2000;
const LOSS =
  'sessions that ended could be resumed then while their ids last, and servers are asked anew what they are';

/** What outlives the process: small texts by space and key, in an embedded database. */
export class SqliteStore {
  readonly #database: DatabaseSync;
  readonly #onError: (error: unknown) => void;
  readonly #select: StatementSync;
  readonly #upsert: StatementSync;

  /** Opens `mcpx.db` in a folder, made when it is missing. Throws, naming the file, when it cannot be used. */
  constructor(folder: string, terms: StoreTerms) {
    this.#onError = (error) => terms.onError(error);
    const file = join(folder, 'mcpx.db');
    try {
      this.#database = openDatabase(file, {
        openWaitMs: WAIT_MS,
        writeWaitMs: WAIT_MS,
        prepare: (database) => prepareRecords(database, terms.now),
      });
    } catch (error) {
      throw unusable({ what: 'The memory of the gateway', file, loss: LOSS }, error);
    }
    this.#select = this.#database.prepare('SELECT value FROM record WHERE space = ? AND key = ?');
    this.#upsert = this.#database.prepare(
      'INSERT INTO record (space, key, value, expires_at) VALUES (?, ?, ?, ?) ON CONFLICT (space, key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at',
    );
  }

  /** The text under a key. What cannot be read is reported and not there: it is a memory, no call may end with it. */
  get(space: Space, key: string): string | undefined {
    const value = this.#read(space, key)?.['value'];
    return typeof value === 'string' ? value : undefined;
  }

  /** Whether there may be a text under a key: also where that cannot be read, which is reported. */
  mayHave(space: Space, key: string): boolean {
    return this.#read(space, key) !== undefined;
  }

  /**
   * Keeps a text until a moment (milliseconds since the epoch), or for good. What cannot be written is reported and lost:
   * a full disk must not end calls that do not need it.
   */
  put(space: Space, key: string, value: string, expiresAt?: number): void {
    try {
      this.#upsert.run(space, key, value, expiresAt ?? null);
    } catch (error) {
      this.#onError(error);
    }
  }

  close(): void {
    this.#database.close();
  }

  /** An empty row where it cannot be read. */
  #read(space: Space, key: string): Readonly<Record<string, unknown>> | undefined {
    try {
      return this.#select.get(space, key);
    } catch (error) {
      this.#onError(error);
      return {};
    }
  }
}

function prepareRecords(database: DatabaseSync, now: number): void {
  if (!isOfThisShape(database)) inTransaction(database, () => makeAnew(database));
  database.prepare('DELETE FROM record WHERE expires_at <= ?').run(now);
}

/** Records of another version of this product may have another shape: they are only memories, and made anew. */
function makeAnew(database: DatabaseSync): void {
  // Another process may have been quicker.
  if (isOfThisShape(database)) return;
  database.exec(`
    DROP TABLE IF EXISTS record;
    CREATE TABLE record (
      space TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, expires_at INTEGER,
      PRIMARY KEY (space, key)
    ) WITHOUT ROWID;
    PRAGMA user_version = ${SHAPE};
  `);
}

function isOfThisShape(database: DatabaseSync): boolean {
  return database.prepare('PRAGMA user_version').get()?.['user_version'] === SHAPE;
}
