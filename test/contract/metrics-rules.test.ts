import assert from 'node:assert/strict';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { stringify } from 'yaml';
import { createProgram } from '../../src/cli/program.ts';
import type { MetricRow } from '../../src/record/metrics/row.ts';
import { METRICS } from '../../src/record/metrics/table.ts';
import { alerts, panelCount, panelQueries, variables } from '../support/metrics-deployed.ts';
import { DEPLOYED, promtool } from '../support/metrics-prometheus.ts';

/** Series that make an alert fire, and ones that do not; a minute lies between two values. */
interface Case {
  readonly fires: Series;
  readonly quiet: Series;
}
type Series = Readonly<Record<string, string>>;

const EVAL_AT = '45m';
const of = (series: string, fires: string, quiet: string): Case => ({
  fires: { [series]: fires },
  quiet: { [series]: quiet },
});

/** By alert. Values are in the notation of promtool: start, step, how often. */
const CASES: Readonly<Record<string, Case>> = {
  McpxDown: of('up{job="mcpx",instance="a"}', '1x30 0x30', '1x60'),
  McpxCrashedExchanges: of('mcpx_refusals_total{code="INTERNAL"}', '0x40 1x20', '1x60'),
  McpxGatewaySlow: {
    fires: gatewayTimes('0+10x60', '0+100x60'),
    quiet: gatewayTimes('0+100x60', '0+100x60'),
  },
  McpxEventLoopBlocked: of('nodejs_eventloop_lag_p99_seconds{job="mcpx"}', '0.3x60', '0.1x60'),
  McpxMemoryHigh: of('process_resident_memory_bytes{job="mcpx"}', '2e9x60', '2e8x60'),
  McpxFilesRunOut: {
    fires: { 'process_open_fds{job="mcpx"}': '900x60', 'process_max_fds{job="mcpx"}': '1000x60' },
    quiet: { 'process_open_fds{job="mcpx"}': '90x60', 'process_max_fds{job="mcpx"}': '1000x60' },
  },
  McpxServerDown: of('mcpx_upstream_state{server="s",state="failed"}', '1x60', '1x41 0x20'),
  McpxServerDegraded: of('mcpx_upstream_state{server="s",state="degraded"}', '1x60', '1x41 0x20'),
  McpxServerRestarts: of('mcpx_upstream_restarts_total{server="s"}', '0+1x60', '0x30 1x30'),
  McpxServerErrors: { fires: outcomes('0+3x60'), quiet: outcomes('0x60') },
  McpxServerQueue: of('mcpx_upstream_queued{server="s"}', '2x60', '2x20 0x1 2x20 0x1 2x20'),
  McpxServerNotCalled: of(
    'mcpx_upstream_breaker{server="s",breaker="closed"}',
    '0x60',
    '1x20 0x3 1x36',
  ),
  McpxGuessedKeys: of('mcpx_turned_away_total{code="GUESSING"}', '0+120x60', '0+6x60'),
  McpxForbiddenCalls: of('mcpx_refusals_total{code="FORBIDDEN"}', '0+60x60', '0+6x60'),
  McpxLimitReached: {
    fires: { 'mcpx_limit_hits_total{limit="l",mode="enforce"}': '0x40 2x20' },
    quiet: { 'mcpx_limit_hits_total{limit="l",mode="shadow"}': '0x40 2x20' },
  },
  McpxBudgetNearEnd: of('mcpx_limit_warnings_total{limit="l"}', '0x40 1x20', '1x60'),
  McpxCostOfDay: of('mcpx_cost_usd_total{consumer="c"}', '0+10x60', '0+0.1x60'),
  McpxAuditFailing: of('mcpx_audit_failing', '1x60', '1x40 0x20'),
  McpxAuditLinesLost: of('mcpx_audit_lost_lines_total', '0x40 3x20', '3x60'),
  McpxAuditExportDropped: of(
    'mcpx_audit_export_dropped_lines_total{to="syslog"}',
    '0x40 3x20',
    '3x60',
  ),
  McpxUsageStoreFailing: of('mcpx_usage_failing', '1x60', '1x40 0x20'),
  McpxSpansDropped: of('mcpx_spans_dropped_total', '0x40 3x20', '3x60'),
  McpxLabelsFull: {
    fires: {
      'mcpx_metrics_label_values{label="agent"}': '100x90',
      mcpx_metrics_label_values_max: '100x90',
    },
    quiet: {
      'mcpx_metrics_label_values{label="agent"}': '99x90',
      mcpx_metrics_label_values_max: '100x90',
    },
  },
};

/** Alerts that wait longer than the others are looked at later. */
const LATE: Readonly<Record<string, string>> = { McpxLabelsFull: '80m' };

function gatewayTimes(quick: string, all: string): Series {
  const bucket = (le: string): string =>
    `mcpx_gateway_duration_seconds_bucket{method="tools/call",instance="a",le="${le}"}`;
  return { [bucket('0.05')]: quick, [bucket('0.5')]: all, [bucket('+Inf')]: all };
}

function outcomes(failures: string): Series {
  const calls = (outcome: string): string =>
    `mcpx_exchanges_total{method="tools/call",server="s",outcome="${outcome}"}`;
  // Rounds that only ask their client are no calls, and hide no failure.
  const rounds = { [calls('input-required')]: '0+1000x60' };
  return { [calls('ok')]: '0+10x60', [calls('timed-out')]: failures, ...rounds };
}

