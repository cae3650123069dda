import type { Circumstances } from '../kernel/arrival.ts';
import type { ModelRef } from '../kernel/spending.ts';
import { saidName } from '../kernel/secrets.ts';
import type { TraceCarrier } from '../kernel/trace.ts';
import { headerOf, type HttpExchange } from './http-exchange.ts';

/** What a request over HTTP says of itself beside its message, whose size in bytes is given. */
export function circumstancesOf(
  { request, arrivedAt }: Pick<HttpExchange, 'request' | 'arrivedAt'>,
  bytes: number | undefined,
): Circumstances {
  const header = (name: string): string | undefined => headerOf(request, name);
  return { arrivedAt, bytes, model: modelOf(header), trace: traceOf(header) };
}

type Header = (name: string) => string | undefined;

/** The model an agent says it runs; letters that no model is named with are left out. */
function modelOf(header: Header): ModelRef | undefined {
  const provider = header('x-lunar-llm-provider');
  const id = header('x-lunar-llm-model-id');
  if (provider === undefined && id === undefined) return undefined;
  return { provider: nameOf(provider).toLowerCase(), id: nameOf(id) };
}

function nameOf(text: string | undefined): string {
  return saidName(text?.slice(0, MAX_NAME_CHARS) ?? '').replaceAll(/[^\w.:/@+-]/g, '');
}

function traceOf(header: Header): TraceCarrier | undefined {
  const traceparent = header('traceparent');
  if (traceparent === undefined) return undefined;
  return { traceparent, tracestate: header('tracestate'), baggage: header('baggage') };
}

const MAX_NAME_CHARS = 100;
