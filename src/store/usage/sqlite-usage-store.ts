import type { DatabaseSync } from 'node:sqlite';

import { ROLLUPS, type UsageAnswer, type UsageBatch, type UsageQuery } from '../../kernel/usage.ts';
import { inTransaction } from '../transaction.ts';
import { unusable } from '../unusable.ts';
import { rowOf } from './columns.ts';
import { keptSince, rolledUp } from './rollups.ts';
import { openToWrite } from './sqlite-schema.ts';
import { NOTE_WRITER, REMOVE_WRITERS, removal, UPSERTS } from './sqlite-statements.ts';
import { SqliteThread } from './sqlite-thread.ts';
import type { Retention, UsageStore } from './usage-store.ts';

/** What a usage store in a file needs. */
export interface SqliteUsageTerms {
  readonly file: string;
  retention(): Retention;
  /** Milliseconds since the epoch. */
  now(): number;
}

/** Another process that writes is waited for no longer, for calls wait too; what could not be added is added again. */
const WRITE_WAIT_MS = 50;
/** A process that wrote nothing for so long will not add a batch again. */
const WRITER_MS = 7 * 86_400_000;
/** Rows removed at once. */
const REMOVED_AT_ONCE = 500;

/** Usage in a file of SQLite, which several processes may write to and read at once. */
export class SqliteUsageStore implements UsageStore {
  /** Nothing else runs while they are added, which takes about a millisecond. */
  readonly batchItems = 25;
  readonly #terms: SqliteUsageTerms;
  readonly #thread = new SqliteThread();
  #database: DatabaseSync | undefined;
  #isClosed = false;

  constructor(terms: SqliteUsageTerms) {
    this.#terms = terms;
  }

  async add(batch: UsageBatch): Promise<void> {
    await turn();
    this.#write((database) => {
      const { writer, number } = batch;
      const now = Math.floor(this.#terms.now());
      const note = database.prepare(NOTE_WRITER).run(writer, number, now);
      if (note.changes === 0) return;
      for (const [rollup, items] of rolledUp(batch)) {
        const upsert = database.prepare(UPSERTS[rollup]);
        for (const item of items) upsert.run(...rowOf(item));
      }
    });
  }

  /** Answered in a thread of its own, one query after the other. */
  async query(query: UsageQuery): Promise<UsageAnswer> {
    if (this.#isClosed) throw new Error('the usage store is closed');
    const { file } = this.#terms;
    const now = this.#terms.now();
    return this.#thread.ask({ file, query, now, retention: this.#terms.retention() });
  }

  async prune(now: number): Promise<void> {
    for (const rollup of ROLLUPS) {
      const horizon = keptSince(rollup, now, this.#terms.retention());
      let removed = REMOVED_AT_ONCE;
      while (removed === REMOVED_AT_ONCE) {
        await turn();
        removed = this.#write((database) =>
          Number(database.prepare(removal(rollup)).run(horizon, REMOVED_AT_ONCE).changes),
        );
      }
    }
    this.#write((database) => database.prepare(REMOVE_WRITERS).run(now - WRITER_MS));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#end();
    await this.#thread.close();
  }

  /** Writes all or nothing. After a failure the file is opened anew: it may be another one by then. */
  #write<T>(work: (database: DatabaseSync) => T): T {
    if (this.#isClosed) throw new Error('the usage store is closed');
    try {
      this.#database ??= openToWrite(this.#terms.file, WRITE_WAIT_MS);
      const database = this.#database;
      return inTransaction(database, () => work(database));
    } catch (error) {
      this.#end();
      const loss = 'what was used so far is forgotten then';
      throw unusable({ what: 'Usage', file: this.#terms.file, loss }, error);
    }
  }

  #end(): void {
    this.#database?.close();
    this.#database = undefined;
  }
}

/** Lets everything else go first: what is done here is done in small steps. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
