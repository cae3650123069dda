import { z } from 'zod';
import type { TracingPlan } from '../kernel/record-plan.ts';
import type { AppValues } from './app-values.ts';
import { httpUrlFault } from './http-text.ts';
import { otelServiceName, otlpEndpoint, otlpHeaders } from './open-telemetry.ts';
import { count, share, timer } from './quantities.ts';
import { VALUE } from './value.ts';
import type { Variables } from './variables.ts';

const EXAMPLE = 'http://localhost:4318/v1/traces';

/** Traces, sent over OTLP/HTTP. */
export const TRACING = z.strictObject({
  enabled: z
    .boolean()
    .describe(
      'Whether spans are made and sent. The context of a trace that a caller began is passed on either way.',
    )
    .default(false),
  endpoint: VALUE.describe(
    `Whole address that takes spans as OTLP over HTTP; when absent, that of \`OTEL_EXPORTER_OTLP_ENDPOINT\` with /v1/traces, else ${EXAMPLE}.`,
  ).optional(),
  headers: z
    .record(z.string().meta({ title: 'header' }), VALUE)
    .describe(
      'HTTP headers sent with them; those of `OTEL_EXPORTER_OTLP_HEADERS` when neither these nor an `endpoint` stand here.',
    )
    .optional(),
  sampleRatio: share(1, 'Share of the traces that begin here which are sent, 0 to 1.'),
  followParent: z
    .boolean()
    .describe(
      'Whether the decision of a caller holds for its own traces; otherwise `sampleRatio` alone decides.',
    )
    .default(true),
  serviceName: z
    .string()
    .min(1)
    .describe(
      'Name of this gateway in traces; when absent, that of `OTEL_SERVICE_NAME`, else `mcpx`.',
    )
    .optional(),
  timeoutMs: timer(10_000, 'Longest wait for the receiver.', 1),
  maxQueue: count(2048, 'Spans that may wait to be sent; further ones are dropped and counted.'),
});

/** Traces, from `tracing` and what the environment says of OpenTelemetry. */
export function compileTracing(
  tracing: z.output<typeof TRACING>,
  values: AppValues,
  variables: Variables,
): TracingPlan {
  return {
    isOn: tracing.enabled,
    ...receiverOf(tracing, values, variables),
    sampleRatio: tracing.sampleRatio,
    followsParent: tracing.followParent,
    serviceName: tracing.serviceName ?? otelServiceName(variables) ?? 'mcpx',
    timeoutMs: tracing.timeoutMs,
    maxQueue: tracing.maxQueue,
  };
}

function receiverOf(
  { enabled, endpoint, headers }: z.output<typeof TRACING>,
  values: AppValues,
  variables: Variables,
): Pick<TracingPlan, 'endpoint' | 'headers'> {
  const isOn = enabled;
  const own = headers && values.headers(headers, { path: ['tracing', 'headers'], isOn });
  if (endpoint !== undefined) {
    const spot = { path: ['tracing', 'endpoint'], isOn };
    const url = values.text(endpoint, spot, (text) => httpUrlFault(text, EXAMPLE));
    // Those of the environment may hold a key that is for the receiver it names.
    return { endpoint: url, headers: own ?? {} };
  }
  // Variables that are there for other programs must not keep a gateway without traces from starting.
  if (!isOn) return { endpoint: EXAMPLE, headers: own ?? {} };
  return {
    endpoint: otlpEndpoint(variables) ?? EXAMPLE,
    headers: own ?? otlpHeaders(variables),
  };
}
