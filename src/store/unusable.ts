const CORRUPT = 11;
const NOT_A_DATABASE = 26;
const DAMAGED: ReadonlySet<unknown> = new Set([CORRUPT, NOT_A_DATABASE]);
const FULL = 13;

/** What kind of file could not be used, and what it costs to begin it anew. */
export interface UnusableFile {
  /** With a capital and in the plural, such as `The API keys`. */
  readonly what: string;
  readonly file: string;
  /** What is lost by moving it away, as the rest of a sentence. */
  readonly loss: string;
}

/** Why a file of the data folder cannot be used and what to do, in words that name it. */
export function unusable({ what, file, loss }: UnusableFile, error: unknown): Error {
  const reason = error instanceof Error ? error.message : String(error);
  const text = `${what} in ${file} cannot be used: ${reason}`;
  return new Error(`${text.replace(/\.$/u, '')}${remedyFor(error, loss)}`, { cause: error });
}

function remedyFor(error: unknown, loss: string): string {
  const { errcode, code } = error as { readonly errcode?: unknown; readonly code?: unknown };
  // Extended codes of SQLite hold the plain one in their lowest byte.
  const plain = typeof errcode === 'number' ? errcode & 0xff : undefined;
  if (DAMAGED.has(plain)) return `. It is damaged: restore it, or move it away: ${loss}.`;
  if (plain === FULL || code === 'ENOSPC') return '. Make room on that disk.';
  if (plain === undefined && code === undefined) return '.';
  return '. The user that runs mcpx must be able to read and write that file and its folder.';
}
