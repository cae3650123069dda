import type { Circumstances } from '../../kernel/arrival.ts';
import type { JsonObject } from '../../kernel/json.ts';
import type { TracingPlan } from '../../kernel/record-plan.ts';
import type { Trace, TraceCarrier } from '../../kernel/trace.ts';
import { IdPool } from './id-pool.ts';
import {
  baggageOf,
  formatTraceparent,
  RANDOM,
  received,
  SAMPLED,
  type Received,
} from './trace-context.ts';

/** What tracing needs. */
export interface TracingTerms {
  plan(): TracingPlan;
  /** So many random bytes, as twice as many hexadecimal digits in lower case. */
  newBytes(count: number): string;
}

/** Gives exchanges their places in traces. */
export interface Tracing {
  /**
   * The place of an exchange, by the context its message carries in `_meta`, or else the context its HTTP request carries
   * (spec 2026-07-28, trace context). Undefined where nothing is traced and no context came. A context that is not valid
   * counts as none (W3C Trace Context, section 3.2).
   */
  begin(circumstances: Circumstances | undefined, meta: JsonObject | undefined): Trace | undefined;
}

const TRACE_DIGITS = 32;
const SPAN_DIGITS = 16;

/** Tracing by a plan that may change. */
export function createTracing(terms: TracingTerms): Tracing {
  const ids = new IdPool((count) => terms.newBytes(count));
  return {
    begin(circumstances, meta) {
      const header = circumstances?.trace;
      const plan = terms.plan();
      // Most gateways trace nothing and are sent nothing: that must cost nothing.
      if (!plan.isOn && header === undefined && meta?.['traceparent'] === undefined)
        return undefined;
      const came = arrived(header, meta);
      if (plan.isOn) return placed(came, onwardBaggage(came, header, meta), plan, ids);
      return came === undefined ? undefined : passedOn(came);
    },
  };
}

/** What the message itself says comes before what the request says that carried it. */
function arrived(
  header: TraceCarrier | undefined,
  meta: JsonObject | undefined,
): Received | undefined {
  const own = meta?.['traceparent'] === undefined ? undefined : received(meta);
  return own ?? (header === undefined ? undefined : received({ ...header }));
}

function onwardBaggage(
  came: Received | undefined,
  header: TraceCarrier | undefined,
  meta: JsonObject | undefined,
): string | undefined {
  const own = meta?.['baggage'] === undefined ? undefined : baggageOf(meta);
  return own ?? came?.context.baggage ?? baggageOf({ ...header });
}

/** Nothing is recorded here: the server behind is told what we were told. */
function passedOn({ parent, context }: Received): Trace {
  return {
    traceId: parent.traceId,
    spanId: parent.parentId,
    parentId: undefined,
    isSampled: isSampled(parent.flags),
    upstreamSpanId: parent.parentId,
    onward: context,
  };
}

/** Whether a trace passes through without spans of this gateway. */
export function isPassedOn({ spanId, upstreamSpanId }: Trace): boolean {
  return spanId === upstreamSpanId;
}

function placed(
  came: Received | undefined,
  baggage: string | undefined,
  plan: TracingPlan,
  ids: IdPool,
): Trace {
  const parent = came?.parent;
  const spanId = ids.take(SPAN_DIGITS);
  const upstreamSpanId = ids.take(SPAN_DIGITS);
  const traceId = parent?.traceId ?? ids.take(TRACE_DIGITS);
  const isKept =
    parent !== undefined && plan.followsParent
      ? isSampled(parent.flags)
      : isWithin(traceId, plan.sampleRatio);
  const flags = (isKept ? SAMPLED : 0) | ((parent?.flags ?? 0) & RANDOM);
  const traceparent = formatTraceparent({ traceId, parentId: upstreamSpanId, flags });
  const onward: TraceCarrier = { traceparent, tracestate: came?.context.tracestate, baggage };
  return { traceId, spanId, parentId: parent?.parentId, isSampled: isKept, upstreamSpanId, onward };
}

function isSampled(flags: number): boolean {
  return (flags & SAMPLED) !== 0;
}

/** Digits of the end of a trace id, which is its random part, that a number holds without loss. */
const RATIO_DIGITS = 13;
const RATIO_STEPS = 16 ** RATIO_DIGITS;

/** Decides by the trace id, so that all who see the trace with the same ratio decide alike. */
function isWithin(traceId: string, ratio: number): boolean {
  return Number.parseInt(traceId.slice(-RATIO_DIGITS), 16) >= (1 - ratio) * RATIO_STEPS;
}
