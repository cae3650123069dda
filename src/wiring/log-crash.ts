import type { LogPort } from '../record/log-sink.ts';
import { newId } from '../seal/seal.ts';

/** Logs a request that crashed, and returns the id by which a caller can name it. */
export function logCrash(error: unknown, log: LogPort): string {
  const id = newId();
  const failure = error instanceof Error ? error.stack : String(error);
  log.error({ id, failure }, 'a request crashed');
  return id;
}
