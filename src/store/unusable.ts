import { isBusy, isDamaged, isFull } from './sqlite-error.ts';

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
  if (isDamaged(error)) return `. It is damaged: restore it, or move it away: ${loss}.`;
  if (isFull(error)) return '. Make room on that disk.';
  if (isBusy(error)) return '. Another process keeps it locked: try again, or end that process.';
  const { errcode, code } = error as { readonly errcode?: unknown; readonly code?: unknown };
  if (errcode === undefined && code === undefined) return '.';
  return '. The user that runs mcpx must be able to read and write that file and its folder.';
}
