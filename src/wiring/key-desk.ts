import { newKeyText, secretDigest } from '../identity/new-key.ts';
import type { KeyRecord } from '../kernel/key-record.ts';
import { newId, newSecret } from '../seal/seal.ts';
import { KeyTable } from '../store/key-table.ts';
import { clock } from './clock.ts';

/** The key that is asked for. */
export interface KeyWish {
  readonly name: string;
  readonly consumer: string;
  /** Milliseconds since the epoch; undefined where it holds until it is revoked. */
  readonly expiresAt: number | undefined;
}

/** Makes, lists and revokes named keys beside a running gateway, or without one. */
export class KeyDesk {
  readonly #table: KeyTable;

  /** Opens the keys of a data folder, made when it is missing. Throws when it cannot be used. */
  constructor(dataDir: string) {
    this.#table = new KeyTable(dataDir, { now: clock });
  }

  /** Makes a key. Its text exists nowhere but in the result. Throws when a key that holds has this name. */
  create({ name, consumer, expiresAt }: KeyWish): { record: KeyRecord; text: string } {
    const id = newKeyId();
    const secret = newSecret().toString('base64url');
    const text = newKeyText(id, secret);
    const record: KeyRecord = {
      id,
      name,
      digest: secretDigest(secret),
      consumer,
      createdAt: clock(),
      expiresAt,
      revokedAt: undefined,
      lastUsedAt: undefined,
    };
    this.#table.create(record);
    return { record, text };
  }

  /** All keys, oldest first. */
  list(): readonly KeyRecord[] {
    return this.#table.list();
  }

  /** Revokes a key by its id or name; undefined when there is none. */
  revoke(idOrName: string): KeyRecord | undefined {
    return this.#table.revoke(idOrName, clock());
  }

  close(): void {
    this.#table.close();
  }
}

/** An id that no command line takes for an option. */
function newKeyId(): string {
  const id = newId();
  return id.startsWith('-') ? newKeyId() : id;
}
