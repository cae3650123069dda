import type { Outcome } from '../../kernel/entry.ts';
import type { Rollup, UsageQuery } from '../../kernel/usage.ts';
import { COUNT_COLUMNS, SKETCH_COLUMNS } from './columns.ts';
import type { Piece } from './span.ts';

/** How a database writes what others write differently. */
export interface Dialect {
  table(rollup: Rollup): string;
  /** The parameter of this number, from 1 on. */
  parameter(number: number): string;
  /** A moment as it is kept, of milliseconds since the epoch. */
  moment(milliseconds: string): string;
  /** The reverse. */
  milliseconds(moment: string): string;
  /** A sum that arrives as a number. */
  sum(column: string, condition?: string): string;
  /** All sketches in a row, as hexadecimal digits. */
  sketches(column: string): string;
}

/** A text of SQL and its parameters. */
export interface Statement {
  readonly text: string;
  readonly values: readonly (number | string)[];
}

/** Every way a call can end, each counted in a column of its own; `input-required` is the end of none. */
export const OUTCOMES: readonly Outcome[] = [
  'ok',
  'tool-error',
  'error',
  'refused',
  'timed-out',
  'cancelled',
  'crashed',
];

/** Rows an answer may be made of. */
export const MOST_ROWS = 10_000;

/** The columns of one reading: when, by what, all counts, the outcomes, the sketches. */
export function statementFor(query: UsageQuery, piece: Piece, dialect: Dialect): Statement {
  const { by, step } = query;
  const values: (number | string)[] = [];
  const parameter = (value: number | string): string => dialect.parameter(values.push(value));
  const groups = [...(step === 'total' ? [] : ['start']), ...by];
  const columns = [
    ...(step === 'total' ? [] : [`${dialect.milliseconds('start')} AS at`]),
    ...by,
    ...COUNT_COLUMNS.map((column) => `${dialect.sum(column)} AS ${column}`),
    ...OUTCOMES.map((outcome, index) => {
      // Texts of this file: nothing of a caller's is in them.
      return `${dialect.sum('calls', `outcome = '${outcome}'`)} AS outcome_${index}`;
    }),
    ...SKETCH_COLUMNS.map((column) => `${dialect.sketches(column)} AS ${column}`),
  ];
  const conditions = [
    `start >= ${dialect.moment(parameter(piece.from))}`,
    `start < ${dialect.moment(parameter(piece.to))}`,
    ...filtersOf(query, parameter),
  ];
  const grouping = groups.length === 0 ? '' : ` GROUP BY ${groups.join(', ')}`;
  const text = `SELECT ${columns.join(', ')} FROM ${dialect.table(piece.rollup)} WHERE ${conditions.join(' AND ')}${grouping} LIMIT ${MOST_ROWS + 1}`;
  return { text, values };
}

function filtersOf({ filters }: UsageQuery, parameter: (value: string) => string): string[] {
  return Object.entries(filters).map(([dimension, wanted]) => {
    // Names of servers are the same in any case.
    const isAnyCase = dimension === 'server';
    const list = wanted.map((text) => parameter(isAnyCase ? text.toLowerCase() : text));
    const column = isAnyCase ? `lower(${dimension})` : dimension;
    return list.length === 0 ? 'false' : `${column} IN (${list.join(', ')})`;
  });
}
