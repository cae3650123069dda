import type { Entry } from '../kernel/entry.ts';

/** Where log lines go. */
export interface LogPort {
  debug(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** One log line per exchange: what went wrong inside the gateway as an error, all else for those who want to see it. */
export function logEntry(entry: Entry, log: LogPort): void {
  const { failure, ...fields } = entry;
  if (entry.outcome === 'crashed') log.error({ ...fields, failure }, 'an exchange crashed');
  else if (entry.outcome === 'refused')
    log.debug({ ...fields, reason: failure }, 'an exchange was refused');
  else log.debug(fields, 'an exchange ended');
}
