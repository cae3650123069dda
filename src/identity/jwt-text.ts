import { isObject, type JsonObject } from '../kernel/json.ts';

/** What a JWT says of itself; nothing verified. */
export interface UnverifiedJwt {
  readonly header: JsonObject;
  readonly payload: JsonObject;
}

const THREE_PARTS = /^[\w-]+\.[\w-]+\.[\w-]*$/;

/** Reads a text that has the form of a signed JWT (RFC 7519); undefined for any other text. */
export function readJwt(text: string): UnverifiedJwt | undefined {
  if (!THREE_PARTS.test(text)) return undefined;
  const [header, payload] = text.split('.', 2).map(jsonOf);
  return isObject(header) && isObject(payload) ? { header, payload } : undefined;
}

function jsonOf(part: string): unknown {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}
