import assert from 'node:assert/strict';
import test from 'node:test';
import type { MetricRow } from '../../src/record/metrics/row.ts';
import { METRICS } from '../../src/record/metrics/table.ts';
import { freePort } from '../support/conformance-processes.ts';
import { linesIn, readExposition } from '../support/metrics-exposition.ts';
import { modernSent, RawSession } from '../support/raw-clients.ts';
import { gatewayForFile } from '../support/raw-gateway.ts';
import { eventually } from '../support/raw-eventually.ts';
import { send } from '../support/raw-http.ts';

/** What dashboards and alerts build on: names, labels and buckets of metrics. */

const PINNED = [
  'tool_call_duration_ms histogram milliseconds {tool_name,error,agent,llm,model,server,consumer}',
  'mcp_server_operation_duration_seconds histogram seconds {mcp_method_name,error_type,rpc_response_status_code,gen_ai_operation_name,gen_ai_tool_name,gen_ai_prompt_name,mcp_protocol_version,network_transport,mcpx_server}',
  'mcp_client_operation_duration_seconds histogram seconds {mcp_method_name,error_type,rpc_response_status_code,gen_ai_operation_name,gen_ai_tool_name,gen_ai_prompt_name,mcpx_server}',
  'mcp_server_session_duration_seconds histogram seconds {error_type,mcp_protocol_version}',
  'mcp_client_session_duration_seconds histogram seconds {error_type,mcp_protocol_version,network_transport,mcpx_server}',
  'mcpx_exchanges_total counter exchanges {method,outcome,server,consumer}',
  'mcpx_gateway_duration_seconds histogram seconds {method}',
  'mcpx_refusals_total counter refusals {code}',
  'mcpx_turned_away_total counter requests {code}',
  'mcpx_events_total counter events {event}',
  'mcpx_parked_ended_total counter rounds {reason}',
  'mcpx_tokens_total counter tokens {method,server,tool,consumer,llm,model,kind,estimate}',
  'mcpx_cost_usd_total counter US dollars {method,server,tool,consumer,llm,model}',
  'mcpx_limit_hits_total counter calls {limit,mode}',
  'mcpx_limit_warnings_total counter calls {limit}',
  'mcpx_upstream_state gauge 0 or 1 {server,state}',
  'mcpx_upstream_info gauge 1 {server,era,version,transport}',
  'mcpx_upstream_restarts_total counter restarts {server}',
  'mcpx_upstream_instances gauge instances {server}',
  'mcpx_upstream_in_flight gauge requests {server}',
  'mcpx_upstream_queued gauge requests {server}',
  'mcpx_upstream_breaker gauge 0 or 1 {server,breaker}',
  'mcpx_upstream_retries_total counter calls {server}',
  'mcpx_upstream_refused_total counter calls {server,reason}',
  'mcpx_upstream_items gauge items {server,kind}',
  'mcpx_sessions gauge sessions',
  'mcpx_streams gauge streams',
  'mcpx_event_store_bytes gauge bytes',
  'mcpx_parked_calls gauge calls',
  'mcpx_parked_rounds_total counter rounds',
  'mcpx_parked_bytes gauge bytes',
  'mcpx_token_counts_total counter exchanges {by}',
  'mcpx_token_queue gauge exchanges',
  'mcpx_audit_lines_total counter lines',
  'mcpx_audit_lost_lines_total counter lines',
  'mcpx_audit_waiting_bytes gauge bytes',
  'mcpx_audit_failing gauge 0 or 1',
  'mcpx_audit_export_dropped_lines_total counter lines {to}',
  'mcpx_usage_exchanges_total counter exchanges',
  'mcpx_usage_dropped_exchanges_total counter exchanges',
  'mcpx_usage_waiting_rollups gauge rollups',
  'mcpx_usage_failing gauge 0 or 1',
  'mcpx_spans_total counter spans',
  'mcpx_spans_dropped_total counter spans',
  'mcpx_spans_waiting gauge spans',
  'mcpx_metrics_label_values gauge values {label}',
  'mcpx_metrics_label_values_max gauge values',
  'mcpx_metrics_series gauge series {metric}',
  'mcpx_build_info gauge 1 {version,node}',
];

const metricsPort = await freePort();
const { port } = await gatewayForFile({
  env: { ENABLE_METRICS: 'true', SERVE_METRICS_PORT: String(metricsPort) },
});

