import { createPrivateKey, createPublicKey, hash, sign, verify, type KeyObject } from 'node:crypto';

/** Before what is signed, so that no signature made for something else fits. */
const PURPOSE = 'mcpx audit line 1\n';
const ID_CHARS = 16;

/** A key pair as it is kept, base64 of its DER forms (PKCS #8, SPKI). */
export interface StoredKeyPair {
  readonly privateKey: string | undefined;
  readonly publicKey: string;
}

/** Signs lines of the audit with Ed25519. */
export class AuditSigner {
  /** Tells keys apart: the beginning of the SHA-256 of the public one, in hexadecimal. */
  readonly id: string;
  /** Base64 of SPKI. */
  readonly publicKey: string;
  readonly #key: KeyObject;

  /** Takes the newest of the keys. Throws when there is none that can sign. */
  constructor([newest]: readonly StoredKeyPair[]) {
    if (newest?.privateKey === undefined) throw new Error('the audit needs a key to sign with');
    this.#key = createPrivateKey({
      key: Buffer.from(newest.privateKey, 'base64'),
      format: 'der',
      type: 'pkcs8',
    });
    this.publicKey = newest.publicKey;
    this.id = keyIdOf(newest.publicKey);
  }

  /** The signature of a text, base64url. */
  sign(text: string): string {
    return sign(null, Buffer.from(PURPOSE + text), this.#key).toString('base64url');
  }
}

/** Public keys by which lines are verified, by their id. */
export class AuditVerifier {
  readonly #keys: ReadonlyMap<string, KeyObject>;

  /** Takes base64 of SPKI, or PEM. Throws for what is no Ed25519 public key. */
  constructor(publicKeys: readonly string[]) {
    const keys = publicKeys.map((text) => publicKeyIn(text));
    this.#keys = new Map(keys.map((key) => [keyIdOf(spkiOf(key)), key]));
  }

  get ids(): readonly string[] {
    return [...this.#keys.keys()];
  }

  knows(id: string): boolean {
    return this.#keys.has(id);
  }

  isSigned(text: string, id: string, signature: string): boolean {
    const key = this.#keys.get(id);
    if (key === undefined) return false;
    return verify(null, Buffer.from(PURPOSE + text), key, Buffer.from(signature, 'base64url'));
  }
}

/** The id of a public key, given as base64 of SPKI. */
export function keyIdOf(publicKey: string): string {
  return hash('sha256', Buffer.from(publicKey, 'base64'), 'hex').slice(0, ID_CHARS);
}

/** A public key as PEM. */
export function pemOf(publicKey: string): string {
  return String(publicKeyIn(publicKey).export({ format: 'pem', type: 'spki' }));
}

/** The public keys in a text of PEM, as base64 of SPKI. Throws where there is none, or another kind of key. */
export function publicKeysIn(pem: string): string[] {
  const blocks = pem.match(/-----BEGIN PUBLIC KEY-----[^-]+-----END PUBLIC KEY-----/g) ?? [];
  if (blocks.length === 0) throw new Error('it holds no public key in PEM');
  return blocks.map((block) => spkiOf(publicKeyIn(block)));
}

function publicKeyIn(text: string): KeyObject {
  const key = text.startsWith('-----')
    ? createPublicKey(text)
    : createPublicKey({ key: Buffer.from(text, 'base64'), format: 'der', type: 'spki' });
  if (key.asymmetricKeyType !== 'ed25519') throw new Error('it is no Ed25519 key');
  return key;
}

function spkiOf(key: KeyObject): string {
  return key.export({ format: 'der', type: 'spki' }).toString('base64');
}
