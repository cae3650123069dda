import { collectDefaultMetrics, Histogram, Registry } from 'prom-client';

import type { Entry } from '../kernel/entry.ts';

const BUCKETS_MS = [
  1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000,
];
const MAX_AGENTS = 100;
const MAX_AGENT_CHARS = 100;

/** Metrics of all exchanges, in the Prometheus format. */
export class MetricsSink {
  readonly #registry = new Registry();
  readonly #agents = new Set<string>();
  readonly #calls = new Histogram({
    name: 'tool_call_duration_ms',
    help: 'Duration of tool calls in milliseconds, from the arrival of the request to its answer.',
    labelNames: ['tool_name', 'error', 'agent', 'llm', 'model', 'server', 'consumer'] as const,
    buckets: BUCKETS_MS,
    registers: [this.#registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.#registry });
  }

  take(entry: Entry): void {
    if (entry.method !== 'tools/call' || entry.target === undefined) return;
    const labels = {
      tool_name: entry.target,
      error: String(entry.outcome !== 'ok'),
      agent: this.#agentLabel(entry.client),
      llm: '',
      model: '',
      server: entry.upstream ?? '',
      consumer: '',
    };
    this.#calls.observe(labels, entry.durationMs);
  }

  /** The exposition text and its content type. */
  async exposition(): Promise<{ readonly text: string; readonly contentType: string }> {
    return { text: await this.#registry.metrics(), contentType: this.#registry.contentType };
  }

  /** Clients name themselves: only so many names become labels. */
  #agentLabel(client: string | undefined): string {
    const name = client?.slice(0, MAX_AGENT_CHARS) ?? '';
    if (!this.#agents.has(name) && this.#agents.size >= MAX_AGENTS) return 'other';
    this.#agents.add(name);
    return name;
  }
}
