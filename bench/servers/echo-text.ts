/** The text the echo tool answers with: what it was given, padded with dots to `bytes` characters. */
export function echoText(given: string, bytes: number): string {
  return given.length >= bytes ? given : given + dots(bytes - given.length);
}

const kept = new Map<number, string>();

/** So many dots, kept by number: padding anew costs more than the rest of an answer. */
export function dots(count: number): string {
  let text = kept.get(count);
  if (text === undefined) {
    if (kept.size > 200) kept.clear();
    text = '.'.repeat(count);
    kept.set(count, text);
  }
  return text;
}
