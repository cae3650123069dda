import { Refusal } from '../kernel/refusals.ts';
import type { Latency, UsageRow } from '../kernel/usage.ts';
import { UsageDesk, usageToldJson, type UsageTold } from '../wiring/usage-desk.ts';
import { findConfiguration } from './configuration.ts';
import { fail, note, problemLine, table } from './output.ts';

/** What `mcpx usage` was asked: what `GET /admin/usage` is asked with. */
export interface UsageOptions extends Readonly<Record<string, string | readonly string[] | true>> {
  readonly json?: true;
}

/** `mcpx usage`: who called what, how much and how fast. */
export async function usage({ json, ...asked }: UsageOptions): Promise<void> {
  const desk = openDesk();
  if (desk === undefined) return;
  if (!desk.isOn) note('Note: usage is not counted while usage.enabled in app.yaml is false.');
  try {
    const told = await desk.ask(paramsOf(json === true ? asked : { top: MOST_SHOWN, ...asked }));
    const text = json === true ? `${JSON.stringify(usageToldJson(told), null, 2)}\n` : textOf(told);
    process.stdout.write(text);
    for (const each of [...told.answer.notes, ...(json === true ? [] : remarks(told))]) note(each);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (error instanceof Refusal) fail(message, 2);
    else fail(`Usage cannot be read: ${message}`, 1);
  }
}

const MOST_SHOWN = '20';

function openDesk(): UsageDesk | undefined {
  const { surroundings, read } = findConfiguration();
  const { plan, problems } = read();
  if (plan !== undefined) return new UsageDesk(plan, surroundings.dataDir);
  for (const problem of problems) note(problemLine(problem));
  fail('The configuration has errors; correct them first.', 1);
  return undefined;
}

function paramsOf(
  asked: Readonly<Record<string, string | readonly string[] | true>>,
): URLSearchParams {
  const params = new URLSearchParams();
  for (const [name, given] of Object.entries(asked))
    for (const text of [given].flat()) params.append(name, String(text));
  return params;
}

function textOf({ query, answer }: UsageTold): string {
  const span = `${timeOf(answer.from)} to ${timeOf(answer.to)} UTC`;
  if (answer.rows.length === 0) return `Nothing was used from ${span}.\n`;
  const { by, step } = query;
  const head = [
    ...(step === 'total' ? [] : ['BEGIN (UTC)']),
    ...by.map((name) => name.toUpperCase()),
  ];
  const rows = answer.rows.map((row) => [
    ...(row.at === undefined ? [] : [timeOf(row.at)]),
    ...by.map((name) => row.series[name] || '-'),
    ...amountsOf(row),
  ]);
  return `${span}; times are p50, p95 and p99\n${table([[...head, ...AMOUNTS], ...rows])}`;
}

const AMOUNTS = ['CALLS', 'ERRORS', 'TOKENS', 'COST', 'GATEWAY MS', 'UPSTREAM MS'];

function amountsOf(row: UsageRow): string[] {
  const { calls, tokens, counted, estimates, priced, cost } = row;
  const sum = tokens.arguments + tokens.result;
  return [
    String(calls),
    errorsText(row),
    counted === 0 && sum === 0 ? '-' : `${estimates > 0 ? '~' : ''}${sum}`,
    priced === 0 && cost === 0 ? '-' : `${priced < calls ? '>' : ''}$${moneyText(cost)}`,
    latencyText(row.gatewayMs),
    latencyText(row.upstreamMs),
  ];
}

function errorsText({ errors, outcomes }: UsageRow): string {
  if (errors === 0) return '0';
  const kinds = Object.entries(outcomes).filter(([outcome]) => outcome !== 'ok');
  return `${errors} (${kinds.map(([outcome, count]) => `${count} ${outcome}`).join(', ')})`;
}

function latencyText({ count, p50, p95, p99 }: Latency): string {
  return count === 0 ? '-' : [p50, p95, p99].map((each) => msText(each ?? 0)).join(' ');
}

/** Three digits that matter. */
function msText(ms: number): string {
  return ms >= 100 ? ms.toFixed(0) : String(Number(ms.toPrecision(3)));
}

function moneyText(cost: number): string {
  return cost >= 1 ? cost.toFixed(2) : String(Number(cost.toPrecision(3)));
}

/** To the minute. */
function timeOf(at: number): string {
  return new Date(at).toISOString().slice(0, 16).replace('T', ' ');
}

function remarks({ query, answer: { rows } }: UsageTold): string[] {
  const has = (test: (row: UsageRow) => boolean): boolean => rows.some(test);
  const combinations = new Set(rows.map(({ series }) => JSON.stringify(series)));
  return [
    ...(has(({ estimates }) => estimates > 0) ? ['~ A part of these tokens is an estimate.'] : []),
    ...(has(({ priced, calls }) => priced > 0 && priced < calls)
      ? ['> Some of these calls have no price: their model is not known, or has none.']
      : []),
    ...(combinations.size === query.top
      ? [`At most ${query.top} are shown, those with the most ${query.orderBy}; --top shows more.`]
      : []),
  ];
}
