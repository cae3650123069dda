import type { Entry, TurnedAway } from '../kernel/entry.ts';
import { withoutCredentials } from './scrub.ts';

/** Where log lines go. */
export interface LogPort {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  /** Whether lines of a level are written at all; undefined: they may be. */
  isLevelEnabled?(level: string): boolean;
  /** The log of one layer, where layers have levels of their own. */
  layer?(name: LogLayer): LogPort;
}

/** What has a level of its own: a folder of `src`, or the lines of exchanges. */
export type LogLayer =
  | 'listen'
  | 'identity'
  | 'session'
  | 'catalog'
  | 'policy'
  | 'guard'
  | 'upstream'
  | 'record'
  | 'store'
  | 'config'
  | 'exchange';

/** Takes secrets out of texts, and out of names, which come again and again. */
export interface Scrub {
  text(text: string): string;
  name(name: string): string;
}

const BY_LOOK: Scrub = { text: withoutCredentials, name: withoutCredentials };
const MS_STEPS = 1000;

/** One line per exchange, with the ids that join it to its trace and its audit line. What crashed inside the gateway is an error. */
export function logEntry(entry: Entry, log: LogPort, scrub: Scrub = BY_LOOK): void {
  const level = entry.outcome === 'crashed' ? 'error' : 'info';
  // Where nobody reads them, none is prepared.
  if (log.isLevelEnabled?.(level) === false) return;
  log[level](fieldsOf(entry, scrub), 'exchange');
}

/** Texts and numbers alone, of few characters each: this is done for every exchange. */
function fieldsOf(entry: Entry, scrub: Scrub): object {
  const { target, custom, caller, client, outcome, failure, trace, warnings } = entry;
  return {
    id: entry.id,
    callId: entry.callId,
    method: entry.method,
    outcome,
    code: entry.code,
    server: entry.upstream,
    target: target === undefined ? undefined : targetOf(entry, target, scrub),
    custom,
    consumer: caller?.consumer,
    client: client === undefined ? undefined : scrub.name(client),
    session: entry.era === 'legacy' ? entry.session : undefined,
    durationMs: rounded(entry.durationMs),
    upstreamMs: rounded(entry.upstreamMs),
    traceId: trace?.traceId,
    rule: entry.rule,
    warnings: warnings.length === 0 ? undefined : warnings.join(', '),
    // What callers are told of a refusal may repeat what they sent.
    failure: outcome === 'crashed' && failure !== undefined ? scrub.text(failure) : undefined,
  };
}

/** URIs may be the callers' own text, each another one. */
function targetOf({ kind, method }: Entry, target: string, scrub: Scrub): string {
  const isUri = kind === 'resource' || method.startsWith('resources/');
  return isUri ? scrub.text(target) : scrub.name(target);
}

function rounded(ms: number): number {
  return Math.round(ms * MS_STEPS) / MS_STEPS;
}

/** One log line for callers turned away at the door: somebody may be trying keys (docs/rules.md R22). */
export function logTurnedAway(record: TurnedAway, log: Pick<LogPort, 'warn'>): void {
  const { code, address, principal, count, firstAt, lastAt } = record;
  const times = {
    firstAt: new Date(firstAt).toISOString(),
    lastAt: new Date(lastAt).toISOString(),
  };
  log.warn({ code, address, principal, count, ...times }, 'callers were turned away');
}
