import { collectDefaultMetrics, Histogram, Registry } from 'prom-client';

import type { Entry } from '../kernel/entry.ts';

const BUCKETS_MS = [
  1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000,
];
const MAX_LABELS = 100;
const MAX_LABEL_CHARS = 100;

/** Metrics of all exchanges, in the Prometheus format. */
export class MetricsSink {
  readonly #registry = new Registry();
  readonly #agents = new Set<string>();
  readonly #consumers = new Set<string>();
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
      tool_name: entry.custom ?? entry.target,
      error: String(entry.outcome !== 'ok'),
      agent: labelOf(entry.client, this.#agents),
      llm: '',
      model: '',
      server: entry.upstream ?? '',
      consumer: labelOf(entry.caller?.consumer, this.#consumers),
    };
    this.#calls.observe(labels, entry.durationMs);
  }

  /** The exposition text and its content type. */
  async exposition(): Promise<{ readonly text: string; readonly contentType: string }> {
    return { text: await this.#registry.metrics(), contentType: this.#registry.contentType };
  }
}

/** Callers name themselves: only so many names become labels. */
function labelOf(text: string | undefined, known: Set<string>): string {
  const name = text?.slice(0, MAX_LABEL_CHARS) ?? '';
  if (!known.has(name) && known.size >= MAX_LABELS) return 'other';
  known.add(name);
  return name;
}
