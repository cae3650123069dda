import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import { isBusy } from './sqlite-error.ts';

/** A name that one process holds until it lets it go or ends, however it ends; keep this as long: garbage holds nothing. */
export interface LifeLock {
  /** Lets the name go. */
  release(): void;
}

/**
 * Holds a name below a folder; undefined when another process holds it. The operating system lets a name go when its process
 * ends, so that neither a killed process nor a reused process id leaves one held. Throws when the folder cannot be written.
 */
export function holdLife(folder: string, name: string): LifeLock | undefined {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = fileOf(folder, name);
  const database = new DatabaseSync(file);
  try {
    // Without a journal on disk: a lock must be had on a full one too.
    database.exec(
      'PRAGMA busy_timeout = 0; PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE',
    );
  } catch (error) {
    database.close();
    if (isBusy(error)) return undefined;
    throw error;
  }
  return {
    release() {
      // Removed while it is held: whoever opens it meanwhile finds it held, not a name without a file.
      const isRemoved = remove(file);
      database.close();
      if (!isRemoved) remove(file);
    },
  };
}

/** Whether a process that runs holds a name. */
export function isHeld(folder: string, name: string): boolean {
  const file = fileOf(folder, name);
  if (!existsSync(file)) return false;
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file, { readOnly: true });
    database.exec('PRAGMA busy_timeout = 0');
    database.prepare('SELECT count(*) FROM sqlite_master').get();
    return false;
  } catch (error) {
    if (isBusy(error)) return true;
    // Let go in this very moment.
    if (!existsSync(file)) return false;
    throw error;
  } finally {
    database?.close();
  }
}

/** Where a file that is open cannot be removed, it is removed later. */
function remove(file: string): boolean {
  try {
    rmSync(file, { force: true });
    return true;
  } catch {
    return false;
  }
}

function fileOf(folder: string, name: string): string {
  return join(folder, `${name}.lock`);
}
