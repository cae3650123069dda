/** What carries a trace on its way (W3C Trace Context and Baggage), in headers or in `_meta` (spec 2026-07-28, trace context). */
export interface TraceCarrier {
  readonly traceparent: string;
  readonly tracestate?: string | undefined;
  readonly baggage?: string | undefined;
}

/** One exchange's place in a trace. */
export interface Trace {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** The span of the exchange in this gateway, 16 hexadecimal digits. */
  readonly spanId: string;
  /** The span it is part of; undefined where the trace begins here. */
  readonly parentId: string | undefined;
  /** Whether its spans are sent anywhere. */
  readonly isSampled: boolean;
  /** The span of the call to the server behind. */
  readonly upstreamSpanId: string;
  /** What the server behind is told. */
  readonly onward: TraceCarrier;
}