async function scrape(at = metricsPort): Promise<string> {
  const { status, headers, text } = await send(at, { method: 'GET', path: '/metrics' });
  assert.equal(status, 200);
  assert.match(String(headers['content-type']), /^text\/plain; version=0\.0\.4/u);
  return text;
}

/** Exchanges are counted once it is known what they used. */
async function scrapedWith(...lines: readonly string[]): Promise<string> {
  let text = '';
  await eventually(`the metrics say ${lines.join(' and ')}`, async () => {
    text = await scrape();
    return lines.every((line) => text.includes(`${line}\n`));
  });
  return text;
}

test('the metrics of the gateway have these names, kinds, units and labels', () => {
  const rows: readonly (readonly [name: string, row: MetricRow])[] = Object.entries(METRICS);
  const described = rows.map(([name, { type, unit, labels }]) => {
    const under = labels.length === 0 ? '' : ` {${labels.join(',')}}`;
    return `${name} ${type} ${unit}${under}`;
  });
  assert.deepEqual(described, PINNED);
});

test('what is scraped is described there, and nothing else is of our own', async () => {
  const text = await scrape();
  const names = [...readExposition(text)].map(([name, { type }]) => `${name} ${type}`);
  const own = names.filter((name) => !/^(?:process|nodejs)_/u.test(name));
  assert.ok(own.length > 15, own.join(', '));
  const known = PINNED.map((line) => line.split(' ').slice(0, 2).join(' '));
  assert.deepEqual(
    own.filter((name) => !known.includes(name)),
    [],
  );
  assert.match(text, /^# HELP mcpx_refusals_total Requests that the gateway itself said no to/mu);
});

test('a call is counted under these labels, with these buckets', async () => {
  const session = await RawSession.open(port, { clientInfo: { name: 'pin-client', version: '1' } });
  await session.call('it__test_simple_text');
  await session.call('it__test_error_handling');
  const count = (tool: string, error: boolean): string =>
    `tool_call_duration_ms_count{tool_name="${tool}",error="${error}",agent="pin-client",llm="",model="",server="it",consumer=""} 1`;
  const text = await scrapedWith(
    count('test_simple_text', false),
    count('test_error_handling', true),
  );
  const buckets = [...text.matchAll(/_bucket\{le="([^"]+)",tool_name="test_simple_text"/gu)];
  assert.deepEqual(
    buckets.map(([, le]) => le),
    [
      1,
      2,
      5,
      10,
      25,
      50,
      100,
      250,
      500,
      1000,
      2500,
      5000,
      10_000,
      30_000,
      60_000,
      300_000,
      '+Inf',
    ].map(String),
  );
});

test('the metrics of the process are there under the names that dashboards know', async () => {
  const text = await scrape();
  for (const name of [
    'process_resident_memory_bytes',
    'process_open_fds',
    'nodejs_eventloop_lag_seconds',
    'nodejs_heap_size_used_bytes',
  ])
    assert.match(text, new RegExp(`^${name} `, 'mu'));
});

test('a name that only a client sent becomes no label, and what clients call themselves is bounded', async () => {
  const session = await RawSession.open(port);
  await session.call('it__never_there');
  for (let count = 0; count < 120; count += 1) {
    const info = { name: `agent-${count}-${'x'.repeat(300)}`, version: '1' };
    const meta = { 'io.modelcontextprotocol/clientInfo': info };
    await send(port, modernSent('tools/call', { name: 'it__test_simple_text' }, { meta }));
  }
  const refused = 'mcpx_refusals_total{code="TARGET_UNKNOWN"} 1';
  const calls =
    'mcpx_exchanges_total{method="tools/call",outcome="ok",server="it",consumer=""} 121';
  const text = await scrapedWith(refused, calls);
  assert.ok(!text.includes('never_there'));
  const counts = linesIn(text, 'tool_call_duration_ms_count');
  const agents = new Set(counts.map(({ labels }) => labels['agent'] ?? ''));
  assert.ok(agents.size <= 102 && agents.has('other'), `${agents.size} agents`);
  assert.ok([...agents].every((agent) => agent.length <= 100));
});

test('metrics are served beside the endpoint too, and are the same', async () => {
  assert.match(await scrape(port), /^# TYPE tool_call_duration_ms histogram$/mu);
});
