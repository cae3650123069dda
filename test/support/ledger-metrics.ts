import { REFUSALS, type RefusalCode } from '../../src/kernel/refusals.ts';
import type { Audited } from './ledger-audit.ts';
import { isError, type Ledger, type Row } from './ledger.ts';
import { linesIn } from './metrics-exposition.ts';

type Labels = Readonly<Record<string, string | undefined>>;

/** Series of one metric: what each counts, by its labels. */
export type Series = Readonly<Record<string, number>>;

/** Sums by labels; those without a value are left out, as a label that is empty is. */
class Tally {
  readonly sums: Record<string, number> = {};

  add(labels: Labels, amount = 1): void {
    const key = keyOf(labels);
    this.sums[key] = (this.sums[key] ?? 0) + amount;
  }

  /** Without what never was. */
  get series(): Series {
    return Object.fromEntries(Object.entries(this.sums).filter(([, value]) => value !== 0));
  }
}

function keyOf(labels: Labels): string {
  return Object.entries(labels)
    .filter(([, value]) => value !== undefined && value !== '')
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join(', ');
}

/** The series of a metric on a page. */
export function seriesOn(page: string, name: string): Series {
  const tally = new Tally();
  for (const { labels, value } of linesIn(page, name)) tally.add(labels, value);
  return tally.series;
}

function toolOf({ expected }: Row): string | undefined {
  return expected.kind === 'tool' ? (expected.custom ?? expected.target) : undefined;
}

function promptOf({ expected }: Row): string | undefined {
  return expected.kind === 'prompt' ? expected.target : undefined;
}

/** The code of the error that a client was sent; where it is a server that was, that of the refusal. */
function statusOf({ expected, answer, isAsk }: Row): string | undefined {
  if (!isAsk) return answer?.error && String(answer.error.code);
  return expected.code && String(REFUSALS[expected.code as RefusalCode].rpc);
}

function errorOf(row: Row): string | undefined {
  const { outcome } = row.expected;
  if (outcome === 'tool-error') return 'tool_error';
  return statusOf(row) ?? (outcome === 'cancelled' ? outcome : undefined);
}

/** What went wrong with the server behind. */
function upstreamErrorOf({ expected }: Row): string | undefined {
  const { outcome, code } = expected;
  if (outcome === 'tool-error') return 'tool_error';
  if (outcome === 'error') return code;
  if (outcome === 'timed-out') return 'timeout';
  if (outcome === 'cancelled') return outcome;
  return code?.startsWith('UPSTREAM_') === true ? code : undefined;
}

function operationLabels(row: Row): Labels {
  return {
    mcp_method_name: row.known,
    gen_ai_operation_name: row.method === 'tools/call' ? 'execute_tool' : undefined,
    gen_ai_prompt_name: promptOf(row),
    mcpx_server: row.expected.server,
  };
}

function toolCallLabels(row: Row): Labels {
  const { actor, expected } = row;
  return {
    tool_name: toolOf(row),
    error: String(isError(row)),
    agent: actor.client,
    llm: actor.said?.provider,
    model: actor.said?.id,
    server: expected.server,
    consumer: actor.caller.consumer,
  };
}

function serverLabels(row: Row): Labels {
  return {
    ...operationLabels(row),
    error_type: errorOf(row),
    rpc_response_status_code: statusOf(row),
    gen_ai_tool_name: toolOf(row),
    mcp_protocol_version: row.isAsk ? undefined : row.actor.version,
    network_transport: row.isAsk ? undefined : 'tcp',
  };
}

function clientLabels(row: Row): Labels {
  const { expected } = row;
  return {
    ...operationLabels(row),
    error_type: upstreamErrorOf(row),
    rpc_response_status_code: expected.outcome === 'error' ? expected.code : undefined,
    gen_ai_tool_name: expected.kind === 'tool' ? expected.target : undefined,
  };
}

function spenderLabels(row: Row): Labels {
  const { actor, expected } = row;
  return {
    method: row.known,
    server: expected.server,
    tool: toolOf(row),
    consumer: actor.caller.consumer,
    llm: actor.model?.provider,
    model: actor.model?.id,
  };
}

/** A histogram: how often, and how much in all, in the unit of the metric. */
interface Measured {
  readonly name: string;
  /** Milliseconds in its unit. */
  readonly perMs: number;
  labels(row: Row): Labels;
  amount(audited: Audited): number;
  isOf(row: Row): boolean;
}

const took = ({ line }: Audited): number => Number(line['durationMs']);
const tookBehind = ({ line }: Audited): number => Number(line['upstreamMs']);

