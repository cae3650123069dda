import { createHash } from 'node:crypto';

import type { AuditPlan } from '../../kernel/record-plan.ts';
import type { Entry, GatewayEvent, Recorded, TurnedAway } from '../../kernel/entry.ts';
import type { JsonObject } from '../../kernel/json.ts';
import type { Spending } from '../../kernel/spending.ts';
import { canonicalJson } from '../canonical-json.ts';
import { redact, REDACTED } from '../redact.ts';
import { looksSecret } from '../../kernel/secrets.ts';

type ArgumentsMode = AuditPlan['arguments'];

/** Lines that were not kept: how many, and when, in milliseconds since the epoch. */
export interface Loss {
  count: number;
  readonly firstAt: number;
  lastAt: number;
}

/** Longer arguments are kept as their hash: what a caller sends must not crowd out the record of it. */
const MAX_ARGUMENTS_CHARS = 262_144;
const MAX_CLIENT_CHARS = 200;

/**
 * One exchange as a record of the audit: a flat JSON object whose members come in this order, undefined ones left out.
 *
 * - `at`: when the exchange ended, ISO 8601 in UTC; it arrived `durationMs` before
 * - `id`: joins it to log and trace; `callId`: the `id` of the exchange that began the call, where this one goes on with it
 * - `method`, `outcome` (ok, input-required, tool-error, error, refused, timed-out, cancelled, crashed), `code` of a refusal or error
 * - `rule` that decided, `shadows`: rules in shadow mode that would have decided otherwise, `warnings` of limits where
 *   there are any
 * - `server`, `kind`, `target` under its server's name, `custom`: the name of the custom
 *   tool made from it; a URI with what looks like a secret is `[redacted]`
 * - `caller`: `proof`, `name`, `consumer`, `groups`, `scopes`, `endpoint`
 * - `client`: what the client calls itself; `session`, `transport`, `era`
 * - `model` the agent runs (`provider`, `id`), `traceId`
 * - `durationMs` in all, `upstreamMs` of it at the server, `requestBytes`, `resultChars` of the result's JSON text
 * - `tokens` (`arguments`, `result`, `isEstimate`, `encoding`) and `cost` in US dollars, where tokens are counted
 * - `argumentsMode` (none, hash, redacted, full) and, where something was addressed, `arguments` as the caller sent them
 *   and `judgedArguments` as a custom tool made them; a hash is `sha256:` and the hexadecimal SHA-256 of the JSON text
 *   with sorted keys
 * - `isWhole`: whether nothing was taken out of `arguments`
 */
export function entryLine(recorded: Recorded, mode: ArgumentsMode): string {
  const { entry } = recorded;
  const fields = fieldsOf(recorded, mode);
  if (entry.kind === undefined && entry.args === undefined) return fields;
  const { mode: kept, given, judged, isWhole } = keptOf(entry, mode);
  let line = `${fields.slice(0, -1)},"argumentsMode":"${kept}"`;
  if (given !== undefined) line += `,"arguments":${given}`;
  if (judged !== undefined) line += `,"judgedArguments":${judged}`;
  if (isWhole !== undefined) line += `,"isWhole":${isWhole}`;
  return `${line}}`;
}

/** All but the arguments. */
function fieldsOf({ entry, spending }: Recorded, mode: ArgumentsMode): string {
  return JSON.stringify({
    at: new Date(entry.startedAt + entry.durationMs).toISOString(),
    id: entry.id,
    callId: entry.callId,
    method: entry.method,
    outcome: entry.outcome,
    code: entry.code,
    rule: entry.rule,
    shadows: entry.shadows,
    warnings: entry.warnings.length === 0 ? undefined : entry.warnings,
    server: entry.upstream,
    kind: entry.kind,
    target: targetOf(entry, mode),
    custom: entry.custom,
    caller: entry.caller,
    client: entry.client?.slice(0, MAX_CLIENT_CHARS),
    session: entry.session,
    transport: entry.transport,
    era: entry.era,
    model: spending?.model ?? entry.model,
    traceId: entry.trace?.traceId,
    durationMs: rounded(entry.durationMs),
    upstreamMs: rounded(entry.upstreamMs),
    requestBytes: entry.requestBytes,
    resultChars: entry.resultChars,
    tokens: spending?.tokens,
    cost: spending?.cost,
  });
}

/** To the microsecond. */
function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

/** A URI is the caller's own, and may hold a key. */
function targetOf({ kind, target }: Entry, mode: ArgumentsMode): string | undefined {
  const isOpen = target === undefined || kind !== 'resource' || mode === 'full';
  return isOpen || !looksSecret(target) ? target : REDACTED;
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

/**
 * What happened to the gateway itself: `at`, `event`, `by` whom as far as that is known, `details` without what looks like a
 * secret.
 */
export function eventLine({ event, by, details }: GatewayEvent, at: number): string {
  return JSON.stringify({
    at: new Date(at).toISOString(),
    event,
    by,
    details: redact(details).value,
  });
}

/** What an exchange used that was written before that was known: `at`, `event` (tokens-counted), `id`, `model`, `tokens`, `cost`. */
export function spendingLine(id: string, { model, tokens, cost }: Spending, at: number): string {
  const event = 'tokens-counted';
  return JSON.stringify({ at: new Date(at).toISOString(), event, id, model, tokens, cost });
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
