import { collectDefaultMetrics, Registry } from 'prom-client';

/** Gauges whose names only counters may have; the metrics beside them, without `_total`, say the same and more. */
const MISNAMED = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
];

/** Begins to watch this process and its event loop; what it returns gives their metrics as text. */
export function processMetrics(): () => Promise<string> {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const name of MISNAMED) registry.removeSingleMetric(name);
  return async () => (await registry.metrics()).replaceAll('\n\n', '\n');
}
