import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';

/** What a record is about; each space has keys of its own. */
export type Space = 'verdict' | 'inventory' | 'tombstone' | 'session';

/** What outlives the process: small texts by space and key, in an embedded database. */
export class SqliteStore {
  readonly #database: DatabaseSync;
  readonly #select: StatementSync;
  readonly #upsert: StatementSync;

  /** Opens `mcpx.db` in a folder, made when it is missing. Throws when the folder cannot be written. */
  constructor(folder: string, now: number) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.#database = new DatabaseSync(join(folder, 'mcpx.db'));
    this.#database.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = NORMAL;
      PRAGMA busy_timeout = 2000;
      CREATE TABLE IF NOT EXISTS record (
        space TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, expires_at INTEGER,
        PRIMARY KEY (space, key)
      ) WITHOUT ROWID;
    `);
    this.#database.prepare('DELETE FROM record WHERE expires_at <= ?').run(now);
    this.#select = this.#database.prepare('SELECT value FROM record WHERE space = ? AND key = ?');
    this.#upsert = this.#database.prepare(
      'INSERT INTO record (space, key, value, expires_at) VALUES (?, ?, ?, ?) ON CONFLICT (space, key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at',
    );
  }

  get(space: Space, key: string): string | undefined {
    const value = this.#select.get(space, key)?.['value'];
    return typeof value === 'string' ? value : undefined;
  }

  /** Keeps a text until a moment (milliseconds since the epoch), or for good. */
  put(space: Space, key: string, value: string, expiresAt?: number): void {
    this.#upsert.run(space, key, value, expiresAt ?? null);
  }

  close(): void {
    this.#database.close();
  }
}
