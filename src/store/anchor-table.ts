import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import { openDatabase } from './open-database.ts';
import { inTransaction } from './transaction.ts';
import { unusable } from './unusable.ts';

/** What a chain of the audit has come to. */
export type ChainState = 'open' | 'ended' | 'lost' | 'retired';

/** How far a chain is known to have come. Undefined members: nothing of it was anchored. */
export interface AnchorRow {
  readonly chain: string;
  readonly state: ChainState;
  /** Number of the segment, the line in the chain, and its hash. */
  readonly segment: number | undefined;
  readonly seq: number | undefined;
  readonly hash: string | undefined;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The signed line that says so. */
  readonly proof: string | undefined;
  /** The signed lines that say which segments were removed, oldest first. */
  readonly retirements: readonly string[];
}

/** An anchor as it is written. */
export interface Anchored {
  readonly chain: string;
  readonly state: ChainState;
  readonly segment: number | undefined;
  readonly seq: number | undefined;
  readonly hash: string | undefined;
  readonly at: number;
  readonly proof: string;
}

const FILE = 'audit-anchors.db';
const VERSION = 1;
const OPEN_WAIT_MS = 2000;
/** No call may wait for another process: what cannot be anchored now is anchored a second later. */
const WRITE_WAIT_MS = 50;

type Row = Readonly<Record<string, unknown>>;

/** How far each chain of the audit has come, in `audit-anchors.db` below a folder; shared by all processes that write there. */
export class AnchorTable {
  readonly #database: DatabaseSync;

  /** Opens the table, made when it is missing. Throws, naming the file, when it cannot be used. */
  constructor(folder: string) {
    const file = join(folder, FILE);
    try {
      this.#database = openDatabase(file, {
        openWaitMs: OPEN_WAIT_MS,
        writeWaitMs: WRITE_WAIT_MS,
        prepare: migrate,
      });
    } catch (error) {
      const loss = 'what was removed from the audit before cannot be found out by it then';
      throw unusable({ what: 'The anchors of the audit', file, loss }, error);
    }
  }

  /** Adds a chain, and returns the one that was added before it. Each chain has exactly one such. */
  begin(chain: string, at: number): AnchorRow | undefined {
    // Once in the life of a process; to fail here would refuse calls.
    this.#database.exec(`PRAGMA busy_timeout = ${OPEN_WAIT_MS}`);
    try {
      return inTransaction(this.#database, () => {
        const last = 'SELECT * FROM chain ORDER BY ordinal DESC LIMIT 1';
        const before = this.#database.prepare(last).get();
        this.#database
          .prepare("INSERT INTO chain (chain, state, at) VALUES (?, 'open', ?)")
          .run(chain, at);
        return before && rowOf(before);
      });
    } finally {
      this.#database.exec(`PRAGMA busy_timeout = ${WRITE_WAIT_MS}`);
    }
  }

  /** Notes how far a chain has come, never less far than before, and what it is. Adds it where it is not known. */
  put({ chain, state, segment, seq, hash, at, proof }: Anchored): void {
    inTransaction(this.#database, () => {
      const known = this.find(chain);
      this.#database
        .prepare(
          'INSERT INTO chain (chain, state, at) VALUES (?1, ?2, ?3) ON CONFLICT (chain) DO UPDATE SET state = ?2',
        )
        .run(chain, state, at);
      // What was anchored once is what a chain must still have.
      if ((seq ?? -1) < (known?.seq ?? -1)) return;
      this.#database
        .prepare(
          'UPDATE chain SET segment = ?, seq = ?, hash = ?, at = ?, proof = ? WHERE chain = ?',
        )
        .run(segment ?? null, seq ?? null, hash ?? null, at, proof, chain);
    });
  }

  /** Notes that segments of a chain were removed, by the signed line that says so. */
  retire(chain: string, proof: string, isWhole: boolean): void {
    inTransaction(this.#database, () => {
      const known = this.find(chain);
      // What was removed before is part of what was removed up to now, but for its own proof.
      const retirements = JSON.stringify([...(known?.retirements ?? []), proof].slice(-KEPT));
      this.#database
        .prepare(
          `INSERT INTO chain (chain, state, at, retirements) VALUES (?1, ?2, 0, ?3)
           ON CONFLICT (chain) DO UPDATE SET retirements = ?3, state = CASE WHEN ?4 THEN 'retired' ELSE state END`,
        )
        .run(chain, isWhole ? 'retired' : 'lost', retirements, isWhole ? 1 : 0);
    });
  }

  find(chain: string): AnchorRow | undefined {
    const row = this.#database.prepare('SELECT * FROM chain WHERE chain = ?').get(chain);
    return row && rowOf(row);
  }

  /** All chains, in the order in which they were begun. */
  all(): AnchorRow[] {
    return this.#database
      .prepare('SELECT * FROM chain ORDER BY ordinal')
      .all()
      .map((row) => rowOf(row));
  }

  close(): void {
    this.#database.close();
  }
}

/** Of removals, the last is what proves where a chain begins now; one more for whoever verifies meanwhile. */
const KEPT = 2;

/** All chains as they were noted, without anything being made where there is nothing. Throws when what is there cannot be read. */
export function readAnchors(folder: string): AnchorRow[] {
  const file = join(folder, FILE);
  if (!existsSync(file)) return [];
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    database.exec(`PRAGMA busy_timeout = ${OPEN_WAIT_MS}`);
    // One that is being made right now has no table yet.
    if (versionOf(database) === 0) return [];
    const rows = database.prepare('SELECT * FROM chain ORDER BY ordinal').all();
    return rows.map((row) => rowOf(row));
  } finally {
    database.close();
  }
}

function migrate(database: DatabaseSync): void {
  if (versionOf(database) === VERSION) return;
  inTransaction(database, () => {
    const version = versionOf(database);
    if (version > VERSION)
      throw new Error('a newer version of mcpx wrote it; use that version, or a newer one.');
    if (version === VERSION) return;
    database.exec(`
      CREATE TABLE chain (
        ordinal INTEGER PRIMARY KEY AUTOINCREMENT,
        chain TEXT NOT NULL UNIQUE,
        state TEXT NOT NULL,
        segment INTEGER,
        seq INTEGER,
        hash TEXT,
        at INTEGER NOT NULL,
        proof TEXT,
        retirements TEXT
      ) STRICT;
      PRAGMA user_version = ${VERSION};
    `);
  });
}

function versionOf(database: DatabaseSync): number {
  return Number(database.prepare('PRAGMA user_version').get()?.['user_version']);
}

function rowOf(row: Row): AnchorRow {
  return {
    chain: String(row['chain']),
    state: row['state'] as ChainState,
    segment: numberOf(row['segment']),
    seq: numberOf(row['seq']),
    hash: textOf(row['hash']),
    at: Number(row['at']),
    proof: textOf(row['proof']),
    retirements: listOf(row['retirements']),
  };
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function listOf(value: unknown): string[] {
  if (typeof value !== 'string') return [];
  const list: unknown = JSON.parse(value);
  return Array.isArray(list) ? list.filter((item) => typeof item === 'string') : [];
}
