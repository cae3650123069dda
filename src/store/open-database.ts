import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import { isBusy } from './sqlite-error.ts';

const AGAIN_MS = 5;
const NEVER = new Int32Array(new SharedArrayBuffer(4));

/** How a database file that several processes use is opened. */
export interface OpenTerms {
  /** How long opening waits for another process that writes, in milliseconds. */
  readonly openWaitMs: number;
  /** How long writing waits from then on. */
  readonly writeWaitMs: number;
  /** Whether what is written must outlive a power cut, not only the end of the process. */
  readonly isDurable?: boolean;
  /** Makes its tables, or brings them up to date. */
  prepare(database: DatabaseSync): void;
}

/** Opens a database, made when it is missing, that its owner alone can read. Throws when it cannot be used. */
export function openDatabase(file: string, terms: OpenTerms): DatabaseSync {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  // Made before SQLite makes it, which would let others read it; its journals follow its mode.
  closeSync(openSync(file, 'a', 0o600));
  chmodSync(file, 0o600);
  const database = new DatabaseSync(file);
  try {
    database.exec(`
      PRAGMA busy_timeout = ${terms.openWaitMs};
      PRAGMA synchronous = ${terms.isDurable === true ? 'FULL' : 'NORMAL'};
    `);
    useLog(database, terms.openWaitMs);
    terms.prepare(database);
    database.exec(`PRAGMA busy_timeout = ${terms.writeWaitMs}`);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/**
 * Has the file written by way of a log, so that reading and writing do not wait for each other. SQLite refuses that change at once,
 * whatever the timeout says, while another process that opens the same new file is about to write: it is asked again.
 */
function useLog(database: DatabaseSync, waitMs: number): void {
  const until = performance.now() + waitMs;
  for (;;) {
    try {
      database.exec('PRAGMA journal_mode = WAL');
      return;
    } catch (error) {
      if (!isBusy(error) || performance.now() >= until) throw error;
      Atomics.wait(NEVER, 0, 0, AGAIN_MS);
    }
  }
}