const MEASURED: readonly Measured[] = [
  {
    name: 'tool_call_duration_ms',
    perMs: 1,
    labels: toolCallLabels,
    amount: took,
    isOf: (row) => row.method === 'tools/call' && toolOf(row) !== undefined,
  },
  {
    name: 'mcp_server_operation_duration_seconds',
    perMs: 1000,
    labels: serverLabels,
    amount: (audited) => took(audited) / 1000,
    isOf: () => true,
  },
  {
    name: 'mcp_client_operation_duration_seconds',
    perMs: 1000,
    labels: clientLabels,
    amount: (audited) => tookBehind(audited) / 1000,
    isOf: ({ expected }) => expected.isSent === true,
  },
  {
    name: 'mcpx_gateway_duration_seconds',
    perMs: 1000,
    labels: (row) => ({ method: row.known }),
    amount: (audited) => (took(audited) - tookBehind(audited)) / 1000,
    isOf: () => true,
  },
];

/** What histograms must say: `_count` to the call, `_sum` as far as the audit log tells. */
export function expectedHistograms(audited: readonly Audited[]): {
  readonly name: string;
  readonly counts: Series;
  readonly sums: Series;
  readonly perMs: number;
}[] {
  return MEASURED.map(({ name, labels, amount, isOf, perMs }) => {
    const [counts, sums] = [new Tally(), new Tally()];
    for (const each of audited.filter(({ row }) => isOf(row))) {
      counts.add(labels(each.row));
      sums.add(labels(each.row), amount(each));
    }
    return { name, counts: counts.series, sums: sums.series, perMs };
  });
}

type Counting = (tally: Tally, audited: Audited) => void;

const COUNTED: Readonly<Record<string, Counting>> = {
  mcpx_exchanges_total: (tally, { row }) => {
    const { outcome, server } = row.expected;
    tally.add({ method: row.known, outcome, server, consumer: row.actor.caller.consumer });
  },
  mcpx_refusals_total: (tally, { row }) => {
    const { code } = row.expected;
    if (code !== undefined && Object.hasOwn(REFUSALS, code)) tally.add({ code });
  },
  mcpx_tokens_total: (tally, { row, spent }) => {
    if (spent === undefined) return;
    const labels = { ...spenderLabels(row), estimate: String(spent.isEstimate) };
    for (const kind of ['arguments', 'result'] as const)
      tally.add({ ...labels, kind }, spent[kind]);
  },
  mcpx_cost_usd_total: (tally, { row, spent }) => tally.add(spenderLabels(row), spent?.cost ?? 0),
  mcpx_limit_hits_total: (tally, { row }) => {
    for (const [mode, limit] of hitsOf(row)) tally.add({ limit, mode });
  },
  mcpx_limit_warnings_total: (tally, { row }) => {
    for (const limit of saidOf(row, 'near')) tally.add({ limit });
  },
  mcpx_token_counts_total: (tally, { spent }) => {
    if (spent !== undefined) tally.add({ by: spent.isLong ? 'estimate' : 'count' });
  },
};

/** Limits that a word of warning was said of. */
function saidOf({ expected }: Row, word: string): string[] {
  const said = (expected.warnings ?? []).filter((warning) => warning.startsWith(`${word} `));
  return said.map((warning) => warning.slice(word.length + 1));
}

function hitsOf(row: Row): (readonly [mode: string, limit: string])[] {
  return [
    ...saidOf(row, 'over').map((limit) => ['enforce', limit] as const),
    ...saidOf(row, 'shadow').map((limit) => ['shadow', limit] as const),
  ];
}

/** What counters must say of exchanges. */
export function expectedCounters(audited: readonly Audited[]): Record<string, Series> {
  const all = Object.entries(COUNTED).map(([name, count]) => {
    const tally = new Tally();
    for (const each of audited) count(tally, each);
    return [name, tally.series] as const;
  });
  return Object.fromEntries(all);
}

/** What counters must say of all that is no exchange. */
export function otherCounters(ledger: Ledger, run: number): Record<string, Series> {
  const [turned, ended, restarts] = [new Tally(), new Tally(), new Tally()];
  const [waited, rounds] = [new Tally(), new Tally()];
  const isOfRun = (each: { readonly run: number }): boolean => each.run === run;
  for (const { code } of ledger.turned.filter(isOfRun)) turned.add({ code });
  for (const { version } of ledger.ended.filter(isOfRun))
    ended.add({ mcp_protocol_version: version });
  for (const { server } of ledger.crashes.filter(isOfRun)) restarts.add({ server });
  for (const { reason } of ledger.waited.filter(isOfRun)) {
    waited.add({ reason });
    rounds.add({});
  }
  return {
    mcpx_parked_calls: {},
    mcpx_parked_bytes: {},
    mcpx_parked_ended_total: waited.series,
    mcpx_parked_rounds_total: rounds.series,
    mcpx_turned_away_total: turned.series,
    mcp_server_session_duration_seconds_count: ended.series,
    mcpx_upstream_restarts_total: restarts.series,
  };
}
