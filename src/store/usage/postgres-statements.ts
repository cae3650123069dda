import { COUNTS, DIMENSIONS, type Rollup, type UsageItem } from '../../kernel/usage.ts';
import {
  COLUMNS,
  COUNT_COLUMNS,
  isFraction,
  KEY_COLUMNS,
  rowOf,
  SKETCH_COLUMNS,
} from './columns.ts';
import type { Dialect } from './question.ts';

/** How PostgreSQL writes a question. */
export const DIALECT: Dialect = {
  table: tableOf,
  parameter: (number) => `$${number}`,
  moment: (milliseconds) => `to_timestamp(${milliseconds}::double precision / 1000)`,
  milliseconds: (moment) => `(extract(epoch FROM ${moment}) * 1000)::double precision`,
  sum: (column, condition) => {
    const filter = condition === undefined ? '' : ` FILTER (WHERE ${condition})`;
    return `(sum(${column})${filter})::double precision`;
  },
  sketches: (column) => `encode(string_agg(${column}, ''::bytea), 'hex')`,
};

/** A text of SQL and its parameters. */
export interface Command {
  readonly text: string;
  readonly values: unknown[];
}

const KEY_TYPES: readonly string[] = ['timestamptz', ...DIMENSIONS.map(() => 'text')];
const TYPES: readonly string[] = [
  ...KEY_TYPES,
  ...COUNTS.map((count) => (isFraction(count) ? 'double precision' : 'bigint')),
  ...SKETCH_COLUMNS.map(() => 'bytea'),
];

/** The sketches that are kept already, each with the place of its item among these, from 1 on. */
export function sketchesOf(rollup: Rollup, items: readonly UsageItem[]): Command {
  const key = KEY_COLUMNS.join(', ');
  return {
    text: `SELECT place, ${SKETCH_COLUMNS.join(', ')}
      FROM unnest(${parametersOf(KEY_TYPES)}) WITH ORDINALITY AS wanted (${key}, place)
      JOIN ${tableOf(rollup)} USING (${key})`,
    values: columnsOf(items).slice(0, KEY_TYPES.length),
  };
}

/** Adds the counts of items, and puts their sketches in place of those that are kept. */
export function additionOf(rollup: Rollup, items: readonly UsageItem[]): Command {
  const sets = [
    ...COUNT_COLUMNS.map((column) => `${column} = kept.${column} + excluded.${column}`),
    ...SKETCH_COLUMNS.map((column) => `${column} = excluded.${column}`),
  ];
  return {
    text: `INSERT INTO ${tableOf(rollup)} AS kept (${COLUMNS.join(', ')})
      SELECT * FROM unnest(${parametersOf(TYPES)})
      ON CONFLICT (${KEY_COLUMNS.join(', ')}) DO UPDATE SET ${sets.join(', ')}`,
    values: columnsOf(items),
  };
}

/** Notes the number of a writer's batch; changes no row where the batch was added before. */
export const NOTE_WRITER = `INSERT INTO mcpx_usage_writer AS kept (writer, number, at) VALUES ($1, $2, now())
  ON CONFLICT (writer) DO UPDATE SET number = excluded.number, at = excluded.at
  WHERE excluded.number > kept.number`;

/** Forgets writers that were not heard of for a week: they will not add a batch again. */
export const REMOVE_WRITERS = `DELETE FROM mcpx_usage_writer WHERE at < now() - interval '7 days'`;

/** Removes rollups that began before a moment, no more than so many. */
export function removalOf(rollup: Rollup): string {
  const table = tableOf(rollup);
  return `DELETE FROM ${table} WHERE ctid IN (
    SELECT ctid FROM ${table} WHERE start < ${DIALECT.moment('$1')} LIMIT $2)`;
}

function tableOf(rollup: Rollup): string {
  return `mcpx_usage_${rollup}`;
}

function parametersOf(types: readonly string[]): string {
  return types.map((type, index) => `$${index + 1}::${type}[]`).join(', ');
}

/** One list for each of COLUMNS. */
function columnsOf(items: readonly UsageItem[]): unknown[][] {
  const rows = items.map((item) => [new Date(item.start).toISOString(), ...rowOf(item).slice(1)]);
  return COLUMNS.map((_column, index) => rows.map((row) => row[index]));
}
