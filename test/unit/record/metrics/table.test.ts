import assert from 'node:assert/strict';
import test from 'node:test';
import { LABELS, OPEN_LABELS } from '../../../../src/record/metrics/labels.ts';
import type { MetricRow } from '../../../../src/record/metrics/row.ts';
import { METRICS } from '../../../../src/record/metrics/table.ts';

const rows: readonly (readonly [name: string, row: MetricRow])[] = Object.entries(METRICS);
const labels = new Set(rows.flatMap(([, row]) => row.labels));

test('names say what kind of metric it is and in which unit, as Prometheus has it', () => {
  const faults = rows.flatMap(([name, { type, unit }]) => {
    // The one name that is older than the gateway.
    if (name === 'tool_call_duration_ms') return [];
    const isTotal = name.endsWith('_total');
    const suffix = { seconds: '_seconds', bytes: '_bytes', 'US dollars': '_usd_total' }[unit];
    return [
      ...(isTotal === (type === 'counter') ? [] : [`${name}: _total is for counters`]),
      ...(suffix === undefined || name.endsWith(suffix) ? [] : [`${name} is in ${unit}`]),
      ...(/^(?:mcp|mcpx)_[a-z_]+$/u.test(name) ? [] : [`${name}: unknown prefix`]),
    ];
  });
  assert.deepEqual(faults, []);
});

test('every histogram has ascending buckets, and nothing else has any', () => {
  for (const [name, { type, buckets }] of rows) {
    assert.equal(buckets !== undefined, type === 'histogram', name);
    const bounds = buckets ?? [];
    assert.deepEqual(
      bounds,
      [...new Set(bounds)].sort((a, b) => a - b),
      name,
    );
  }
});

test('the operations have the buckets that the OpenTelemetry conventions want, and finer ones', () => {
  const wanted = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300];
  for (const [name, { buckets = [] }] of rows)
    if (name.startsWith('mcp_'))
      assert.deepEqual(
        wanted.filter((bound) => !buckets.includes(bound)),
        [],
        name,
      );
});

test('the page says of every label what it means, and of no other', () => {
  assert.deepEqual(Object.keys(LABELS), [...labels].toSorted());
  for (const label of OPEN_LABELS) assert.ok(labels.has(label), `nothing has the label ${label}`);
});
