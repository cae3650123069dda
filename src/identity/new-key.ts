import { hash } from 'node:crypto';

/** The two parts of a named key's text. */
export interface KeyParts {
  readonly id: string;
  readonly secret: string;
}

// Both parts may hold the separator: the secret's length, 32 bytes in base64url, tells where it begins.
const KEY_TEXT = /^mcpx_([\w-]{4,64})_([\w-]{43})$/;

/**
 * The text of a named key, `mcpx_<id>_<secret>`: shown once, to whoever made it. The secret is 32 random bytes in base64url,
 * the id 4 to 64 characters of that alphabet. Throws when they are not.
 */
export function newKeyText(id: string, secret: string): string {
  const text = `mcpx_${id}_${secret}`;
  const parts = parseKeyText(text);
  if (parts?.id !== id || parts.secret !== secret)
    throw new TypeError('A key is made of an id of 4 to 64 characters and a secret of 32 bytes.');
  return text;
}

/** The parts of a named key's text; undefined for any other text. */
export function parseKeyText(text: string): KeyParts | undefined {
  const [, id, secret] = KEY_TEXT.exec(text) ?? [];
  return id === undefined || secret === undefined ? undefined : { id, secret };
}

/** What is kept of a secret: its SHA-256. A secret of 256 random bits needs no slower hash. */
export function secretDigest(secret: string): Buffer {
  return hash('sha256', secret, 'buffer');
}
