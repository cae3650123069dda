import assert from 'node:assert/strict';
import test from 'node:test';
import type { Entry } from '../../../../src/kernel/entry.ts';
import type { Spending } from '../../../../src/kernel/spending.ts';
import type { MetricsSink } from '../../../../src/record/metrics/metrics-sink.ts';
import { linesIn, readExposition, valueIn } from '../../../support/metrics-exposition.ts';
import { entryOf } from '../entries.ts';
import { scrapeOf, sinkOf, stateOf } from './sinks.ts';

function take(sink: MetricsSink, changes: Partial<Entry> = {}, spending?: Spending): void {
  sink.take({ entry: entryOf(changes), spending });
}

async function scraped(...changes: Partial<Entry>[]): Promise<string> {
  const sink = sinkOf();
  for (const each of changes) take(sink, each);
  return scrapeOf(sink);
}

test('a call is counted once, with the time of the gateway apart from that of the server behind', async () => {
  const text = await scraped({ version: '2025-11-25', durationMs: 30, upstreamMs: 25 });
  const labels = { tool_name: 'create_issue', error: 'false', agent: 'cursor', server: 'github' };
  assert.equal(valueIn(text, 'tool_call_duration_ms_sum', { ...labels, consumer: 'dev' }), 30);
  assert.equal(valueIn(text, 'tool_call_duration_ms_count', labels), 1);
  const operation = { mcp_method_name: 'tools/call', gen_ai_tool_name: 'create_issue' };
  assert.equal(valueIn(text, 'mcp_server_operation_duration_seconds_sum', operation), 0.03);
  assert.equal(valueIn(text, 'mcp_client_operation_duration_seconds_sum', operation), 0.025);
  const gateway = valueIn(text, 'mcpx_gateway_duration_seconds_sum', { method: 'tools/call' });
  assert.equal(gateway, 0.005);
  const how = { method: 'tools/call', outcome: 'ok', server: 'github', consumer: 'dev' };
  assert.equal(valueIn(text, 'mcpx_exchanges_total', how), 1);
  assert.deepEqual(linesIn(text, 'mcp_server_operation_duration_seconds_count')[0]?.labels, {
    mcp_method_name: 'tools/call',
    error_type: '',
    rpc_response_status_code: '',
    gen_ai_operation_name: 'execute_tool',
    gen_ai_tool_name: 'create_issue',
    gen_ai_prompt_name: '',
    mcp_protocol_version: '2025-11-25',
    network_transport: 'tcp',
    mcpx_server: 'github',
  });
});

test('buckets hold all that took as long as their bound or less', async () => {
  const text = await scraped({ durationMs: 2 }, { durationMs: 2.5 }, { durationMs: 999_999 });
  const at = (le: string): number | undefined =>
    valueIn(text, 'tool_call_duration_ms_bucket', { le });
  assert.deepEqual(['1', '2', '5', '300000', '+Inf'].map(at), [0, 1, 2, 2, 3]);
});

const OUTCOMES: readonly [
  changes: Partial<Entry>,
  server: readonly [type: string, status: string],
  client: readonly [type: string, status: string] | undefined,
][] = [
  [{ outcome: 'ok' }, ['', ''], ['', '']],
  [{ outcome: 'input-required' }, ['', ''], ['', '']],
  [{ outcome: 'tool-error' }, ['tool_error', ''], ['tool_error', '']],
  [{ outcome: 'error', code: '-32000' }, ['-32000', '-32000'], ['-32000', '-32000']],
  [{ outcome: 'timed-out', code: 'UPSTREAM_TIMEOUT' }, ['1504', '1504'], ['timeout', '']],
  [{ outcome: 'cancelled' }, ['cancelled', ''], ['cancelled', '']],
  [{ outcome: 'refused', code: 'UPSTREAM_LOST' }, ['1502', '1502'], ['UPSTREAM_LOST', '']],
  [{ outcome: 'refused', code: 'RESULT_TOO_LARGE' }, ['1430', '1430'], ['', '']],
  [{ outcome: 'refused', code: 'FORBIDDEN', upstreamMs: 0 }, ['1403', '1403'], undefined],
  [{ outcome: 'crashed', code: 'INTERNAL', upstreamMs: 0 }, ['-32603', '-32603'], undefined],
];

