import assert from 'node:assert/strict';
import type { Row, Turned } from './ledger.ts';
import { costOf, spentBy, type Spent } from './ledger-tokens.ts';
import type { ModelRef } from '../../src/kernel/spending.ts';
import type { JsonObject } from './raw-http.ts';

/** A row of the driver's books with the line of the audit log that is its record. */
export interface Audited {
  readonly row: Row;
  readonly line: JsonObject;
  /** What it used; of long texts by the gateway's own estimate. */
  readonly spent: Spent | undefined;
}

/**
 * Lines that stand for exchanges, each with its tokens: where those were not counted in time, they came after it in a line of their
 * own. Fails where that is about no exchange, or about one whose tokens were known.
 */
export function exchangesIn(lines: readonly JsonObject[]): JsonObject[] {
  const exchanges = lines.filter(
    ({ method, outcome }) => method !== undefined && outcome !== undefined,
  );
  const byId = new Map(exchanges.map((line) => [line['id'], line]));
  for (const line of lines.filter(({ event }) => event === 'tokens-counted')) {
    const { id, model, tokens, cost } = line;
    const early = byId.get(id);
    assert.ok(early !== undefined && early['tokens'] === undefined, JSON.stringify(line));
    byId.set(id, { ...early, ...defined({ model, tokens, cost }) });
  }
  return [...byId.values()];
}

/** Members of a line that are the driver's to foretell; undefined ones are left out. */
function expectedLine(row: Row): JsonObject {
  const { actor, expected, params, isAsk } = row;
  const spent = spentBy(row);
  return defined({
    method: row.known,
    outcome: expected.outcome,
    code: expected.code,
    rule: expected.rule,
    shadows: expected.shadows ?? [],
    warnings: expected.warnings?.length === 0 ? undefined : expected.warnings,
    server: expected.server,
    kind: expected.kind,
    target: expected.target,
    custom: expected.custom,
    caller: actor.caller,
    client: actor.client,
    transport: isAsk ? undefined : actor.transport,
    era: actor.era,
    model: modelOf(row, spent),
    requestBytes: row.bytes,
    resultChars: charsOf(row),
    isEstimate: spent?.isEstimate,
    encoding: spent?.encoding,
    arguments: isAsk ? undefined : params['arguments'],
    judgedArguments: expected.judged,
  });
}

/** The model that tokens were counted for, or else what was said of it. */
function modelOf({ actor, isAsk }: Row, spent: Spent | undefined): ModelRef | undefined {
  if (isAsk) return undefined;
  return spent === undefined ? actor.said : actor.model;
}

/** Length of the JSON text of what was answered; the greeting of a session counts as none. */
function charsOf({ answer, method, isAsk }: Row): number | undefined {
  if (isAsk || method === 'initialize') return undefined;
  return answer?.result === undefined ? undefined : JSON.stringify(answer.result).length;
}

/** The same members of a line that was written. */
function writtenLine(line: JsonObject): JsonObject {
  const { tokens, at: _at, id: _id, callId: _call, seq: _seq, prev: _prev, ...rest } = line;
  const {
    session: _session,
    traceId: _trace,
    durationMs: _took,
    upstreamMs: _behind,
    ...more
  } = rest;
  const { cost: _cost, argumentsMode: _mode, isWhole: _whole, ...kept } = more;
  const { isEstimate, encoding } = (tokens ?? {}) as JsonObject;
  return defined({ ...kept, isEstimate, encoding });
}

function defined(members: JsonObject): JsonObject {
  return JSON.parse(JSON.stringify(members)) as JsonObject;
}

/** A text that is the same for equal objects, whatever the order of their members. */
export function textOf(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

/** Finds the one line of each row. Fails where rows and lines are not the same, to the call. */
export function matched(rows: readonly Row[], lines: readonly JsonObject[]): Audited[] {
  const unclaimed = new Map<string, JsonObject[]>();
  for (const line of lines) {
    const key = keyOf(writtenLine(line), line['traceId'], rows);
    unclaimed.set(key, [...(unclaimed.get(key) ?? []), line]);
  }
  const missing: string[] = [];
  const found: Audited[] = [];
  for (const row of rows) {
    const key = keyOf(expectedLine(row), row.trace?.traceId, rows);
    const line = unclaimed.get(key)?.shift();
    if (line === undefined) missing.push(`${row.toString()}: ${key}`);
    else found.push({ row, line, spent: spentOf(row, line) });
  }
  const left = [...unclaimed].flatMap(([key, same]) => same.map(() => key));
  assert.deepEqual({ missing, left }, { missing: [], left: [] });
  return found;
}

/** A trace that begins in the gateway has an id that nobody could foretell. */
function keyOf(members: JsonObject, traceId: unknown, rows: readonly Row[]): string {
  const isSent = rows.some(
    ({ trace }) => trace?.traceId !== undefined && trace.traceId === traceId,
  );
  return textOf({ ...members, traceId: isSent ? traceId : undefined });
}

function spentOf(row: Row, line: JsonObject): Spent | undefined {
  const spent = spentBy(row);
  if (spent?.isLong !== true) return spent;
  const { arguments: written, result } = line['tokens'] as { arguments: number; result: number };
  const tokens = { arguments: written, result };
  return { ...spent, ...tokens, cost: costOf(row.actor, tokens) };
}

/** How many were turned away, by reason, address and caller, of what is in the books. */
export function turnedIn(turned: readonly Turned[]): Record<string, number> {
  return summed(turned.map((each) => ({ ...each, count: 1 })));
}

/** The same of what is in the audit log, whose lines stand for several. */
export function turnedAwayIn(lines: readonly JsonObject[]): Record<string, number> {
  const away = lines.filter(({ outcome }) => outcome === 'turned-away');
  return summed(away as unknown as TurnedCount[]);
}

type TurnedCount = Pick<Turned, 'code' | 'address' | 'principal'> & { readonly count: number };

function summed(counts: readonly TurnedCount[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { code, address, principal, count } of counts) {
    const key = [code, address ?? '', principal ?? ''].join(' ');
    sums[key] = (sums[key] ?? 0) + count;
  }
  return sums;
}
