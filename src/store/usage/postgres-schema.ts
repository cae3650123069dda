import type { PoolClient } from 'pg';

import type { PostgresPool } from './postgres-pool.ts';

/** What leads from each version of the tables to the next; never changed once released, only added to. */
const STEPS: readonly (readonly string[])[] = [
  [
    ...['minute', 'hour', 'day'].map(
      (rollup) => `CREATE TABLE mcpx_usage_${rollup} (
        start timestamptz NOT NULL,
        consumer text NOT NULL,
        client text NOT NULL,
        server text NOT NULL,
        tool text NOT NULL,
        method text NOT NULL,
        outcome text NOT NULL,
        calls bigint NOT NULL,
        gateway_ms double precision NOT NULL,
        upstream_calls bigint NOT NULL,
        upstream_ms double precision NOT NULL,
        counted bigint NOT NULL,
        estimates bigint NOT NULL,
        argument_tokens bigint NOT NULL,
        result_tokens bigint NOT NULL,
        priced bigint NOT NULL,
        cost double precision NOT NULL,
        request_bytes bigint NOT NULL,
        result_chars bigint NOT NULL,
        gateway_sketch bytea NOT NULL,
        upstream_sketch bytea NOT NULL,
        PRIMARY KEY (start, consumer, client, server, tool, method, outcome)
      )`,
    ),
    `CREATE TABLE mcpx_usage_writer (
      writer text PRIMARY KEY,
      number bigint NOT NULL,
      at timestamptz NOT NULL
    )`,
  ],
];

/** The lock that all writers of all gateways take in turn, in the two numbers of an advisory lock. */
const LOCK = '1835233400, 23';
/** The same for those who remove what is old, who do not wait for it. */
const PRUNE_LOCK = '1835233400, 24';

/** Takes the lock of writers until the transaction ends. */
export async function lockToWrite(client: PoolClient): Promise<void> {
  await client.query(`SELECT pg_advisory_xact_lock(${LOCK})`);
}

/** Takes the lock of those who remove until the transaction ends; whether nobody else had it. */
export async function lockToRemove(client: PoolClient): Promise<boolean> {
  const { rows } = await client.query<{ has: boolean }>(
    `SELECT pg_try_advisory_xact_lock(${PRUNE_LOCK}) AS has`,
  );
  return rows[0]?.has === true;
}

/** Brings the tables of any earlier version to this one. Rejects for tables of a later version, which are left as they are. */
export async function migrate(pool: PostgresPool): Promise<void> {
  const isCurrent = await pool.transaction('BEGIN', hasTables);
  if (isCurrent) return;
  await pool.transaction('BEGIN', async (client) => {
    await lockToWrite(client);
    await client.query('CREATE TABLE IF NOT EXISTS mcpx_usage_schema (version integer NOT NULL)');
    // Another gateway may have been quicker.
    const version = await versionOf(client);
    for (const text of STEPS.slice(version).flat()) await client.query(text);
    await client.query('DELETE FROM mcpx_usage_schema');
    await client.query('INSERT INTO mcpx_usage_schema VALUES ($1)', [STEPS.length]);
  });
}

/** Whether there are tables of this version. Rejects where they are of a later one. */
export async function hasTables(client: PoolClient): Promise<boolean> {
  const { rows } = await client.query<{ has: boolean }>(
    `SELECT to_regclass('mcpx_usage_schema') IS NOT NULL AS has`,
  );
  return rows[0]?.has === true && (await versionOf(client)) === STEPS.length;
}

async function versionOf(client: PoolClient): Promise<number> {
  const { rows } = await client.query<{ version: number }>('SELECT version FROM mcpx_usage_schema');
  const version = rows[0]?.version ?? 0;
  if (version > STEPS.length)
    throw new Error('a newer version of mcpx wrote the tables; use that version, or a newer one');
  return version;
}
