import { objectAt, type JsonObject } from '../../kernel/json.ts';
import { isChainEvent } from './chain.ts';
import { momentOf, recordOf } from './parsed-line.ts';

/** What lines are looked for; all that is given must hold. */
export interface AuditFilter {
  /** Milliseconds since the epoch; the end is not included. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly consumer?: string | undefined;
  readonly client?: string | undefined;
  /** In any case. */
  readonly server?: string | undefined;
  /** A tool, prompt or resource by its server's name, or a custom tool by its own. */
  readonly tool?: string | undefined;
  readonly outcome?: string | undefined;
  readonly code?: string | undefined;
  readonly rule?: string | undefined;
  readonly method?: string | undefined;
  readonly session?: string | undefined;
  /** Id of a trace. */
  readonly trace?: string | undefined;
  readonly id?: string | undefined;
  /** Id of the exchange that began a call: found are that one and those that went on with it. */
  readonly call?: string | undefined;
  /** Name of an event. Lines that only hold a chain together are found by it alone. */
  readonly event?: string | undefined;
}

/** Names of filters that are compared with a member of the line as it is. */
const MEMBERS = {
  client: 'client',
  outcome: 'outcome',
  code: 'code',
  rule: 'rule',
  method: 'method',
  session: 'session',
  trace: 'traceId',
  id: 'id',
  event: 'event',
} as const;

type Member = keyof typeof MEMBERS;

/** Lines that only hold a chain together. */
const QUIET: readonly unknown[] = ['chain-begun', 'segment-begun', 'checkpoint', 'chain-ended'];

/** Tells whether a line is looked for, and its record where it is. */
export function lineFilter(filter: AuditFilter): (line: Buffer) => JsonObject | undefined {
  const members = Object.entries(MEMBERS)
    .map(([name, member]) => [member, filter[name as Member]] as const)
    .filter(([, value]) => value !== undefined);
  const needles = [...members.map(([, value]) => value), filter.consumer, filter.tool, filter.call]
    .filter((value) => value !== undefined)
    .map((value) => Buffer.from(JSON.stringify(value)));
  const { from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY } = filter;
  return (line) => {
    // Most lines are not looked for: they are told without being parsed.
    if (!needles.every((needle) => line.includes(needle))) return undefined;
    const at = momentOf(line) ?? Number.NaN;
    if (!(at >= from && at < to)) return undefined;
    const record = recordOf(line);
    if (record === undefined || !members.every(([member, value]) => record[member] === value))
      return undefined;
    const isFound = isNamed(record, filter) && isOfCall(record, filter) && isLoud(record, filter);
    return isFound ? record : undefined;
  };
}

function isNamed(record: JsonObject, { consumer, server, tool }: AuditFilter): boolean {
  if (consumer !== undefined && objectAt(record, 'caller')?.['consumer'] !== consumer) return false;
  if (tool !== undefined && record['target'] !== tool && record['custom'] !== tool) return false;
  const own = record['server'];
  return server === undefined || (typeof own === 'string' && sameText(own, server));
}

function isOfCall({ id, callId }: JsonObject, { call }: AuditFilter): boolean {
  return call === undefined || id === call || callId === call;
}

function sameText(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

function isLoud(record: JsonObject, { event }: AuditFilter): boolean {
  if (record['signature'] === undefined || !isChainEvent(record['event'])) return true;
  return event !== undefined || !QUIET.includes(record['event']);
}
