import { EXCHANGE_ROWS } from '../../src/record/metrics/exchange-rows.ts';
import { LABELS, OPEN_LABELS } from '../../src/record/metrics/labels.ts';
import type { MetricRow } from '../../src/record/metrics/row.ts';
import { STATE_ROWS } from '../../src/record/metrics/state-rows.ts';
import { code, page, table } from './markdown.ts';

/** The page of every metric, its labels and what bounds them. */
export function metricsPage(): string {
  return page('Metrics', [
    'At `/metrics`, on the port of their own (`SERVE_METRICS_PORT`) and, unless `metrics.mainPort` says otherwise, on the main',
    'one, in the Prometheus text format. Who may read them: [Access control](../guide/access-control.md). Beside these',
    'there are the metrics of the process and its event loop, `process_*` and `nodejs_*`.',
    '',
    '`mcp_*` are those of the OpenTelemetry semantic conventions for MCP by their Prometheus names, with finer buckets below',
    '10 ms. `tool_call_duration_ms` is what dashboards of earlier gateways know.',
    '',
    '## Counted when something ends',
    '',
    metricsTable(EXCHANGE_ROWS),
    '',
    '## Read when somebody scrapes',
    '',
    'What is switched off has no series.',
    '',
    metricsTable(STATE_ROWS),
    '',
    '## Labels',
    '',
    'Labels marked *bounded* take at most `metrics.maxLabelValues` different values of at most 100 characters; further ones are',
    'counted together as `other`. A metric has at most ten times as many series. Names that only a client sent, arguments',
    'and URIs are never labels.',
    '',
    table(['Label', 'Meaning', ''], Object.entries(LABELS).map(labelRow)),
    '',
    '## Buckets',
    '',
    ...Object.entries({ ...EXCHANGE_ROWS, ...STATE_ROWS }).flatMap(bucketLine),
  ]);
}

function metricsTable(rows: Readonly<Record<string, MetricRow>>): string {
  const cells = Object.entries(rows).map(([name, { type, unit, labels, help, since }]) => [
    code(name),
    type,
    unit,
    labels.map((label) => code(label)).join(', '),
    help,
    since,
  ]);
  return table(['Name', 'Type', 'Unit', 'Labels', 'What it says', 'Since'], cells);
}

function labelRow([label, meaning]: readonly [string, string]): string[] {
  return [code(label), meaning, OPEN_LABELS.has(label) ? 'bounded' : ''];
}

function bucketLine([name, { buckets }]: readonly [string, MetricRow]): string[] {
  return buckets === undefined ? [] : [`- ${code(name)}: ${buckets.join(', ')}`];
}
