import { createTraceState, SpanKind, SpanStatusCode, TraceFlags } from '@opentelemetry/api';
import type { HrTime } from '@opentelemetry/api';
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';

import type { SpanData } from './spans.ts';

const KINDS = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  internal: SpanKind.INTERNAL,
} as const;

/**
 * Writes spans as an OTLP request in protobuf. In a module apart, as what it loads is large and most gateways trace nothing.
 */
export function createEncoder(
  serviceName: string,
  version: string,
): (spans: readonly SpanData[]) => Uint8Array {
  const common = {
    resource: resourceFromAttributes({ 'service.name': serviceName, 'service.version': version }),
    instrumentationScope: { name: 'mcpx', version },
  };
  return (spans) => {
    const readable = spans.map((span) => ({ ...readableOf(span), ...common }));
    return ProtobufTraceSerializer.serializeRequest(readable) ?? new Uint8Array();
  };
}

type Readable = Omit<ReadableSpan, 'resource' | 'instrumentationScope'>;

function readableOf(span: SpanData): Readable {
  const { traceId, spanId, parentId, isParentRemote, tracestate, startMs, endMs } = span;
  const context = {
    traceId,
    spanId,
    traceFlags: TraceFlags.SAMPLED,
    ...(tracestate === undefined ? {} : { traceState: createTraceState(tracestate) }),
  };
  const parent = {
    traceId,
    spanId: parentId ?? '',
    traceFlags: TraceFlags.SAMPLED,
    isRemote: isParentRemote,
  };
  return {
    name: span.name,
    kind: KINDS[span.kind],
    spanContext: () => context,
    ...(parentId === undefined ? {} : { parentSpanContext: parent }),
    startTime: timeOf(startMs),
    endTime: timeOf(endMs),
    duration: timeOf(endMs - startMs),
    status: { code: span.isError ? SpanStatusCode.ERROR : SpanStatusCode.UNSET },
    attributes: { ...span.attributes },
    links: [],
    events: [],
    ended: true,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

const SECOND_MS = 1000;
const MS_NANOS = 1_000_000;
const SECOND_NANOS = SECOND_MS * MS_NANOS;

/** Whole seconds and nanoseconds. */
function timeOf(ms: number): HrTime {
  const seconds = Math.floor(ms / SECOND_MS);
  const nanos = Math.round((ms - seconds * SECOND_MS) * MS_NANOS);
  return nanos < SECOND_NANOS ? [seconds, nanos] : [seconds + 1, 0];
}
