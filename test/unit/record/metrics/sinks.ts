import type { UpstreamState } from '../../../../src/kernel/inventory.ts';
import { MetricsSink } from '../../../../src/record/metrics/metrics-sink.ts';
import type { MetricsPorts } from '../../../../src/record/metrics/ports.ts';

/** What metrics are told of the rest of the gateway: nothing, unless a test says otherwise. */
export function portsOf(changes: Partial<MetricsPorts> = {}): MetricsPorts {
  return {
    version: '1.2.3',
    maxLabelValues: () => 100,
    upstreams: () => [],
    sessions: () => ({ count: 0, streams: 0, chars: 0 }),
    limits: () => [],
    audit: () => undefined,
    usage: () => undefined,
    traces: () => undefined,
    tokens: () => undefined,
    ...changes,
  };
}

/** The sink, with ports as a test wants them. */
export function sinkOf(changes: Partial<MetricsPorts> = {}): MetricsSink {
  return new MetricsSink(portsOf(changes));
}

/** The text a scraper would get now. */
export async function scrapeOf(sink: MetricsSink): Promise<string> {
  return (await sink.exposition()).text;
}

/** The state of a server that is well, with what a test wants to be otherwise. */
export function stateOf(changes: Partial<UpstreamState> = {}): UpstreamState {
  return {
    name: 'github',
    phase: 'ready',
    reason: undefined,
    since: '2026-11-20T10:00:00.000Z',
    era: 'legacy',
    version: '2025-11-25',
    transport: 'stdio',
    isInteractive: false,
    breaker: 'half-open',
    retries: 6,
    refused: { full: 7, late: 8, open: 9 },
    instances: 1,
    restarts: 0,
    inFlight: 0,
    queued: 0,
    counts: { tools: 3, prompts: 2, resources: 1, resourceTemplates: 0 },
    ...changes,
  };
}
