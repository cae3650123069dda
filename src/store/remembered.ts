import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import type { Space } from './sqlite-store.ts';

/**
 * The texts a gateway keeps under these keys of a space, by key; without one that is running being disturbed, and without
 * anything being made where there is none. Throws when what is there cannot be read.
 */
export function remembered(
  folder: string,
  space: Space,
  keys: readonly string[],
): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const file = join(folder, 'mcpx.db');
  if (!existsSync(file)) return found;
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    if (!hasRecords(database)) return found;
    const select = database.prepare('SELECT value FROM record WHERE space = ? AND key = ?');
    for (const key of keys) {
      const value = select.get(space, key)?.['value'];
      if (typeof value === 'string') found.set(key, value);
    }
    return found;
  } finally {
    database.close();
  }
}

/** A file that was just made, or one of another version, has no such table. */
function hasRecords(database: DatabaseSync): boolean {
  const select = database.prepare(
    "SELECT count(*) AS columns FROM pragma_table_info('record') WHERE name IN ('space', 'key', 'value')",
  );
  return select.get()?.['columns'] === 3;
}
