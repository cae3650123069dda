import type { Rollup } from '../../kernel/usage.ts';
import { COLUMNS, COUNT_COLUMNS, KEY_COLUMNS, SKETCH_COLUMNS } from './columns.ts';

/** Adds one item to a table; its parameters are those of `rowOf`. */
export const UPSERTS: Readonly<Record<Rollup, string>> = {
  minute: upsert('minute'),
  hour: upsert('hour'),
  day: upsert('day'),
};

function upsert(rollup: Rollup): string {
  const sums = [
    ...COUNT_COLUMNS.map((column) => `${column} = ${column} + excluded.${column}`),
    ...SKETCH_COLUMNS.map((column) => `${column} = merged_sketch(${column}, excluded.${column})`),
  ];
  return `INSERT INTO usage_${rollup} (${COLUMNS.join(', ')}) VALUES (${COLUMNS.map(() => '?').join(', ')})
    ON CONFLICT (${KEY_COLUMNS.join(', ')}) DO UPDATE SET ${sums.join(', ')}`;
}

/** Notes the number of a writer's batch, and when; changes nothing where the batch was added before. */
export const NOTE_WRITER = `INSERT INTO usage_writer (writer, number, at) VALUES (?, ?, ?)
  ON CONFLICT (writer) DO UPDATE SET number = excluded.number, at = excluded.at
  WHERE excluded.number > usage_writer.number`;

/** Forgets writers that were not heard of since a moment. */
export const REMOVE_WRITERS = 'DELETE FROM usage_writer WHERE at < ?';

/** Removes rollups that began before a moment, no more than so many. */
export function removal(rollup: Rollup): string {
  const key = KEY_COLUMNS.join(', ');
  return `DELETE FROM usage_${rollup} WHERE (${key}) IN (
    SELECT ${key} FROM usage_${rollup} WHERE start < ? LIMIT ?)`;
}