const folder = await mkdtemp(join(tmpdir(), 'mcpx-rules-'));
after(() => rm(folder, { recursive: true, force: true }));
await cp(DEPLOYED, folder, { recursive: true });
await writeFile(join(folder, 'mcpx.key'), 'a key');

test('the example configuration of Prometheus and its rules are valid', async () => {
  const { code, output } = await promtool(['check', 'config', 'prometheus.yml'], { cwd: folder });
  assert.equal(code, 0, output);
  assert.match(output, new RegExp(`SUCCESS: ${alerts.length} rules found`, 'u'));
});

test('every alert fires when it should, and is quiet when it should not', async () => {
  assert.deepEqual(
    Object.keys(CASES),
    alerts.map(({ alert }) => alert),
  );
  const tests = Object.entries(CASES).flatMap(([alert, { fires, quiet }]) => [
    ruleTest(alert, fires, true),
    ruleTest(alert, quiet, false),
  ]);
  const text = stringify({ rule_files: ['alerts.yml'], evaluation_interval: '1m', tests });
  await writeFile(join(folder, 'tests.yml'), text);
  const { code, output } = await promtool(['test', 'rules', 'tests.yml'], { cwd: folder });
  assert.equal(code, 0, output);
});

test('every alert says how bad it is, what is the matter and what to do', () => {
  for (const { alert, labels, annotations } of alerts) {
    assert.match(labels.severity, /^(?:critical|warning|info)$/u, alert);
    assert.match(annotations.summary, /\S{3}.*\.$/u, alert);
    assert.match(annotations.action, /\S{3}.*\.$/u, alert);
  }
});

test('every command that an alert advises exists', () => {
  const commands = createProgram().commands.map((command) => command.name());
  const advised = alerts.flatMap(({ annotations }) =>
    [...annotations.action.matchAll(/"mcpx ([a-z]+)/gu)].map(([, command = '']) => command),
  );
  assert.ok(advised.length > 0);
  for (const command of advised) assert.ok(commands.includes(command), `mcpx ${command}`);
});

test('the dashboard and the alerts ask for metrics that exist, by labels that those have', () => {
  assert.ok(panelQueries.length >= panelCount && panelCount > 40, 'the dashboard was not read');
  const expressions = [
    ...panelQueries.map(({ panel, expr }) => [panel, expr] as const),
    ...alerts.map(({ alert, expr }) => [alert, expr] as const),
  ];
  const faults = expressions.flatMap(([where, expr]) =>
    selectorsIn(expr).flatMap((selector) => selectorFaults(selector).map((f) => `${where}: ${f}`)),
  );
  assert.deepEqual(faults, []);
});

test('every metric of the gateway is asked for by the dashboard', () => {
  const asked = new Set(
    panelQueries.flatMap(({ expr }) => selectorsIn(expr).map(({ name }) => familyOf(name))),
  );
  assert.deepEqual(
    Object.keys(METRICS).filter((name) => !asked.has(name)),
    [],
  );
});

test('the variables of the dashboard take their values from metrics that have them', () => {
  assert.equal(variables.length, 3);
  for (const { metric, label } of variables)
    if (label !== 'instance')
      assert.deepEqual(selectorFaults({ name: metric, labels: [label] }), []);
});

function ruleTest(alert: string, series: Series, fires: boolean): object {
  return {
    name: `${alert} ${fires ? 'fires' : 'is quiet'}`,
    interval: '1m',
    input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
    promql_expr_test: [
      {
        expr: `count(ALERTS{alertname="${alert}",alertstate="firing"})`,
        eval_time: LATE[alert] ?? EVAL_AT,
        exp_samples: fires ? [{ labels: '{}', value: 1 }] : [],
      },
    ],
  };
}

interface Selector {
  readonly name: string;
  readonly labels: readonly string[];
}

/** Names of series in an expression, each with the labels it is selected by. */
function selectorsIn(expr: string): Selector[] {
  const asked = expr.replaceAll(/\b(?:by|ignoring|on) \([^)]*\)/gu, '');
  const found = asked.matchAll(/\b((?:mcpx?|tool|process|nodejs)_\w+)(?:\{([^}]*)\})?/gu);
  return [...found].map(([, name = '', matchers = '']) => ({
    name,
    labels: [...matchers.matchAll(/(\w+)(?:=~|!~|!=|=)"/gu)].map(([, label = '']) => label),
  }));
}

/** Scrapes add `instance` and `job`; buckets have `le`. */
function selectorFaults({ name, labels }: Selector): string[] {
  if (/^(?:process|nodejs)_/u.test(name)) return [];
  const row = (METRICS as Readonly<Record<string, MetricRow>>)[familyOf(name)];
  if (row === undefined) return [`there is no metric ${name}`];
  const known = new Set([...row.labels, 'instance', 'job', 'le']);
  return labels.filter((label) => !known.has(label)).map((label) => `${name} has no ${label}`);
}

function familyOf(name: string): string {
  const family = name.replace(/_(?:bucket|sum|count)$/u, '');
  return Object.hasOwn(METRICS, family) ? family : name;
}
