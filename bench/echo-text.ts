/** The text the echo tool answers with: what it was given, padded with dots to `bytes` characters. */
export function echoText(given: string, bytes: number): string {
  return given.padEnd(bytes, '.');
}
