import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';

import type { KeyRecord } from '../kernel/key-record.ts';
import { migrate } from './key-schema.ts';
import { openDatabase } from './open-database.ts';
import { inTransaction } from './transaction.ts';
import { unusable } from './unusable.ts';

/** What a table of keys needs. */
export interface KeyTableTerms {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Told of what could not be read or written while the gateway runs. */
  onError?(error: unknown): void;
  /** Told when a key is used that was not used before, as far as this process knows. */
  onFirstUse?(record: KeyRecord): void;
}

/** How long what was read is believed: a key that another process revokes is refused after that. */
const READ_MS = 1000;
/** How precisely it is known when a key was used last. */
const USED_MS = 60_000;
const FLUSH_MS = 250;
const WRITE_WAIT_MS = 2000;
const FLUSH_WAIT_MS = 50;

type Row = Readonly<Record<string, unknown>>;

/**
 * The named API keys, in `access.db` below a folder: a database of its own, which a running gateway and `mcpx keys` share.
 * What one process writes the others see within a second.
 */
export class KeyTable {
  readonly #terms: KeyTableTerms;
  readonly #database: DatabaseSync;
  readonly #uses = new Map<string, number>();
  #records: ReadonlyMap<string, KeyRecord> = new Map();
  #consumers: ReadonlySet<string> = new Set();
  #readAt = Number.NEGATIVE_INFINITY;
  #version: unknown;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  /** Opens the table, made when it is missing. Throws, naming the file, when it cannot be used. */
  constructor(folder: string, terms: KeyTableTerms) {
    this.#terms = terms;
    const file = join(folder, 'access.db');
    try {
      this.#database = openDatabase(file, {
        openWaitMs: WRITE_WAIT_MS,
        writeWaitMs: WRITE_WAIT_MS,
        // A revocation must outlive a power cut.
        isDurable: true,
        prepare: migrate,
      });
      this.#read();
    } catch (error) {
      const loss = 'every key must be made anew then';
      throw unusable({ what: 'The API keys', file, loss }, error);
    }
  }

  find(id: string): KeyRecord | undefined {
    this.#refresh();
    return this.#records.get(id);
  }

  /** Consumers that have a key, also where it is revoked or expired (docs/rules.md R20). */
  boundConsumers(): ReadonlySet<string> {
    this.#refresh();
    return this.#consumers;
  }

  /** Notes when a key was used, to the minute; written later, so that no call waits for it. */
  used(id: string, at: number): void {
    const record = this.#records.get(id);
    const last = this.#uses.get(id) ?? record?.lastUsedAt;
    if (this.#isClosed || (last !== undefined && Math.abs(at - last) < USED_MS)) return;
    if (last === undefined && record !== undefined) this.#terms.onFirstUse?.(record);
    this.#uses.set(id, at);
    this.#timer ??= setTimeout(() => this.#flush(), FLUSH_MS).unref();
  }

  /** Adds a key. Throws when a key that still holds has the same name, or any key the same id. */
  create(record: KeyRecord): void {
    inTransaction(this.#database, () => {
      const now = this.#terms.now();
      if (this.#all().some((key) => key.name === record.name && isLive(key, now)))
        throw new Error(
          `A key named "${record.name}" exists and still holds. Choose another name, or revoke that key first.`,
        );
      this.#database
        .prepare(
          'INSERT INTO access_key (id, name, digest, consumer, created_at, expires_at, revoked_at, last_used_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
        )
        .run(
          record.id,
          record.name,
          record.digest,
          record.consumer,
          record.createdAt,
          record.expiresAt ?? null,
          record.revokedAt ?? null,
          record.lastUsedAt ?? null,
        );
    });
    this.#read();
  }

  /** All keys as they are now, oldest first; revoked and expired ones too. */
  list(): KeyRecord[] {
    return this.#all();
  }

  /**
   * Revokes the key with this id, or else the one with this name: of several the newest that is not revoked. The result is the
   * key as it is now, with the moment it was first revoked; undefined when there is no such key.
   */
  revoke(idOrName: string, at: number): KeyRecord | undefined {
    const id = inTransaction(this.#database, () => {
      const found = pick(this.#all(), idOrName)?.id;
      const update = 'UPDATE access_key SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL';
      if (found !== undefined) this.#database.prepare(update).run(at, found);
      return found;
    });
    this.#read();
    return id === undefined ? undefined : this.#records.get(id);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#flush();
    this.#isClosed = true;
    this.#database.close();
  }

  #refresh(): void {
    const now = this.#terms.now();
    const age = now - this.#readAt;
    if (this.#isClosed || (age >= 0 && age < READ_MS)) return;
    this.#readAt = now;
    try {
      if (this.#version !== this.#currentVersion()) this.#read();
    } catch (error) {
      // Keys that cannot be read prove nobody; their consumers stay bound, so that no tag opens them.
      this.#records = new Map();
      this.#version = undefined;
      this.#terms.onError?.(error);
    }
  }

  /** Changes when another process writes. */
  #currentVersion(): unknown {
    return this.#database.prepare('PRAGMA data_version').get()?.['data_version'];
  }

  #read(): void {
    this.#version = this.#currentVersion();
    const records = this.#all();
    this.#records = new Map(records.map((record) => [record.id, record]));
    this.#consumers = new Set(records.map(({ consumer }) => consumer));
    this.#readAt = this.#terms.now();
  }

  #all(): KeyRecord[] {
    const rows = this.#database.prepare('SELECT * FROM access_key ORDER BY created_at, id').all();
    return rows.map((row) => recordOf(row));
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#uses.size === 0 || this.#isClosed) return;
    const uses = [...this.#uses];
    try {
      this.#database.exec(`PRAGMA busy_timeout = ${FLUSH_WAIT_MS}`);
      this.#write(uses);
      this.#uses.clear();
      this.#read();
    } catch (error) {
      this.#terms.onError?.(error);
    } finally {
      this.#database.exec(`PRAGMA busy_timeout = ${WRITE_WAIT_MS}`);
    }
  }

  #write(uses: readonly (readonly [id: string, at: number])[]): void {
    const update = this.#database.prepare(
      'UPDATE access_key SET last_used_at = max(coalesce(last_used_at, 0), ?) WHERE id = ?',
    );
    inTransaction(this.#database, () => {
      for (const [id, at] of uses) update.run(at, id);
    });
  }
}

function pick(records: readonly KeyRecord[], idOrName: string): KeyRecord | undefined {
  const byId = records.find(({ id }) => id === idOrName);
  if (byId !== undefined) return byId;
  const byName = records.filter(({ name }) => name === idOrName);
  return byName.findLast(({ revokedAt }) => revokedAt === undefined) ?? byName.at(-1);
}

function isLive({ revokedAt, expiresAt }: KeyRecord, now: number): boolean {
  return revokedAt === undefined && (expiresAt === undefined || expiresAt > now);
}

function recordOf(row: Row): KeyRecord {
  return {
    id: String(row['id']),
    name: String(row['name']),
    digest: row['digest'] as Uint8Array,
    consumer: String(row['consumer']),
    createdAt: Number(row['created_at']),
    expiresAt: momentOf(row['expires_at']),
    revokedAt: momentOf(row['revoked_at']),
    lastUsedAt: momentOf(row['last_used_at']),
  };
}

function momentOf(value: unknown): number | undefined {
  return value === null ? undefined : Number(value);
}
