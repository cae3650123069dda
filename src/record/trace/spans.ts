import type { Entry, Recorded } from '../../kernel/entry.ts';
import { METHODS } from '../../kernel/methods.ts';
import type { Endpoint } from '../../kernel/plan.ts';
import type { Trace } from '../../kernel/trace.ts';
import {
  exchangeAttributes,
  isFailure,
  upstreamAttributes,
  type Attributes,
  type Scrub,
} from './attributes.ts';

/** One span, ready to be sent. */
export interface SpanData {
  readonly name: string;
  readonly kind: 'server' | 'client' | 'internal';
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string | undefined;
  /** Whether the parent is of another process. */
  readonly isParentRemote: boolean;
  readonly tracestate: string | undefined;
  /** Milliseconds since the epoch, with fractions. */
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Attributes;
  readonly isError: boolean;
}

/** What spans are made with. */
export interface SpanTerms {
  /** Id of a span: 16 hexadecimal digits. */
  newSpanId(): string;
  /** Where a server is; undefined when it is not configured any more. */
  endpoint(server: string): Endpoint | undefined;
  scrub: Scrub;
}

/** The spans of one exchange, the whole one first: a span per stage it reached, that of the server behind with the id it was told. */
export function spansOf(recorded: Recorded, trace: Trace, terms: SpanTerms): SpanData[] {
  const { entry, spending } = recorded;
  const whole: SpanData = {
    name: nameOf(entry, entry.custom ?? entry.target),
    kind: 'server',
    traceId: trace.traceId,
    spanId: trace.spanId,
    parentId: trace.parentId,
    isParentRemote: trace.parentId !== undefined,
    tracestate: trace.onward.tracestate,
    startMs: entry.startedAt,
    endMs: entry.startedAt + entry.durationMs,
    attributes: exchangeAttributes(entry, spending, terms.scrub),
    isError: isFailure(entry),
  };
  const parts = stagesOf(entry).map((stage) => partOf(whole, stage, { entry, trace, terms }));
  return [whole, ...parts];
}

interface Stage {
  readonly name: 'identify' | 'resolve' | 'decide' | 'guard' | 'upstream' | 'answer';
  /** Milliseconds after the arrival. */
  readonly from: number;
  readonly to: number;
  readonly isError: boolean;
}

interface PartTerms {
  readonly entry: Entry;
  readonly trace: Trace;
  readonly terms: SpanTerms;
}

function partOf(whole: SpanData, stage: Stage, { entry, trace, terms }: PartTerms): SpanData {
  const isUpstream = stage.name === 'upstream';
  return {
    ...whole,
    name: isUpstream ? nameOf(entry, entry.target) : stage.name,
    kind: isUpstream ? 'client' : 'internal',
    spanId: isUpstream ? trace.upstreamSpanId : terms.newSpanId(),
    parentId: whole.spanId,
    isParentRemote: false,
    startMs: whole.startMs + stage.from,
    endMs: whole.startMs + stage.to,
    attributes: isUpstream
      ? upstreamAttributes(entry, terms.endpoint(entry.upstream ?? ''), terms.scrub)
      : {},
    isError: stage.isError,
  };
}

/** Names have few values: a URI is no part of one (OpenTelemetry's conventions for MCP). */
function nameOf({ method, kind }: Entry, name: string | undefined): string {
  const isNamed = name !== undefined && (kind === 'tool' || kind === 'prompt');
  return isNamed ? `${method} ${name}` : method;
}

/** The stages an exchange reached; the last of them is the one it ended in, where it went wrong there. */
function stagesOf(entry: Entry): Stage[] {
  const { arrived, resolved, decided, guarded, answered } = entry.stages;
  const through = [
    ['identify', arrived],
    ['resolve', resolved],
    ['decide', decided],
    ['guard', guarded],
    ['upstream', answered],
  ] as const;
  const stages: Stage[] = [];
  let from = 0;
  for (const [name, to] of through) {
    if (to === undefined) return [...stages, ...brokenOff(entry, name, from)];
    stages.push({ name, from, to, isError: name === 'upstream' && isUpstreamFailure(entry) });
    from = to;
  }
  const isError = isFailure(entry) && !isUpstreamFailure(entry);
  return [...stages, { name: 'answer', from, to: entry.durationMs, isError }];
}

/** Only calls walk through all stages. */
function brokenOff(entry: Entry, name: Stage['name'], from: number): Stage[] {
  if (METHODS.get(entry.method)?.road !== 'call' || entry.outcome === 'ok') return [];
  return [{ name, from, to: entry.durationMs, isError: isFailure(entry) }];
}

function isUpstreamFailure({ outcome, code }: Entry): boolean {
  if (outcome === 'error' || outcome === 'tool-error' || outcome === 'timed-out') return true;
  return outcome === 'refused' && code?.startsWith('UPSTREAM_') === true;
}