for (const [changes, server, client] of OUTCOMES)
  test(`${changes.outcome} ${changes.code ?? ''} has the error labels of the conventions on both sides`, async () => {
    const text = await scraped(changes);
    const errorOf = (name: string): unknown => {
      const [line] = linesIn(text, name);
      return line && [line.labels['error_type'], line.labels['rpc_response_status_code']];
    };
    assert.deepEqual(errorOf('mcp_server_operation_duration_seconds_count'), server);
    assert.deepEqual(errorOf('mcp_client_operation_duration_seconds_count'), client);
    const isGood = changes.outcome === 'ok' || changes.outcome === 'input-required';
    const isError = { error: String(!isGood) };
    assert.equal(valueIn(text, 'tool_call_duration_ms_count', isError), 1);
  });

test('refusals are counted by code, and every code is there from the start', async () => {
  const text = await scraped(
    { outcome: 'refused', code: 'FORBIDDEN', upstreamMs: 0 },
    { outcome: 'refused', code: 'FORBIDDEN', upstreamMs: 0, target: undefined, kind: undefined },
    { outcome: 'error', code: '-32602' },
  );
  assert.equal(valueIn(text, 'mcpx_refusals_total', { code: 'FORBIDDEN' }), 2);
  assert.equal(valueIn(text, 'mcpx_refusals_total', { code: 'LIMITED' }), 0);
  assert.equal(linesIn(text, 'mcpx_refusals_total', { code: '-32602' }).length, 0);
});

test('requests turned away at the door, events and sessions are counted', async () => {
  const sink = sinkOf();
  sink.turnedAway('GUESSING');
  sink.turnedAway('GUESSING', 4);
  sink.event({ event: 'config-changed', by: 'root', details: {} });
  sink.sessionEnded({
    key: 's1',
    principal: 'key:k1',
    version: '2025-06-18',
    client: 'cursor',
    reason: 'ended by the client',
    ageMs: 2500,
  });
  const text = await scrapeOf(sink);
  assert.equal(valueIn(text, 'mcpx_turned_away_total', { code: 'GUESSING' }), 5);
  assert.equal(valueIn(text, 'mcpx_turned_away_total', { code: 'UNAUTHENTICATED' }), 0);
  assert.equal(valueIn(text, 'mcpx_events_total', { event: 'config-changed' }), 1);
  const version = { mcp_protocol_version: '2025-06-18' };
  assert.equal(valueIn(text, 'mcp_server_session_duration_seconds_sum', version), 2.5);
});

test('a custom tool is known by its own name to callers, and by its parent to the server behind', async () => {
  const text = await scraped({ custom: 'report_bug' });
  assert.equal(valueIn(text, 'tool_call_duration_ms_count', { tool_name: 'report_bug' }), 1);
  const server = linesIn(text, 'mcp_server_operation_duration_seconds_count')[0];
  const client = linesIn(text, 'mcp_client_operation_duration_seconds_count')[0];
  assert.equal(server?.labels['gen_ai_tool_name'], 'report_bug');
  assert.equal(client?.labels['gen_ai_tool_name'], 'create_issue');
});

test('other requests are no tool calls: prompts have their name, lists none', async () => {
  const text = await scraped(
    { method: 'prompts/get', kind: 'prompt', target: 'greeting' },
    { method: 'tools/list', kind: undefined, target: undefined, upstream: undefined },
  );
  assert.equal(linesIn(text, 'tool_call_duration_ms_count').length, 0);
  const count = 'mcp_server_operation_duration_seconds_count';
  assert.equal(valueIn(text, count, { gen_ai_prompt_name: 'greeting' }), 1);
  assert.equal(valueIn(text, count, { mcp_method_name: 'tools/list', mcpx_server: '' }), 1);
});

