import { join } from 'node:path';
import type { DatabaseSync, StatementSync } from 'node:sqlite';

import type { BudgetRow } from '../kernel/budget-row.ts';
import { openDatabase } from './open-database.ts';
import { inTransaction } from './transaction.ts';
import { unusable } from './unusable.ts';

/** Version of the table; to be raised with every change of it. */
const VERSION = 1;
/** An exchange happens while calls wait; what cannot be written now is written with the next. */
const WAIT_MS = 50;
const OPEN_WAIT_MS = 2000;
/** Rows of windows that are over are removed this much later, so that a clock that is set back a little finds them. */
const KEPT_MS = 60_000;
const PRUNE_EVERY_MS = 60_000;
const MAX_LOADED = 50_000;
const MAX_CHANGED = 5000;
const MAX_PRUNED = 5000;

const TABLES = `
  CREATE TABLE budget (
    counted TEXT NOT NULL, key TEXT NOT NULL, starts_at INTEGER NOT NULL, ends_at INTEGER NOT NULL,
    calls INTEGER NOT NULL, tokens INTEGER NOT NULL, cost REAL NOT NULL, change INTEGER NOT NULL,
    PRIMARY KEY (counted, key, starts_at)
  ) STRICT, WITHOUT ROWID;
  CREATE UNIQUE INDEX budget_change ON budget (change);
  CREATE INDEX budget_end ON budget (ends_at);
  CREATE TABLE last_change (number INTEGER NOT NULL) STRICT;
  INSERT INTO last_change VALUES (0);
  PRAGMA user_version = ${VERSION};
`;

const COLUMNS = 'counted, key, starts_at, ends_at, calls, tokens, cost, change';

const ADD = `
  INSERT INTO budget (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (counted, key, starts_at) DO UPDATE SET
    calls = calls + excluded.calls, tokens = tokens + excluded.tokens, cost = cost + excluded.cost,
    ends_at = excluded.ends_at, change = excluded.change
`;

const PRUNE = `
  DELETE FROM budget WHERE (counted, key, starts_at) IN (
    SELECT counted, key, starts_at FROM budget WHERE ends_at <= ? LIMIT ${MAX_PRUNED}
  )
`;

type Row = Readonly<Record<string, unknown>>;

/**
 * What budgets have used, in `limits.db` below a folder, which several processes add to. Every change has a number, by which
 * each process finds what the others have changed.
 */
export class BudgetTable {
  readonly #database: DatabaseSync;
  readonly #add: StatementSync;
  readonly #changed: StatementSync;
  readonly #prune: StatementSync;
  #seen: number;
  #version: unknown;
  #prunedAt = Number.NEGATIVE_INFINITY;

  /** Opens the table, made when it is missing. Throws, naming the file, when it cannot be used. */
  constructor(folder: string) {
    const file = join(folder, 'limits.db');
    try {
      this.#database = openDatabase(file, {
        openWaitMs: OPEN_WAIT_MS,
        writeWaitMs: WAIT_MS,
        prepare: prepareTables,
      });
      this.#add = this.#database.prepare(ADD);
      this.#changed = this.#database.prepare(
        `SELECT ${COLUMNS} FROM budget WHERE change > ? ORDER BY change LIMIT ${MAX_CHANGED}`,
      );
      this.#prune = this.#database.prepare(PRUNE);
      this.#seen = this.#lastChange();
    } catch (error) {
      const loss = 'what budgets have used so far is forgotten then';
      throw unusable({ what: 'The budgets', file, loss }, error);
    }
  }

  /** What was counted under these names in windows that are not over at a moment (milliseconds since the epoch). */
  load(counted: readonly string[], now: number): readonly BudgetRow[] {
    const select = this.#database.prepare(
      `SELECT ${COLUMNS} FROM budget WHERE counted = ? AND ends_at > ? LIMIT ${MAX_LOADED}`,
    );
    return counted.flatMap((each) => select.all(each, now).map((row) => rowOf(row)));
  }

  /** Adds amounts, and returns the rows that changed since the last time, whoever changed them. Throws where nothing was added. */
  exchange(added: readonly BudgetRow[], now: number): readonly BudgetRow[] {
    const isDue = Math.abs(now - this.#prunedAt) >= PRUNE_EVERY_MS;
    if (added.length > 0 || isDue) this.#write(added, now, isDue);
    else if (this.#version === this.#currentVersion()) return [];
    return this.#news();
  }

  close(): void {
    this.#database.close();
  }

  #write(added: readonly BudgetRow[], now: number, isDue: boolean): void {
    let pruned = 0;
    inTransaction(this.#database, () => {
      let number = this.#lastChange();
      for (const { counted, key, startsAt, endsAt, calls, tokens, cost } of added) {
        number += 1;
        this.#add.run(counted, key, startsAt, endsAt, calls, tokens, cost, number);
      }
      this.#database.prepare('UPDATE last_change SET number = ?').run(number);
      if (isDue) pruned = Number(this.#prune.run(now - KEPT_MS).changes);
    });
    // Where there are more, the next exchange goes on.
    if (isDue && pruned < MAX_PRUNED) this.#prunedAt = now;
  }

  #news(): readonly BudgetRow[] {
    // Read before the rows: what another process writes meanwhile is news once more.
    const version = this.#currentVersion();
    const rows = this.#changed.all(this.#seen);
    this.#seen = Number(rows.at(-1)?.['change'] ?? this.#seen);
    // As many as are read at once: there may be more.
    this.#version = rows.length < MAX_CHANGED ? version : undefined;
    return rows.map((row) => rowOf(row));
  }

  #lastChange(): number {
    return Number(this.#database.prepare('SELECT number FROM last_change').get()?.['number'] ?? 0);
  }

  /** Changes when another process writes. */
  #currentVersion(): unknown {
    return this.#database.prepare('PRAGMA data_version').get()?.['data_version'];
  }
}

function prepareTables(database: DatabaseSync): void {
  if (versionOf(database) === VERSION) return;
  inTransaction(database, () => {
    // Another process may have been quicker.
    const version = versionOf(database);
    if (version === 0) database.exec(TABLES);
    else if (version !== VERSION)
      throw new Error('another version of mcpx wrote it; use that version, or delete the file.');
  });
}

function versionOf(database: DatabaseSync): number {
  return Number(database.prepare('PRAGMA user_version').get()?.['user_version']);
}

function rowOf(row: Row): BudgetRow {
  return {
    counted: String(row['counted']),
    key: String(row['key']),
    startsAt: Number(row['starts_at']),
    endsAt: Number(row['ends_at']),
    calls: Number(row['calls']),
    tokens: Number(row['tokens']),
    cost: Number(row['cost']),
  };
}
