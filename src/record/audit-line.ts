import { createHash } from 'node:crypto';

import type { AuditPlan } from '../kernel/access.ts';
import type { Entry, TurnedAway } from '../kernel/entry.ts';
import type { JsonObject } from '../kernel/json.ts';
import { canonicalJson } from './canonical-json.ts';
import type { Loss } from './day-files.ts';
import { redact, REDACTED } from './redact.ts';
import { looksSecret } from './secrets.ts';

type ArgumentsMode = AuditPlan['arguments'];

/** Longer arguments are kept as their hash: what a caller sends must not crowd out the record of it. */
const MAX_ARGUMENTS_CHARS = 262_144;
const MAX_CLIENT_CHARS = 200;

/**
 * One exchange as a line of the audit log: a flat JSON object whose members come in this order, undefined ones left out.
 *
 * - `at`: when the exchange ended, ISO 8601 in UTC; it arrived `durationMs` before
 * - `method`, `outcome` (ok, tool-error, error, refused, cancelled, crashed), `code` of a refusal or error
 * - `rule` that decided, `shadows`: rules in shadow mode that would have decided otherwise
 * - `server`, `kind`, `target` under its server's name, `custom`: the name of the custom
 *   tool made from it; a URI with what looks like a secret is `[redacted]`
 * - `caller`: `proof`, `name`, `consumer`, `groups`, `scopes`, `endpoint`
 * - `client`: what the client calls itself; `session`, `transport`, `era`, `durationMs`
 * - `argumentsMode` (none, hash, redacted, full) and, where something was addressed, `arguments` as the caller sent them
 *   and `judgedArguments` as a custom tool made them; a hash is `sha256:` and the hexadecimal SHA-256 of the JSON text
 *   with sorted keys
 * - `isWhole`: whether nothing was taken out of `arguments`
 */
export function entryLine(entry: Entry, mode: ArgumentsMode, at: number): string {
  const fields = JSON.stringify({
    at: new Date(at).toISOString(),
    method: entry.method,
    outcome: entry.outcome,
    code: entry.code,
    rule: entry.rule,
    shadows: entry.shadows,
    server: entry.upstream,
    kind: entry.kind,
    target: targetOf(entry, mode),
    custom: entry.custom,
    caller: callerOf(entry),
    client: entry.client?.slice(0, MAX_CLIENT_CHARS),
    session: entry.session,
    transport: entry.transport,
    era: entry.era,
    durationMs: Math.round(entry.durationMs * 1000) / 1000,
  });
  if (entry.kind === undefined && entry.args === undefined) return fields;
  const { mode: kept, given, judged, isWhole } = keptOf(entry, mode);
  return [
    fields.slice(0, -1),
    `"argumentsMode":"${kept}"`,
    ...(given === undefined ? [] : [`"arguments":${given}`]),
    ...(judged === undefined ? [] : [`"judgedArguments":${judged}`]),
    ...(isWhole === undefined ? [] : [`"isWhole":${isWhole}`]),
  ]
    .join(',')
    .concat('}');
}

/** A URI is the caller's own, and may hold a key. */
function targetOf({ kind, target }: Entry, mode: ArgumentsMode): string | undefined {
  const isOpen = target === undefined || kind !== 'resource' || mode === 'full';
  return isOpen || !looksSecret(target) ? target : REDACTED;
}

function callerOf({ caller }: Entry): JsonObject | undefined {
  if (caller === undefined) return undefined;
  const { proof, name, consumer, groups, scopes, endpoint } = caller;
  return { proof, name, consumer, groups: [...groups], scopes: scopes && [...scopes], endpoint };
}

/** Callers turned away at the door: `at`, `outcome` (turned-away), `code`, `address`, `principal`, `count`, `firstAt`, `lastAt`. */
export function turnedAwayLine(record: TurnedAway, at: number): string {
  const { code, address, principal, count, firstAt, lastAt } = record;
  return JSON.stringify({
    at: new Date(at).toISOString(),
    outcome: 'turned-away',
    code,
    address,
    principal,
    count,
    firstAt: new Date(firstAt).toISOString(),
    lastAt: new Date(lastAt).toISOString(),
  });
}

/** Lines that could not be written: `at`, `outcome` (lost), `count`, `firstAt`, `lastAt`. */
export function lossLine(loss: Loss, at: number): string {
  return JSON.stringify({
    at: new Date(at).toISOString(),
    outcome: 'lost',
    count: loss.count,
    firstAt: new Date(loss.firstAt).toISOString(),
    lastAt: new Date(loss.lastAt).toISOString(),
  });
}

/** What of the arguments is kept, as JSON texts. */
interface Kept {
  readonly mode: ArgumentsMode;
  readonly given?: string | undefined;
  readonly judged?: string | undefined;
  readonly isWhole?: boolean;
}

const NOTHING: Kept = { mode: 'none' };

function keptOf({ args, judgedArgs }: Entry, mode: ArgumentsMode): Kept {
  try {
    if (mode === 'none') return NOTHING;
    if (mode === 'redacted') return redacted(args, judgedArgs);
    if (mode === 'hash') return { mode, given: hashOf(args), judged: hashOf(judgedArgs) };
    const given = textOf(args);
    const judged = textOf(judgedArgs);
    const isShort = (given?.length ?? 0) + (judged?.length ?? 0) <= MAX_ARGUMENTS_CHARS;
    if (isShort) return { mode, given, judged, isWhole: true };
    return { mode: 'hash', given: hashOf(args), judged: hashOf(judgedArgs) };
  } catch (error) {
    // Arguments some thousand levels deep exhaust the stack; the entry is written without them.
    if (error instanceof RangeError) return NOTHING;
    throw error;
  }
}

function redacted(args: JsonObject | undefined, judgedArgs: JsonObject | undefined): Kept {
  const given = args && redact(args);
  return {
    mode: 'redacted',
    given: textOf(given?.value),
    judged: textOf(judgedArgs && redact(judgedArgs).value),
    isWhole: given?.isWhole ?? true,
  };
}

function textOf(args: JsonObject | undefined): string | undefined {
  return args && JSON.stringify(args);
}

function hashOf(args: JsonObject | undefined): string | undefined {
  return args && `"sha256:${createHash('sha256').update(canonicalJson(args)).digest('hex')}"`;
}
