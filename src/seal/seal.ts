import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';

/** What a sealed text is for; a text sealed for one purpose does not open for another. */
export type SealPurpose = 'session' | 'request-state' | 'task' | 'cursor';

/** One key of the ring: 32 bytes, and the id that sealed texts name it by (0-255). */
export interface SealKey {
  readonly id: number;
  readonly secret: Buffer;
}

const ALGORITHM = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEAD_BYTES = 1 + NONCE_BYTES;

/** Seals texts that leave the gateway and come back: nobody else can read, forge or alter them (AES-256-GCM). */
export class Seal {
  readonly #keys: ReadonlyMap<number, Buffer>;
  readonly #current: SealKey;

  /** The first key seals; all of them open. */
  constructor(keys: readonly SealKey[]) {
    const [current] = keys;
    if (current === undefined) throw new Error('a seal needs a key');
    this.#current = current;
    this.#keys = new Map(keys.map((key) => [key.id, key.secret]));
  }

  /** Seals a text; sealing it again gives another sealed text. Base64url. */
  seal(purpose: SealPurpose, text: string): string {
    return this.#encrypt(purpose, text, randomBytes(NONCE_BYTES));
  }

  /** Seals a text so that the same text always gives the same sealed text (docs/rules.md R12). */
  sealSame(purpose: SealPurpose, text: string): string {
    const nonce = createHmac('sha256', this.#current.secret)
      .update(`${purpose}\0${text}`)
      .digest()
      .subarray(0, NONCE_BYTES);
    return this.#encrypt(purpose, text, nonce);
  }

  /** Opens a sealed text; undefined when it was not sealed here for this purpose. */
  open(purpose: SealPurpose, sealed: string): string | undefined {
    const bytes = Buffer.from(sealed, 'base64url');
    const secret = this.#keys.get(bytes[0] ?? -1);
    if (secret === undefined || bytes.length < HEAD_BYTES + TAG_BYTES) return undefined;
    // Base64 has several spellings of the same bytes; only ours is ours.
    if (bytes.toString('base64url') !== sealed) return undefined;
    const decipher = createDecipheriv(ALGORITHM, secret, bytes.subarray(1, HEAD_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(Buffer.from(purpose));
    decipher.setAuthTag(bytes.subarray(bytes.length - TAG_BYTES));
    try {
      return Buffer.concat([
        decipher.update(bytes.subarray(HEAD_BYTES, bytes.length - TAG_BYTES)),
        decipher.final(),
      ]).toString('utf8');
    } catch {
      return undefined;
    }
  }

  #encrypt(purpose: SealPurpose, text: string, nonce: Buffer): string {
    const cipher = createCipheriv(ALGORITHM, this.#current.secret, nonce, {
      authTagLength: TAG_BYTES,
    });
    cipher.setAAD(Buffer.from(purpose));
    const body = [cipher.update(text, 'utf8'), cipher.final()];
    return Buffer.concat([
      Buffer.from([this.#current.id]),
      nonce,
      ...body,
      cipher.getAuthTag(),
    ]).toString('base64url');
  }
}

/** A fresh secret for a new key. */
export function newSecret(): Buffer {
  return randomBytes(32);
}

/** An id nobody can guess: 96 random bits, base64url. */
export function newId(): string {
  return randomBytes(12).toString('base64url');
}

/** So many random bytes in hexadecimal. */
export function newHex(bytes: number): string {
  return randomBytes(bytes).toString('hex');
}

/** An id for something that has a secret of its own: 64 random bits in hexadecimal, easy to select and to type. */
export function newKeyId(): string {
  return randomBytes(8).toString('hex');
}
