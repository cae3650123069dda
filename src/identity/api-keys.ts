import { timingSafeEqual } from 'node:crypto';

import type { KeyRecord } from '../kernel/key-record.ts';
import { parseKeyText, secretDigest } from './new-key.ts';
import type { IdentityPorts } from './ports.ts';
import { invalidCredential } from './unauthenticated.ts';
import type { Fault, Verdict, Verified } from './verified.ts';

/** Stands in for the digest of a key that does not exist: no text is known that has it. */
const NOBODYS = Buffer.alloc(32);

/**
 * Recognises API keys: the shared one and the named ones. Only digests are compared, in constant time, and a key nobody
 * made costs the same work as one whose secret is wrong.
 */
export class ApiKeys {
  readonly #ports: IdentityPorts;
  readonly #shared: Buffer | undefined;

  constructor(sharedKey: string | undefined, ports: IdentityPorts) {
    this.#ports = ports;
    this.#shared = sharedKey === undefined ? undefined : secretDigest(sharedKey);
  }

  verify(text: string): Verdict {
    const isShared = isSame(secretDigest(text), this.#shared);
    const parts = parseKeyText(text);
    const record = this.#ports.keys.find(parts?.id ?? '');
    const isNamed = isSame(secretDigest(parts?.secret ?? text), record?.digest);
    if (isNamed && record !== undefined) return this.#judge(record);
    if (isShared) return this.#sharedKey();
    return wrong('The API key is not valid.', true);
  }

  /** Whether a key that was good still is. */
  holds({ proven, ground }: Verified): boolean {
    if (proven.proof === 'shared-key') return ground === this.#sharedGround();
    const record = this.#ports.keys.find(ground);
    return record !== undefined && this.#isLive(record);
  }

  #judge(record: KeyRecord): Verdict {
    const { id, consumer, expiresAt } = record;
    if (record.revokedAt !== undefined) return wrong('The API key was revoked.', false);
    if (!this.#isLive(record)) return wrong('The API key has expired.', false);
    const proven = { credential: `key:${id}`, proof: 'api-key', consumer, expiresAt } as const;
    return { proven, ground: id };
  }

  #isLive({ revokedAt, expiresAt }: KeyRecord): boolean {
    const isOver = expiresAt !== undefined && expiresAt <= this.#ports.now();
    return revokedAt === undefined && !isOver;
  }

  #sharedKey(): Verified {
    return {
      proven: { credential: 'shared', proof: 'shared-key' },
      ground: this.#sharedGround(),
    };
  }

  #sharedGround(): string {
    return this.#shared?.toString('base64') ?? '';
  }
}

/** Compares in any case, so that a missing digest takes as long as a wrong one. */
function isSame(digest: Buffer, kept: Uint8Array | undefined): boolean {
  return timingSafeEqual(digest, kept?.length === NOBODYS.length ? kept : NOBODYS);
}

function wrong(reason: string, isGuess: boolean): Fault {
  return { refusal: invalidCredential(`${reason} Ask the operator for another one.`), isGuess };
}
