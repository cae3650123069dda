import assert from 'node:assert/strict';
import test from 'node:test';
import type { Entry } from '../../../../src/kernel/entry.ts';
import type { MetricsSink } from '../../../../src/record/metrics/metrics-sink.ts';
import { linesIn, readExposition, valueIn } from '../../../support/metrics-exposition.ts';
import { entryOf } from '../entries.ts';
import { scrapeOf, sinkOf } from './sinks.ts';

function take(sink: MetricsSink, changes: Partial<Entry>): void {
  sink.take({ entry: entryOf(changes), spending: undefined });
}

function valuesOf(text: string, name: string, label: string): Set<string> {
  return new Set(linesIn(text, name).map(({ labels }) => labels[label] ?? ''));
}

test('a label takes only so many values; further ones are counted together as other', async () => {
  const sink = sinkOf({ maxLabelValues: () => 3 });
  for (let count = 0; count < 10; count += 1) take(sink, { client: `agent-${count}` });
  take(sink, { client: 'agent-1' });
  take(sink, { client: undefined });
  const text = await scrapeOf(sink);
  const calls = 'tool_call_duration_ms_count';
  const expected = ['agent-0', 'agent-1', 'agent-2', 'other', ''];
  assert.deepEqual([...valuesOf(text, calls, 'agent')], expected);
  assert.equal(valueIn(text, calls, { agent: 'other' }), 7);
  assert.equal(valueIn(text, calls, { agent: 'agent-1' }), 2);
  assert.equal(valueIn(text, 'mcpx_metrics_label_values', { label: 'agent' }), 3);
  assert.equal(valueIn(text, 'mcpx_metrics_label_values_max'), 3);
});

test('the bound of labels is that of the configuration in force', async () => {
  let max = 1;
  const sink = sinkOf({ maxLabelValues: () => max });
  take(sink, { client: 'first' });
  take(sink, { client: 'second' });
  max = 2;
  take(sink, { client: 'second' });
  const text = await scrapeOf(sink);
  assert.equal(valueIn(text, 'tool_call_duration_ms_count', { agent: 'second' }), 1);
});

test('combinations are bounded too, and beyond the bound nothing is lost but the names', async () => {
  const sink = sinkOf({ maxLabelValues: () => 5 });
  let taken = 0;
  for (const client of ['a', 'b', 'c', 'd', 'e'])
    for (const target of ['1', '2', '3', '4', '5'])
      for (const consumer of ['x', 'y', 'z']) {
        const caller = { ...entryOf().caller, consumer } as Entry['caller'];
        take(sink, { client, target, caller, outcome: 'tool-error' });
        taken += 1;
      }
  const text = await scrapeOf(sink);
  const lines = linesIn(text, 'tool_call_duration_ms_count');
  assert.equal(lines.length, 51);
  assert.equal(
    lines.reduce((sum, { value }) => sum + value, 0),
    taken,
  );
  const rest = { tool_name: 'other', agent: 'other', consumer: 'other', error: 'true', llm: '' };
  assert.equal(valueIn(text, 'tool_call_duration_ms_count', rest), taken - 50);
  assert.equal(valueIn(text, 'mcpx_metrics_series', { metric: 'tool_call_duration_ms' }), 51);
});

test('what callers say is cut and cannot break the text of the metrics', async () => {
  const sink = sinkOf();
  const evil = 'a"} 1\nevil_total{x="\\';
  take(sink, { client: evil, model: { provider: 'p\u202e\u0000', id: 'm'.repeat(300) } });
  const text = await scrapeOf(sink);
  assert.ok(!readExposition(text).has('evil_total'));
  const [line] = linesIn(text, 'tool_call_duration_ms_count');
  assert.equal(line?.labels['agent'], 'a"} 1_evil_total{x="\\');
  assert.equal(line?.labels['llm'], 'p__');
  assert.equal(line?.labels['model'], 'm'.repeat(100));
});

test('what looks like a credential, or is one of the configuration, becomes no label', async () => {
  const sink = sinkOf({ scrub: (text) => text.replaceAll('hunter2', '[secret]') });
  const model = { provider: 'Bearer abcdefgh12345678', id: 'my-hunter2-model' };
  take(sink, { client: `sk-ant-${'a1'.repeat(12)}`, target: 'mcpx_find_tools', model });
  const text = await scrapeOf(sink);
  const [line] = linesIn(text, 'tool_call_duration_ms_count');
  assert.equal(line?.labels['agent'], 'other');
  assert.equal(line?.labels['tool_name'], 'mcpx_find_tools');
  assert.equal(line?.labels['llm'], 'other');
  assert.equal(line?.labels['model'], 'my-[secret]-model');
});

test('names that run into one another when they are put together are told apart', async () => {
  const sink = sinkOf();
  take(sink, { upstream: 'a', target: 'b\nc' });
  take(sink, { upstream: 'a\nb', target: 'c' });
  const text = await scrapeOf(sink);
  const calls = linesIn(text, 'tool_call_duration_ms_count');
  assert.deepEqual(
    calls.map(({ labels }) => [labels['server'], labels['tool_name']]),
    [
      ['a', 'b_c'],
      ['a_b', 'c'],
    ],
  );
});

test('a URI, a method nobody knows and a name that only a client sent become no label', async () => {
  const sink = sinkOf();
  const uri = 'file:///home/me/secret-4711';
  take(sink, { method: 'resources/read', kind: 'resource', target: uri });
  take(sink, { method: 'evil/4711', kind: undefined, target: undefined, upstream: undefined });
  const text = await scrapeOf(sink);
  assert.doesNotMatch(text, /4711/u);
  assert.equal(valueIn(text, 'mcpx_exchanges_total', { method: 'other' }), 1);
  assert.equal(valueIn(text, 'mcpx_exchanges_total', { method: 'resources/read' }), 1);
});

test('codes that servers answer with cannot crowd out those of refusals', async () => {
  const sink = sinkOf({ maxLabelValues: () => 2 });
  for (let code = 0; code < 9; code += 1) take(sink, { outcome: 'error', code: String(code) });
  take(sink, { outcome: 'refused', code: 'FORBIDDEN' });
  const text = await scrapeOf(sink);
  assert.equal(valueIn(text, 'mcpx_refusals_total', { code: 'FORBIDDEN' }), 1);
  const types = valuesOf(text, 'mcp_server_operation_duration_seconds_count', 'error_type');
  assert.deepEqual([...types], ['0', '1', 'other', '1403']);
});

test('however many kinds of exchanges there are, none is counted anew', async () => {
  const sink = sinkOf({ maxLabelValues: () => 20_000 });
  take(sink, { client: 'first' });
  for (let count = 0; count <= 10_000; count += 1) take(sink, { client: `agent-${count}` });
  take(sink, { client: 'first' });
  const text = await scrapeOf(sink);
  assert.match(text, /^tool_call_duration_ms_count\{[^}]*agent="first"[^}]*\} 2$/mu);
});
