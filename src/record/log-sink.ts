import type { Entry } from '../kernel/entry.ts';

/** Where log lines go. */
export interface LogPort {
  debug(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** One log line per exchange: what went wrong inside the gateway as an error, all else for those who want to see it. */
export function logEntry(entry: Entry, log: LogPort): void {
  if (entry.outcome === 'crashed') log.error(entry, 'an exchange crashed');
  else if (entry.outcome === 'refused') log.debug(entry, 'an exchange was refused');
  else log.debug(entry, 'an exchange ended');
}
