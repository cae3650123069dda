import type { PoolClient } from 'pg';

import { mergedSketch } from '../../kernel/sketch.ts';
import {
  ROLLUPS,
  type Rollup,
  type UsageAnswer,
  type UsageBatch,
  type UsageItem,
  type UsageQuery,
} from '../../kernel/usage.ts';
import { Answering, type DatabaseRow } from './answering.ts';
import { PostgresAddress } from './postgres-address.ts';
import { PostgresPool, type PostgresTimes } from './postgres-pool.ts';
import { hasTables, lockToRemove, lockToWrite, migrate } from './postgres-schema.ts';
import {
  additionOf,
  DIALECT,
  NOTE_WRITER,
  REMOVE_WRITERS,
  removalOf,
  sketchesOf,
} from './postgres-statements.ts';
import { statementFor } from './question.ts';
import { keptSince, rolledUp } from './rollups.ts';
import { spanOf } from './span.ts';
import type { Retention, UsageStore } from './usage-store.ts';

/** What a usage store in PostgreSQL needs. */
export interface PostgresUsageTerms {
  /** Address of the database. */
  readonly url: string;
  readonly times?: PostgresTimes;
  retention(): Retention;
  /** Milliseconds since the epoch. */
  now(): number;
}

const TIMES: PostgresTimes = { connectMs: 5000, statementMs: 10_000 };
const REMOVED_AT_ONCE = 5000;
const READING = 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY';

/** Usage in a PostgreSQL database, which any number of gateways may share. Its tables are made when something is added. */
export class PostgresUsageStore implements UsageStore {
  readonly batchItems = 500;
  readonly #terms: PostgresUsageTerms;
  readonly #pool: PostgresPool;
  #migrated: Promise<void> | undefined;

  /** Throws, without telling it, for what is no address of a PostgreSQL database. Connects when it is used. */
  constructor(terms: PostgresUsageTerms) {
    this.#terms = terms;
    this.#pool = new PostgresPool(new PostgresAddress(terms.url), terms.times ?? TIMES);
  }

  async add(batch: UsageBatch): Promise<void> {
    try {
      this.#migrated ??= migrate(this.#pool);
      await this.#migrated;
      await this.#pool.transaction('BEGIN', (client) => addTo(client, batch));
    } catch (error) {
      // It may be another database by the next time.
      this.#migrated = undefined;
      throw error;
    }
  }

  async query(query: UsageQuery): Promise<UsageAnswer> {
    const span = spanOf(query, this.#terms.now(), this.#terms.retention());
    const answering = new Answering(query);
    await this.#pool.transaction(READING, async (client) => {
      if (!(await hasTables(client))) return;
      for (const piece of span.pieces) {
        const { text, values } = statementFor(query, piece, DIALECT);
        const { rows } = await client.query<DatabaseRow>(text, [...values]);
        for (const row of rows) answering.add(row);
      }
    });
    return answering.answer(span);
  }

  async prune(now: number): Promise<void> {
    for (const rollup of ROLLUPS) {
      const horizon = keptSince(rollup, now, this.#terms.retention());
      let removed = REMOVED_AT_ONCE;
      while (removed === REMOVED_AT_ONCE)
        removed = await this.#pool.transaction('BEGIN', async (client) => {
          if (!(await lockToRemove(client))) return 0;
          const { rowCount } = await client.query(removalOf(rollup), [horizon, REMOVED_AT_ONCE]);
          return rowCount ?? 0;
        });
    }
    await this.#pool.transaction('BEGIN', (client) => client.query(REMOVE_WRITERS));
  }

  close(): Promise<void> {
    return this.#pool.close();
  }
}

/** Writers take turns, so what is read here is still so when it is written. */
async function addTo(client: PoolClient, batch: UsageBatch): Promise<void> {
  await lockToWrite(client);
  const { rowCount } = await client.query(NOTE_WRITER, [batch.writer, batch.number]);
  if (rowCount === 0) return;
  for (const [rollup, items] of rolledUp(batch)) {
    const { text, values } = additionOf(rollup, await withKeptSketches(client, rollup, items));
    await client.query(text, values);
  }
}

interface KeptSketches {
  readonly place: string;
  readonly gateway_sketch: Uint8Array;
  readonly upstream_sketch: Uint8Array;
}

/** The items with what is kept of their series in their sketches. */
async function withKeptSketches(
  client: PoolClient,
  rollup: Rollup,
  items: readonly UsageItem[],
): Promise<UsageItem[]> {
  const { text, values } = sketchesOf(rollup, items);
  const { rows } = await client.query<KeptSketches>(text, values);
  const kept = new Map(rows.map((row) => [Number(row.place), row] as const));
  return items.map((item, index) => {
    const present = kept.get(index + 1);
    if (present === undefined) return item;
    return {
      ...item,
      gateway: mergedSketch(present.gateway_sketch, item.gateway),
      upstream: mergedSketch(present.upstream_sketch, item.upstream),
    };
  });
}
