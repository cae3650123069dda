const PLAIN = /^[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?$/u;
const WRAPPED = /^=\?base64\?(.*)\?=$/iu;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/u;

/** A text as a header value: as it is where HTTP allows, else as `=?base64?...?=` (spec 2026-07-28, streamable HTTP). */
export function toHeader(text: string): string {
  if (PLAIN.test(text) && !WRAPPED.test(text)) return text;
  let bytes = '';
  // One by one: as arguments of one call, the bytes of a long text are more than the stack holds.
  for (const byte of new TextEncoder().encode(text)) bytes += String.fromCharCode(byte);
  return `=?base64?${btoa(bytes)}?=`;
}

/** The text of a header value; undefined when it is absent or wrapped badly. */
export function fromHeader(value: string | undefined): string | undefined {
  const wrapped = value === undefined ? undefined : WRAPPED.exec(value)?.[1];
  if (wrapped === undefined) return value;
  if (!BASE64.test(wrapped)) return undefined;
  const bytes = Uint8Array.from(atob(wrapped), (char) => char.codePointAt(0) ?? 0);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
