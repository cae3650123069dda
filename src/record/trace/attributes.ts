import type { Entry } from '../../kernel/entry.ts';
import type { Endpoint } from '../../kernel/plan.ts';
import { REFUSALS, type RefusalCode } from '../../kernel/refusals.ts';
import { rpcCodeOf } from '../../kernel/rpc-code.ts';
import type { Spending } from '../../kernel/spending.ts';

/** What a span says of itself, by name. */
export type Attributes = Record<string, string | number | boolean | readonly string[]>;

type Given = Readonly<Record<string, Attributes[string] | undefined>>;

/** Texts that callers choose go through this. */
export type Scrub = (text: string) => string;

/** Of the span of a whole exchange: OpenTelemetry's conventions for MCP, and what only this gateway knows under `mcpx.`. */
export function exchangeAttributes(
  entry: Entry,
  spending: Spending | undefined,
  scrub: Scrub,
): Attributes {
  const { transport, caller, client } = entry;
  return known({
    ...operation(entry, entry.custom ?? entry.target, scrub),
    'mcp.protocol.version': entry.version,
    'mcp.session.id': entry.era === 'legacy' ? entry.session : undefined,
    'network.transport': transport === undefined ? undefined : networkOf(transport),
    'network.protocol.name': transport === 'http' || transport === 'sse' ? 'http' : undefined,
    'mcpx.exchange.id': entry.id,
    'mcpx.call_id': entry.callId,
    'mcpx.era': entry.era,
    'mcpx.outcome': entry.outcome,
    'mcpx.code': entry.code,
    'mcpx.server': entry.upstream,
    'mcpx.consumer': caller?.consumer,
    'mcpx.caller': caller === undefined ? undefined : scrub(caller.name),
    'mcpx.caller.proof': caller?.proof,
    'mcpx.client': client === undefined ? undefined : scrub(client),
    'mcpx.rule': entry.rule,
    'mcpx.shadows': listOf(entry.shadows),
    'mcpx.warnings': listOf(entry.warnings),
    'mcpx.upstream_ms': entry.upstreamMs === 0 ? undefined : rounded(entry.upstreamMs),
    'mcpx.request.bytes': entry.requestBytes,
    'mcpx.result.chars': entry.resultChars,
    ...spent(entry, spending, scrub),
  });
}

/** Of the span of the request to the server behind. */
export function upstreamAttributes(
  entry: Entry,
  endpoint: Endpoint | undefined,
  scrub: Scrub,
): Attributes {
  return known({
    ...operation(entry, entry.target, scrub),
    'mcpx.server': entry.upstream,
    ...placeOf(endpoint),
  });
}

/** Whether an exchange went wrong, other than by its client's own wish. */
export function isFailure({ outcome }: Entry): boolean {
  return outcome !== 'ok' && outcome !== 'input-required' && outcome !== 'cancelled';
}

/** What is asked, and how that ended. */
function operation(entry: Entry, name: string | undefined, scrub: Scrub): Given {
  const { method, kind, target } = entry;
  const isCall = method === 'tools/call';
  const isUri = kind === 'resource' || method.startsWith('resources/');
  return {
    'mcp.method.name': method,
    'gen_ai.operation.name': isCall ? 'execute_tool' : undefined,
    'gen_ai.tool.name': kind === 'tool' ? name : undefined,
    'gen_ai.prompt.name': kind === 'prompt' ? name : undefined,
    'mcp.resource.uri': isUri && target !== undefined ? scrub(target) : undefined,
    'error.type': errorType(entry),
    'rpc.response.status_code': statusCode(entry),
  };
}

function errorType(entry: Entry): string | undefined {
  if (!isFailure(entry)) return undefined;
  return entry.outcome === 'tool-error' ? 'tool_error' : (entry.code ?? '_OTHER');
}

/** The JSON-RPC code of the answer; of our own refusals the one clients are sent. */
function statusCode({ outcome, code, era }: Entry): string | undefined {
  if (code === undefined || outcome === 'error') return code;
  return code in REFUSALS ? String(rpcCodeOf(code as RefusalCode, era)) : undefined;
}

function spent(entry: Entry, spending: Spending | undefined, scrub: Scrub): Given {
  const model = spending?.model ?? entry.model;
  const tokens = spending?.tokens;
  return {
    'mcpx.model.provider': textOf(model?.provider, scrub),
    'mcpx.model.id': textOf(model?.id, scrub),
    'mcpx.tokens.arguments': tokens?.arguments,
    'mcpx.tokens.result': tokens?.result,
    'mcpx.tokens.is_estimate': tokens?.isEstimate,
    'mcpx.cost_usd': spending?.cost,
  };
}

function textOf(text: string | undefined, scrub: Scrub): string | undefined {
  return text === undefined || text === '' ? undefined : scrub(text);
}

function networkOf(transport: NonNullable<Entry['transport']>): string {
  return transport === 'stdio' ? 'pipe' : 'tcp';
}

/** Where a server is, without what its address may hold besides. */
function placeOf(endpoint: Endpoint | undefined): Given {
  if (endpoint === undefined) return {};
  if (endpoint.kind === 'stdio') return { 'network.transport': 'pipe' };
  const common = { 'network.transport': 'tcp', 'network.protocol.name': 'http' };
  if (!URL.canParse(endpoint.url)) return common;
  const { hostname, port, protocol } = new URL(endpoint.url);
  const usual = protocol === 'https:' ? HTTPS_PORT : HTTP_PORT;
  return {
    ...common,
    'server.address': hostname,
    'server.port': port === '' ? usual : Number(port),
  };
}

const HTTP_PORT = 80;
const HTTPS_PORT = 443;

/** To the microsecond. */
function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

function listOf(texts: readonly string[]): readonly string[] | undefined {
  return texts.length === 0 ? undefined : texts;
}

function known(given: Given): Attributes {
  const attributes: Attributes = {};
  for (const [name, value] of Object.entries(given))
    if (value !== undefined) attributes[name] = value;
  return attributes;
}
