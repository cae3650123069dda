import type { Pool, PoolClient } from 'pg';

import { Refusal } from '../../kernel/refusals.ts';
import type { PostgresAddress } from './postgres-address.ts';

/** How long things may take, in milliseconds. */
export interface PostgresTimes {
  readonly connectMs: number;
  /** A statement, for the server; a bit more for this side, where the server says nothing at all. */
  readonly statementMs: number;
}

const MOST_CLIENTS = 2;
const IDLE_MS = 30_000;
const GRACE_MS = 2000;

/** A few connections to a PostgreSQL database, made when they are needed. What fails is told without the password. */
export class PostgresPool {
  readonly #address: PostgresAddress;
  readonly #times: PostgresTimes;
  readonly #active = new Set<PoolClient>();
  #pool: Promise<Pool> | undefined;
  #closing: Promise<void> | undefined;

  constructor(address: PostgresAddress, times: PostgresTimes) {
    this.#address = address;
    this.#times = times;
  }

  /** Does some work in a transaction: all of it, or nothing where it rejects. Where the connection is lost at the end, either. */
  async transaction<T>(begin: Begin, work: (client: PoolClient) => Promise<T>): Promise<T> {
    if (this.#closing !== undefined) throw new Error('the usage store is closed');
    let client: PoolClient | undefined;
    let isDone = false;
    try {
      client = await this.#connect();
      await client.query(`${begin}; ${this.#settings()}`);
      const result = await work(client);
      await client.query('COMMIT');
      isDone = true;
      return result;
    } catch (error) {
      throw error instanceof Refusal ? error : this.#address.failure(error);
    } finally {
      // What failed ends with its connection, whose state nobody knows.
      if (client !== undefined && this.#active.delete(client)) client.release(!isDone);
    }
  }

  /** Ends all connections, also those that wait for an answer. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    for (const client of this.#active) client.release(true);
    this.#active.clear();
    const pool = await this.#pool?.catch(() => undefined);
    if (pool === undefined) return;
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, GRACE_MS);
    });
    await Promise.race([pool.end(), tooLate]);
    clearTimeout(timer);
  }

  async #connect(): Promise<PoolClient> {
    this.#pool ??= this.#open();
    const client = await (await this.#pool).connect();
    this.#active.add(client);
    return client;
  }

  async #open(): Promise<Pool> {
    const { Pool } = await import('pg');
    const { connectMs, statementMs } = this.#times;
    const pool = new Pool({
      connectionString: this.#address.url,
      application_name: 'mcpx',
      max: MOST_CLIENTS,
      connectionTimeoutMillis: connectMs,
      query_timeout: statementMs + connectMs,
      idleTimeoutMillis: IDLE_MS,
      allowExitOnIdle: true,
      keepAlive: true,
    });
    // A connection that is lost fails what it is needed for; when it is needed for nothing, that is no failure.
    pool.on('error', () => undefined);
    pool.on('connect', (client) => client.on('error', () => undefined));
    return pool;
  }

  /** Said anew in each transaction, for a connection may be shared behind a pooler. */
  #settings(): string {
    const { statementMs } = this.#times;
    return [
      `SET LOCAL statement_timeout = ${statementMs}`,
      `SET LOCAL lock_timeout = ${statementMs}`,
      `SET LOCAL idle_in_transaction_session_timeout = ${statementMs}`,
      // Compiling a query of ours takes longer than running it.
      'SET LOCAL jit = off',
    ].join('; ');
  }
}

/** How a transaction begins. */
export type Begin = 'BEGIN' | 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY';
