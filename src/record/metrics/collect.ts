import type { BreakerPhase, UpstreamPhase, UpstreamState } from '../../kernel/inventory.ts';
import type { Families } from './families.ts';
import { PARKED_ENDS, type MetricsPorts } from './ports.ts';
import type { NameOf } from './table.ts';
import { labelCounts, type Tracks } from './tracks.ts';

const PHASES: readonly UpstreamPhase[] = [
  'starting',
  'ready',
  'degraded',
  'pending-input',
  'pending-auth',
  'failed',
  'stopped',
];

const BREAKER: readonly BreakerPhase[] = ['closed', 'open', 'half-open'];
const REASONS = ['full', 'late', 'open'] as const;
const KINDS = ['tools', 'prompts', 'resources', 'resourceTemplates'] as const;

/** What may not be there any more at the next scrape: servers, and parts that are switched off. */
const PASSING: readonly NameOf<'counter' | 'gauge'>[] = [
  'mcpx_upstream_state',
  'mcpx_upstream_info',
  'mcpx_upstream_restarts_total',
  'mcpx_upstream_instances',
  'mcpx_upstream_in_flight',
  'mcpx_upstream_queued',
  'mcpx_upstream_breaker',
  'mcpx_upstream_retries_total',
  'mcpx_upstream_refused_total',
  'mcpx_upstream_items',
  'mcpx_audit_waiting_bytes',
  'mcpx_audit_failing',
  'mcpx_usage_failing',
  'mcpx_usage_waiting_rollups',
  'mcpx_spans_waiting',
  'mcpx_token_queue',
];

/** Reads what is only known at the moment of a scrape. */
export function collect(families: Families, tracks: Tracks, ports: MetricsPorts): void {
  for (const name of PASSING) families.clear(name);
  for (const state of ports.upstreams()) collectUpstream(families, state);
  collectSessions(families, ports);
  collectParked(families, ports);
  for (const { id, mode } of ports.limits()) {
    const limit = tracks.values('limit').of(id);
    families.sample('mcpx_limit_hits_total', { limit, mode });
    families.sample('mcpx_limit_warnings_total', { limit });
  }
  collectAudit(families, ports);
  collectRecords(families, ports);
  collectOwn(families, tracks, ports);
}

function collectUpstream(families: Families, state: UpstreamState): void {
  const { name: server, phase, era = '', version = '', transport } = state;
  for (const each of PHASES)
    set(families.sample('mcpx_upstream_state', { server, state: each }), Number(each === phase));
  set(families.sample('mcpx_upstream_info', { server, era, version, transport }), 1);
  set(families.sample('mcpx_upstream_restarts_total', { server }), state.restarts);
  set(families.sample('mcpx_upstream_instances', { server }), state.instances);
  set(families.sample('mcpx_upstream_in_flight', { server }), state.inFlight);
  set(families.sample('mcpx_upstream_queued', { server }), state.queued);
  for (const breaker of BREAKER)
    set(
      families.sample('mcpx_upstream_breaker', { server, breaker }),
      Number(breaker === state.breaker),
    );
  set(families.sample('mcpx_upstream_retries_total', { server }), state.retries);
  for (const reason of REASONS)
    set(families.sample('mcpx_upstream_refused_total', { server, reason }), state.refused[reason]);
  for (const kind of KINDS)
    set(families.sample('mcpx_upstream_items', { server, kind }), state.counts[kind]);
}

function collectSessions(families: Families, ports: MetricsPorts): void {
  const { count, streams, chars } = ports.sessions();
  set(families.sample('mcpx_sessions', {}), count);
  set(families.sample('mcpx_streams', {}), streams);
  set(families.sample('mcpx_event_store_bytes', {}), chars);
}

function collectParked(families: Families, ports: MetricsPorts): void {
  const parked = ports.parked?.();
  if (parked === undefined) return;
  const ended = PARKED_ENDS.map((reason) => families.sample('mcpx_parked_ended_total', { reason }));
  const rounds = ended.reduce((sum, { value }) => sum + value, parked.count);
  set(families.sample('mcpx_parked_calls', {}), parked.count);
  set(families.sample('mcpx_parked_bytes', {}), parked.bytes);
  set(families.sample('mcpx_parked_rounds_total', {}), rounds);
}

function collectAudit(families: Families, ports: MetricsPorts): void {
  const audit = ports.audit();
  if (audit === undefined) return;
  set(families.sample('mcpx_audit_lines_total', {}), audit.lines);
  set(families.sample('mcpx_audit_lost_lines_total', {}), audit.lost);
  set(families.sample('mcpx_audit_waiting_bytes', {}), audit.waitingBytes);
  set(families.sample('mcpx_audit_failing', {}), Number(audit.isFailing));
  const dropped = { syslog: audit.syslogDropped, http: audit.httpDropped };
  for (const [to, lines] of Object.entries(dropped))
    if (lines !== undefined)
      set(families.sample('mcpx_audit_export_dropped_lines_total', { to }), lines);
}

function collectRecords(families: Families, ports: MetricsPorts): void {
  const [usage, traces, tokens] = [ports.usage(), ports.traces(), ports.tokens()];
  if (usage !== undefined) {
    set(families.sample('mcpx_usage_exchanges_total', {}), usage.written);
    set(families.sample('mcpx_usage_dropped_exchanges_total', {}), usage.dropped);
    set(families.sample('mcpx_usage_waiting_rollups', {}), usage.waiting);
    set(families.sample('mcpx_usage_failing', {}), Number(usage.isFailing));
  }
  if (traces !== undefined) {
    set(families.sample('mcpx_spans_total', {}), traces.sent);
    set(families.sample('mcpx_spans_dropped_total', {}), traces.dropped);
    set(families.sample('mcpx_spans_waiting', {}), traces.waiting);
  }
  if (tokens !== undefined) {
    set(families.sample('mcpx_token_counts_total', { by: 'count' }), tokens.counted);
    set(families.sample('mcpx_token_counts_total', { by: 'estimate' }), tokens.estimated);
    set(families.sample('mcpx_token_queue', {}), tokens.waiting);
  }
}

/** Of the metrics themselves: whoever raises a bound must see what it costs. */
function collectOwn(families: Families, tracks: Tracks, ports: MetricsPorts): void {
  const { version: node } = process;
  set(families.sample('mcpx_build_info', { version: ports.version, node }), 1);
  set(families.sample('mcpx_metrics_label_values_max', {}), ports.maxLabelValues());
  for (const [label, count] of labelCounts(tracks))
    set(families.sample('mcpx_metrics_label_values', { label }), count);
  for (const [metric, size] of [...families.sizes()])
    set(families.sample('mcpx_metrics_series', { metric }), size);
}

function set(sample: { value: number }, value: number): void {
  sample.value = value;
}
