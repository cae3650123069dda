import type { Entry, TurnedAway } from '../kernel/entry.ts';
import { REDACTED } from './redact.ts';
import { looksSecret } from './secrets.ts';

/** Where log lines go. */
export interface LogPort {
  debug(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  /** Whether lines of a level are written at all; undefined: they may be. */
  isLevelEnabled?(level: string): boolean;
}

/** One log line per exchange: what went wrong inside the gateway as an error, all else for those who want to see it. */
export function logEntry(entry: Entry, log: LogPort): void {
  // Most gateways do not log every exchange: then none is prepared for it.
  if (entry.outcome !== 'crashed' && log.isLevelEnabled?.('debug') === false) return;
  // Arguments hold what callers never meant for a log; the audit log keeps of them what its plan says.
  const { args: _args, judgedArgs: _judgedArgs, ...rest } = entry;
  const isOfResource = entry.kind === 'resource' || entry.method.startsWith('resources/');
  const { target, failure } = entry;
  const fields = isOfResource
    ? { ...rest, target: withoutSecret(target), failure: withoutSecret(failure) }
    : rest;
  if (entry.outcome === 'crashed') log.error(fields, 'an exchange crashed');
  else if (entry.outcome === 'refused') log.debug(fields, 'an exchange was refused');
  else log.debug(fields, 'an exchange ended');
}

/** URIs are the caller's own text, and what is said of one repeats it. */
function withoutSecret(text: string | undefined): string | undefined {
  return text !== undefined && looksSecret(text) ? REDACTED : text;
}

/** One log line for callers turned away at the door: somebody may be trying keys (docs/rules.md R22). */
export function logTurnedAway(record: TurnedAway, log: LogPort): void {
  const { code, address, principal, count, firstAt, lastAt } = record;
  const times = {
    firstAt: new Date(firstAt).toISOString(),
    lastAt: new Date(lastAt).toISOString(),
  };
  log.warn({ code, address, principal, count, ...times }, 'callers were turned away');
}
