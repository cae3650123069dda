import { LOG_LEVELS, META, MODERN_VERSION } from '../kernel/era.ts';
import { fromHeader } from '../kernel/header-text.ts';
import { isObject, objectAt, stringAt, type JsonObject } from '../kernel/json.ts';
import type { Request } from '../kernel/json-rpc.ts';
import { NAMED_BY, roadFor } from '../kernel/methods.ts';
import { Refusal } from '../kernel/refusals.ts';

/** What a modern request says of its sender. */
export interface Sender {
  readonly version: string;
  readonly capabilities: JsonObject;
  readonly clientInfo: JsonObject | undefined;
  readonly logLevel: string | undefined;
}

/** Checks what every modern request must carry and returns it (spec 2026-07-28, basic, "General fields"). */
export function senderOf(request: Request, header?: (name: string) => string | undefined): Sender {
  const meta = objectAt(request.params, '_meta');
  const version = stringAt(meta, META.version);
  if (version === undefined)
    throw new Refusal('PARAMS_INVALID', `params._meta["${META.version}"] must be a string.`);
  // Of the methods that no specification knows, the catalog knows which there are.
  if (roadFor(request.method, 'modern') === undefined) {
    throw new Refusal('METHOD_UNKNOWN', `Method not found: ${request.method.slice(0, 100)}`);
  }
  const capabilities = meta?.[META.capabilities];
  if (!isObject(capabilities))
    throw new Refusal('PARAMS_INVALID', `params._meta["${META.capabilities}"] must be an object.`);
  const logLevel = meta?.[META.logLevel];
  if (logLevel !== undefined && !LOG_LEVELS.some((level) => level === logLevel))
    throw new Refusal(
      'PARAMS_INVALID',
      `params._meta["${META.logLevel}"] must be one of ${LOG_LEVELS.join(', ')}.`,
    );
  if (header !== undefined) checkHeaders(request, version, header);
  if (version !== MODERN_VERSION) {
    throw new Refusal('VERSION_UNSUPPORTED', undefined, {
      supported: [MODERN_VERSION],
      requested: version,
    });
  }
  return {
    version,
    capabilities,
    clientInfo: objectAt(meta, META.clientInfo),
    logLevel: stringAt(meta, META.logLevel),
  };
}

/** The headers that intermediaries route by must say what the body says (spec 2026-07-28, streamable HTTP). */
function checkHeaders(
  request: Request,
  version: string,
  header: (name: string) => string | undefined,
): void {
  requireSame('MCP-Protocol-Version', header('mcp-protocol-version'), version);
  requireSame('Mcp-Method', header('mcp-method'), request.method);
  const key = NAMED_BY.get(request.method);
  const name = key === undefined ? undefined : stringAt(request.params, key);
  if (name !== undefined) requireSame('Mcp-Name', fromHeader(header('mcp-name')), name);
}

function requireSame(name: string, value: string | undefined, expected: string): void {
  if (value === expected) return;
  const what = value === undefined ? 'is missing' : 'differs from the body';
  throw new Refusal('HEADER_MISMATCH', `The header ${name} ${what}.`);
}
