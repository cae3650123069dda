import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';

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

/** What outlives the process: small texts by space and key, in an embedded database. */
export class SqliteStore {
  readonly #database: DatabaseSync;
  readonly #onError: (error: unknown) => void;
  readonly #select: StatementSync;
  readonly #upsert: StatementSync;

  /** Opens `mcpx.db` in a folder, made when it is missing. Throws when the folder cannot be written. */
  constructor(folder: string, terms: StoreTerms) {
    this.#onError = (error) => terms.onError(error);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.#database = new DatabaseSync(join(folder, 'mcpx.db'));
    this.#database.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = NORMAL;
      PRAGMA busy_timeout = 2000;
    `);
    this.#forgetOtherShapes();
    this.#database.exec(`
      CREATE TABLE IF NOT EXISTS record (
        space TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, expires_at INTEGER,
        PRIMARY KEY (space, key)
      ) WITHOUT ROWID;
    `);
    this.#database.prepare('DELETE FROM record WHERE expires_at <= ?').run(terms.now);
    this.#select = this.#database.prepare('SELECT value FROM record WHERE space = ? AND key = ?');
    this.#upsert = this.#database.prepare(
      'INSERT INTO record (space, key, value, expires_at) VALUES (?, ?, ?, ?) ON CONFLICT (space, key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at',
    );
  }

  get(space: Space, key: string): string | undefined {
    const value = this.#select.get(space, key)?.['value'];
    return typeof value === 'string' ? value : undefined;
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

  /** Records of another version of this product may have another shape: they are only memories, and made anew. */
  #forgetOtherShapes(): void {
    const row = this.#database.prepare('PRAGMA user_version').get();
    if (row?.['user_version'] === SHAPE) return;
    this.#database.exec(`DROP TABLE IF EXISTS record; PRAGMA user_version = ${SHAPE};`);
  }
}
