import { META } from '../kernel/era.ts';
import { objectAt, stringAt, type JsonObject } from '../kernel/json.ts';
import type { Request } from '../kernel/json-rpc.ts';
import type { Target } from '../kernel/target.ts';
import type { Trace } from '../kernel/trace.ts';
import { notMadeForThis } from './echo.ts';
import type { Passage } from './passage.ts';

const HOP_KEYS: readonly string[] = [
  META.version,
  META.capabilities,
  META.clientInfo,
  META.logLevel,
];

/** What goes to an upstream. */
export interface Call {
  readonly method: string;
  readonly params: JsonObject;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A call in the upstream's own names, without what describes only the hop to this gateway. */
export function toUpstream(passage: Passage): Call {
  const { request, era } = passage.arrival;
  const { args } = passage;
  const params = args === undefined ? request.params : { ...request.params, arguments: args };
  const named = inItsNames(request.method, params ?? {}, passage.target);
  if (era === 'legacy') return { method: request.method, params: named };
  return { method: request.method, params: withoutHop(withOwnState(named, passage)) };
}

/** Of what an extension calls something, nothing is known: its parameters go as they came. */
function inItsNames(method: string, params: JsonObject, { kind, name }: Target): JsonObject {
  if (kind === 'extension') return params;
  if (method === 'tools/call' || method === 'prompts/get') return { ...params, name };
  if (method === 'resources/read') return { ...params, uri: name };
  if (method !== 'completion/complete') return { ...params, taskId: name };
  const ref = objectAt(params, 'ref') ?? {};
  return {
    ...params,
    ref: ref['type'] === 'ref/prompt' ? { ...ref, name } : { ...ref, uri: name },
  };
}

/** The state a client echoes is ours; the upstream gets back the one it made, if it made one. */
function withOwnState(params: JsonObject, { echo, target }: Passage): JsonObject {
  if (echo === undefined) return params;
  const { requestState: _ours, ...rest } = params;
  if (echo.kind !== 'upstream') return rest;
  if (echo.upstream !== target.upstream) throw notMadeForThis();
  return { ...rest, requestState: echo.state };
}

function withoutHop(params: JsonObject): JsonObject {
  const meta = objectAt(params, '_meta');
  if (meta === undefined) return params;
  const kept = Object.fromEntries(Object.entries(meta).filter(([key]) => !HOP_KEYS.includes(key)));
  const { _meta: _dropped, ...rest } = params;
  return Object.keys(kept).length === 0 ? rest : { ...rest, _meta: kept };
}

/** The same call with its place in a trace, told in both ways (spec 2026-07-28, trace context). */
export function traced(call: Call, trace: Trace | undefined): Call {
  if (trace === undefined) return call;
  const { traceparent, tracestate, baggage } = trace.onward;
  const context = {
    traceparent,
    ...(tracestate === undefined ? {} : { tracestate }),
    ...(baggage === undefined ? {} : { baggage }),
  };
  // A state that came with another parent is not this one's.
  const {
    traceparent: _parent,
    tracestate: _state,
    baggage: _baggage,
    ...meta
  } = objectAt(call.params, '_meta') ?? {};
  return { ...call, params: { ...call.params, _meta: { ...meta, ...context } }, headers: context };
}

/** What conditions know as the arguments of a request: those of a tool or prompt, the URI of a resource, what is to be completed. */
export function argumentsOf({ method, params }: Request, target: Target): JsonObject | undefined {
  if (target.kind === 'resource') return { uri: target.name };
  if (method !== 'completion/complete') return objectAt(params, 'arguments');
  const given = objectAt(objectAt(params, 'context'), 'arguments');
  const asked = objectAt(params, 'argument');
  const name = stringAt(asked, 'name');
  return name === undefined
    ? given
    : Object.fromEntries([...Object.entries(given ?? {}), [name, asked?.['value'] ?? null]]);
}
