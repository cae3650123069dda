import { existsSync } from 'node:fs';

import type { UsageAnswer, UsageQuery } from '../../kernel/usage.ts';
import { Answering } from './answering.ts';
import { statementFor, type Dialect } from './question.ts';
import { spanOf } from './span.ts';
import { openToRead } from './sqlite-schema.ts';
import type { Retention } from './usage-store.ts';

/** A query and where it is to be answered from. */
export interface FileQuery {
  readonly file: string;
  readonly query: UsageQuery;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly retention: Retention;
}

const DIALECT: Dialect = {
  table: (rollup) => `usage_${rollup}`,
  parameter: (number) => `?${number}`,
  moment: (milliseconds) => milliseconds,
  milliseconds: (moment) => moment,
  sum: (column, condition) =>
    `sum(${column})${condition === undefined ? '' : ` FILTER (WHERE ${condition})`}`,
  sketches: (column) => `group_concat(hex(${column}), '')`,
};

/** Answers a query from a file; from one that does not exist, that nothing was used. Throws Refusal where the answer is too long. */
export function answerFromFile({ file, query, now, retention }: FileQuery): UsageAnswer {
  const span = spanOf(query, now, retention);
  const answering = new Answering(query);
  const database = existsSync(file) ? openToRead(file) : undefined;
  if (database === undefined) return answering.answer(span);
  try {
    database.exec(`PRAGMA busy_timeout = ${READ_WAIT_MS}; BEGIN`);
    for (const piece of span.pieces) {
      const { text, values } = statementFor(query, piece, DIALECT);
      for (const row of database.prepare(text).iterate(...values)) answering.add(row);
    }
    return answering.answer(span);
  } finally {
    database.close();
  }
}

const READ_WAIT_MS = 2000;
