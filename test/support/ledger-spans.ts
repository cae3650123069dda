import type { Audited } from './ledger-audit.ts';
import type { Spent } from './ledger-tokens.ts';
import { isError, type Row } from './ledger.ts';
import type { OtlpSpan } from './otlp-protobuf.ts';
import type { JsonObject } from './raw-http.ts';

export const SERVER_SPAN = 2;
export const CLIENT_SPAN = 3;
const ERROR = 2;

/** Whether an exchange is to be seen in traces: questions of servers are part of another one's. */
export function isTraced({ row }: Audited): boolean {
  return !row.isAsk && row.trace?.isSampled !== false;
}

/** What of a span is the driver's to foretell, of that of a whole exchange. */
export function expectedSpan({ row, line, spent }: Audited): JsonObject {
  const { actor, expected, known, trace, answer } = row;
  const { outcome } = expected;
  const { tool, prompt } = namesOf(row);
  return defined({
    name: [known, tool ?? prompt ?? []].flat().join(' '),
    parentId: trace?.parentId ?? '',
    isError: isError(row) && outcome !== 'cancelled',
    'mcp.method.name': known,
    'gen_ai.tool.name': tool,
    'gen_ai.prompt.name': prompt,
    'mcpx.exchange.id': line['id'],
    'mcpx.call_id': line['callId'],
    'mcpx.outcome': outcome,
    'mcpx.code': expected.code,
    'mcpx.rule': expected.rule,
    'mcpx.server': expected.server,
    'mcpx.consumer': actor.caller.consumer,
    'mcpx.client': actor.client,
    'mcpx.request.bytes': row.bytes,
    ...usedBy(spent),
    'rpc.response.status_code': answer?.error && String(answer.error.code),
  });
}

function namesOf({ expected }: Row): {
  readonly tool?: string | undefined;
  readonly prompt?: string | undefined;
} {
  const { kind, custom, target } = expected;
  if (kind === 'tool') return { tool: custom ?? target };
  return kind === 'prompt' ? { prompt: target } : {};
}

function usedBy(spent: Spent | undefined): JsonObject {
  return {
    'mcpx.tokens.arguments': spent?.arguments,
    'mcpx.tokens.result': spent?.result,
    'mcpx.tokens.is_estimate': spent?.isEstimate,
  };
}

/** The same of a span that came. */
export function receivedSpan(
  { name, parentId, status, attributes }: OtlpSpan,
  keys: JsonObject,
): JsonObject {
  const own = Object.entries(attributes).filter(([key]) => key in keys || SEEN.test(key));
  return defined({ name, parentId, isError: status === ERROR, ...Object.fromEntries(own) });
}

/** Attributes that would be wrong where they are not expected. */
const SEEN =
  /^(?:mcpx\.(?:call_id|code|rule|server|consumer|tokens\..*)|gen_ai\.(?:tool|prompt)\.name|rpc\..*)$/u;

function defined(members: JsonObject): JsonObject {
  return JSON.parse(JSON.stringify(members)) as JsonObject;
}
