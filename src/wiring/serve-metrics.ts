import type { Plan } from '../kernel/plan.ts';
import { listenMetrics, type MetricsListener } from '../listen/metrics.ts';
import type { LogPort } from '../record/log-sink.ts';
import type { MetricsSink } from '../record/metrics/metrics-sink.ts';
import type { Gate } from '../spine/ports.ts';
import type { Access } from './access.ts';
import { metricsPage } from './pages.ts';

/** What serving metrics needs. */
export interface MetricsTerms {
  readonly gate: Gate;
  readonly host: string;
  readonly port: number;
  /** Undefined where no metrics are kept. */
  readonly metrics: MetricsSink | undefined;
  readonly access: Access;
  readonly log: LogPort;
  plan(): Plan;
}

/** Binds the port of metrics; undefined, with a warning, where that cannot be done (docs/rules.md R18). */
export async function serveMetrics(terms: MetricsTerms): Promise<MetricsListener | undefined> {
  const { gate, host, port, metrics, access, log } = terms;
  if (metrics === undefined) return undefined;
  try {
    const page = metricsPage({ plan: () => terms.plan(), metrics, access });
    return await listenMetrics({ gate, host, port, page });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    log.warn({ port }, `metrics are not served: ${why}; SERVE_METRICS_PORT sets another port`);
    return undefined;
  }
}