test('tokens and cost are counted by who used what, under the model they were counted for', async () => {
  const sink = sinkOf();
  const tokens = { arguments: 10, result: 200, isEstimate: false, encoding: 'o200k_base' };
  const said = { provider: 'openai', id: 'gpt-5' };
  take(sink, { model: said }, { tokens, cost: 0.25 });
  take(sink, { model: said }, { tokens: { ...tokens, isEstimate: true }, cost: undefined });
  const configured = { provider: 'anthropic', id: 'claude-opus' };
  take(sink, { model: said }, { tokens, model: configured, cost: 2 });
  const text = await scrapeOf(sink);
  const by = { server: 'github', tool: 'create_issue', consumer: 'dev', llm: 'openai' };
  const of = (kind: string, estimate: string): number | undefined =>
    valueIn(text, 'mcpx_tokens_total', { ...by, model: 'gpt-5', kind, estimate });
  assert.deepEqual([of('arguments', 'false'), of('result', 'false')], [10, 200]);
  assert.deepEqual([of('arguments', 'true'), of('result', 'true')], [10, 200]);
  assert.equal(valueIn(text, 'mcpx_cost_usd_total', by), 0.25);
  assert.equal(valueIn(text, 'mcpx_cost_usd_total', { model: 'claude-opus' }), 2);
  assert.equal(valueIn(text, 'tool_call_duration_ms_count', { model: 'gpt-5' }), 3);
});

test('limits are there from the start, and count whom they refused, would have refused and warned', async () => {
  const limits = () => [
    { id: 'daily', mode: 'enforce' as const },
    { id: 'trial', mode: 'shadow' as const },
  ];
  const sink = sinkOf({ limits });
  take(sink, { outcome: 'refused', code: 'LIMITED', warnings: ['over daily', 'shadow trial'] });
  take(sink, { warnings: ['near daily'] });
  const text = await scrapeOf(sink);
  const hits = (limit: string): number | undefined =>
    valueIn(text, 'mcpx_limit_hits_total', { limit });
  assert.deepEqual([hits('daily'), hits('trial')], [1, 1]);
  assert.equal(valueIn(text, 'mcpx_limit_hits_total', { mode: 'shadow' }), 1);
  const warnings = (limit: string): number | undefined =>
    valueIn(text, 'mcpx_limit_warnings_total', { limit });
  assert.deepEqual([warnings('daily'), warnings('trial')], [1, 0]);
});

test('servers, sessions and the sinks of the record are shown as they are at the moment of a scrape', async () => {
  let states = [
    stateOf({ restarts: 2, inFlight: 3, queued: 4 }),
    stateOf({ name: 'slack', phase: 'failed' }),
  ];
  const sink = sinkOf({
    upstreams: () => states,
    sessions: () => ({ count: 5, streams: 6, chars: 7 }),
    audit: () => ({
      lines: 8,
      lost: 1,
      waitingBytes: 19,
      isFailing: true,
      syslogDropped: 9,
      httpDropped: undefined,
    }),
    usage: () => ({ written: 10, dropped: 11, waiting: 12, isFailing: false }),
    traces: () => ({ sent: 13, dropped: 14, waiting: 15 }),
    tokens: () => ({ counted: 16, estimated: 17, waiting: 18 }),
  });
  const text = await scrapeOf(sink);
  const github = { server: 'github' };
  const failed = { server: 'slack', state: 'failed' };
  assert.equal(valueIn(text, 'mcpx_upstream_state', failed), 1);
  assert.equal(valueIn(text, 'mcpx_upstream_state', { ...github, state: 'failed' }), 0);
  assert.equal(linesIn(text, 'mcpx_upstream_state', github).length, 7);
  const info = { ...github, era: 'legacy', version: '2025-11-25', transport: 'stdio' };
  assert.equal(valueIn(text, 'mcpx_upstream_info', info), 1);
  assert.equal(valueIn(text, 'mcpx_upstream_restarts_total', github), 2);
  assert.equal(valueIn(text, 'mcpx_upstream_instances', github), 1);
  assert.equal(valueIn(text, 'mcpx_upstream_in_flight', github), 3);
  assert.equal(valueIn(text, 'mcpx_upstream_queued', github), 4);
  assert.equal(valueIn(text, 'mcpx_upstream_items', { ...github, kind: 'prompts' }), 2);
  assert.equal(valueIn(text, 'mcpx_upstream_breaker', { ...github, breaker: 'half-open' }), 1);
  assert.equal(valueIn(text, 'mcpx_upstream_breaker', { ...github, breaker: 'closed' }), 0);
  assert.equal(valueIn(text, 'mcpx_upstream_retries_total', github), 6);
  assert.equal(valueIn(text, 'mcpx_upstream_refused_total', { ...github, reason: 'late' }), 8);
  const plain: Readonly<Record<string, number>> = {
    mcpx_sessions: 5,
    mcpx_streams: 6,
    mcpx_event_store_bytes: 7,
    mcpx_audit_lines_total: 8,
    mcpx_audit_lost_lines_total: 1,
    mcpx_audit_waiting_bytes: 19,
    mcpx_audit_failing: 1,
    mcpx_usage_exchanges_total: 10,
    mcpx_usage_dropped_exchanges_total: 11,
    mcpx_usage_waiting_rollups: 12,
    mcpx_usage_failing: 0,
    mcpx_spans_total: 13,
    mcpx_spans_dropped_total: 14,
    mcpx_spans_waiting: 15,
    mcpx_token_queue: 18,
  };
  for (const [name, value] of Object.entries(plain)) assert.equal(valueIn(text, name), value, name);
  assert.equal(valueIn(text, 'mcpx_audit_export_dropped_lines_total', { to: 'syslog' }), 9);
  assert.equal(linesIn(text, 'mcpx_audit_export_dropped_lines_total', { to: 'http' }).length, 0);
  assert.equal(valueIn(text, 'mcpx_token_counts_total', { by: 'estimate' }), 17);
  assert.equal(valueIn(text, 'mcpx_build_info', { node: process.version }), 1);
  assert.equal(valueIn(text, 'mcpx_build_info', { version: '1.2.3' }), 1);

  states = states.slice(1);
  assert.equal(linesIn(await scrapeOf(sink), 'mcpx_upstream_state', github).length, 0);
});

