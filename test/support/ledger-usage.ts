import type { Audited } from './ledger-audit.ts';
import { isError, type Row } from './ledger.ts';
import { objectOf } from '../fixture/json-rpc.ts';
import type { JsonObject } from './raw-http.ts';

/** What is asked of the usage store: everything, as far apart as it is kept. */
export const EVERYTHING = new URLSearchParams({
  last: '2h',
  method: '*',
  by: 'consumer,client,server,tool,method,outcome',
});

/** What was used of one combination, as far as it is a matter of counting. */
export interface Used {
  calls: number;
  errors: number;
  counted: number;
  estimates: number;
  argumentTokens: number;
  resultTokens: number;
  priced: number;
  requestBytes: number;
  resultChars: number;
  /** Of the calls, those a server was asked for. */
  asked: number;
}

/** What was used of one combination and is measured or has fractions. */
export interface Measured {
  cost: number;
  gatewayMs: number;
  upstreamMs: number;
}

/** Use by combination. */
export type UseOf<Kind> = Readonly<Record<string, Kind>>;

const UNCOUNTED =
  /^(?:initialize|ping|server\/discover|other|logging\/setLevel|resources\/(?:un)?subscribe|subscriptions\/listen)$/u;

/** What of an exchange the usage store counts: calls, lists and what servers ask. */
function isUse({ known }: Row): boolean {
  return !UNCOUNTED.test(known);
}

function keyOf(parts: readonly unknown[]): string {
  return parts.map((part) => String(part ?? '')).join(' | ');
}

function seriesOf({ actor, expected, method }: Row): string {
  const { kind, custom, target, server, outcome } = expected;
  const tool = kind === 'tool' || kind === 'prompt' ? (custom ?? target) : '';
  return keyOf([actor.caller.consumer, actor.client, server, tool, method, outcome]);
}

/** Use by the driver's books; times are those of the audit log. */
export function expectedUse(audited: readonly Audited[]): {
  readonly used: UseOf<Used>;
  readonly measured: UseOf<Measured>;
} {
  const used: Record<string, Used> = {};
  const measured: Record<string, Measured> = {};
  for (const each of audited.filter(({ row }) => isUse(row))) {
    const key = seriesOf(each.row);
    used[key] = plus(used[key], usedBy(each));
    measured[key] = plus(measured[key], measuredOf(each));
  }
  return { used, measured };
}

/** A call of several rounds is counted with the last of them. */
function usedBy({ row, line, spent }: Audited): Used {
  const calls = row.expected.outcome === 'input-required' ? 0 : 1;
  return {
    calls,
    errors: Number(isError(row)),
    counted: spent === undefined ? 0 : calls,
    estimates: Number(spent?.isEstimate === true),
    argumentTokens: spent?.arguments ?? 0,
    resultTokens: spent?.result ?? 0,
    priced: spent?.cost === undefined ? 0 : calls,
    requestBytes: row.bytes ?? 0,
    resultChars: Number(line['resultChars'] ?? 0),
    asked: Number(row.expected.isSent === true),
  };
}

function measuredOf({ line, spent }: Audited): Measured {
  const upstreamMs = Number(line['upstreamMs']);
  return {
    cost: spent?.cost ?? 0,
    gatewayMs: Number(line['durationMs']) - upstreamMs,
    upstreamMs,
  };
}

function plus<Amounts extends object>(one: Amounts | undefined, other: Amounts): Amounts {
  if (one === undefined) return other;
  const sums = Object.entries(other).map(([name, value]) => [
    name,
    Number(value) + Number((one as Record<string, number>)[name]),
  ]);
  return Object.fromEntries(sums) as Amounts;
}

/** Use as it was answered. */
export function answeredUse(answer: JsonObject): {
  readonly used: UseOf<Used>;
  readonly measured: UseOf<Measured>;
} {
  const used: Record<string, Used> = {};
  const measured: Record<string, Measured> = {};
  for (const row of answer['rows'] as JsonObject[]) {
    const { consumer, client, server, tool, method, outcome } = row;
    const key = keyOf([consumer, client, server, tool, method, outcome]);
    const number = (name: string, of: JsonObject = row): number => Number(of[name] ?? 0);
    const [tokens, gateway, upstream] = ['tokens', 'gatewayMs', 'upstreamMs'].map((name) =>
      objectOf(row[name]),
    ) as [JsonObject, JsonObject, JsonObject];
    used[key] = {
      calls: number('calls'),
      errors: number('errors'),
      counted: number('counted'),
      estimates: number('estimates'),
      argumentTokens: number('arguments', tokens),
      resultTokens: number('result', tokens),
      priced: number('priced'),
      requestBytes: number('requestBytes'),
      resultChars: number('resultChars'),
      asked: number('count', upstream),
    };
    measured[key] = {
      cost: number('cost'),
      gatewayMs: number('mean', gateway) * number('count', gateway),
      upstreamMs: number('mean', upstream) * number('count', upstream),
    };
  }
  return { used, measured };
}
