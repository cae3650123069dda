import { z } from 'zod';
import type { MetricsPlan } from '../kernel/record-plan.ts';
import { count } from './quantities.ts';

const MAX_LABEL_VALUES = 10_000;

/** The metrics page. */
export const METRICS = z.strictObject({
  public: z
    .boolean()
    .describe('Whether metrics are served without a credential while authentication is on.')
    .default(false),
  mainPort: z
    .boolean()
    .describe('Whether the port that serves clients has the page too, not only its own port.')
    .default(true),
  maxLabelValues: count(
    100,
    'Values one label may take within one metric; further ones are counted as `other`.',
    1,
    MAX_LABEL_VALUES,
  ),
});

/** The metrics page, from `metrics`. */
export function compileMetrics(metrics: z.output<typeof METRICS>): MetricsPlan {
  return { isOnMainPort: metrics.mainPort, maxLabelValues: metrics.maxLabelValues };
}