test('what is switched off has no series, not one of zero', async () => {
  const metrics = readExposition(await scrapeOf(sinkOf()));
  for (const part of ['audit', 'usage', 'spans', 'token'])
    assert.deepEqual(
      [...metrics].filter(
        ([name, { lines }]) => name.startsWith(`mcpx_${part}`) && lines.length > 0,
      ),
      [],
    );
});

test('how long connections to servers were up follows from their states', async () => {
  const sink = sinkOf();
  const at = (seconds: number): string =>
    new Date(1_800_000_000_000 + seconds * 1000).toISOString();
  sink.serverState(stateOf({ phase: 'starting', since: at(0) }));
  sink.serverState(stateOf({ since: at(10) }));
  sink.serverState(stateOf({ phase: 'degraded', since: at(12) }));
  sink.serverState(stateOf({ since: at(13) }));
  sink.serverState(stateOf({ phase: 'starting', since: at(40), version: undefined }));
  sink.serverState(stateOf({ since: at(50) }));
  sink.serverState(stateOf({ phase: 'stopped', since: at(55) }));
  const text = await scrapeOf(sink);
  const sum = (error: string): number | undefined =>
    valueIn(text, 'mcp_client_session_duration_seconds_sum', {
      error_type: error,
      mcp_protocol_version: '2025-11-25',
      network_transport: 'pipe',
      mcpx_server: 'github',
    });
  assert.deepEqual([sum('lost'), sum('')], [30, 5]);
});

test('the process and its event loop are in the same exposition, whose format is said with it', async () => {
  const sink = sinkOf();
  await sink.watchProcess();
  const { contentType, text } = await sink.exposition();
  assert.equal(contentType, 'text/plain; version=0.0.4; charset=utf-8');
  for (const name of ['process_resident_memory_bytes', 'nodejs_eventloop_lag_p99_seconds'])
    assert.equal(linesIn(text, name).length, 1, name);
  assert.doesNotMatch(text, /\n\n/u);
});

test('calls that wait for their clients are told of with how each wait ended, and how many began (R3)', async () => {
  const sink = sinkOf({ parked: () => ({ count: 2, bytes: 1234 }) });
  for (const reason of ['resumed', 'resumed', 'expired'] as const) sink.parkedEnded(reason);
  const text = await scrapeOf(sink);
  assert.equal(valueIn(text, 'mcpx_parked_calls', {}), 2);
  assert.equal(valueIn(text, 'mcpx_parked_bytes', {}), 1234);
  assert.equal(valueIn(text, 'mcpx_parked_rounds_total', {}), 5);
  assert.deepEqual(
    linesIn(text, 'mcpx_parked_ended_total').map(({ labels, value }) => [labels['reason'], value]),
    [
      ['resumed', 2],
      ['expired', 1],
      ['evicted', 0],
      ['denied', 0],
      ['shutdown', 0],
    ],
  );
  assert.doesNotMatch(await scrapeOf(sinkOf()), /^mcpx_parked_calls /mu, 'where none can wait');
});
