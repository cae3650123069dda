const BUSY = 5;
const CORRUPT = 11;
const FULL = 13;
const NOT_A_DATABASE = 26;

/** Whether SQLite refused because another process uses the file. */
export function isBusy(error: unknown): boolean {
  return codeOf(error) === BUSY;
}

/** Whether SQLite found the file to be none of its own, or broken. */
export function isDamaged(error: unknown): boolean {
  const code = codeOf(error);
  return code === CORRUPT || code === NOT_A_DATABASE;
}

/** Whether there was no room to write. */
export function isFull(error: unknown): boolean {
  return codeOf(error) === FULL || (error as { readonly code?: unknown }).code === 'ENOSPC';
}

/** SQLite's result code; its extended codes hold the plain one in their lowest byte. */
function codeOf(error: unknown): number | undefined {
  const { errcode } = error as { readonly errcode?: unknown };
  return typeof errcode === 'number' ? errcode & 0xff : undefined;
}
