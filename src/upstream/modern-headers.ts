import { MODERN_VERSION } from '../kernel/era.ts';
import { toHeader } from '../kernel/header-text.ts';
import { objectAt, stringAt, type JsonObject } from '../kernel/json.ts';
import { NAMED_BY } from '../kernel/methods.ts';
import { paramHeaders, paramValue } from '../kernel/param-headers.ts';

/** The headers a modern request needs besides its body (spec 2026-07-28, streamable HTTP, "Standard headers"). */
export function modernHeaders(
  method: string,
  params: JsonObject,
  item: JsonObject | undefined,
): Record<string, string> {
  const headers: Record<string, string> = {
    'mcp-protocol-version': MODERN_VERSION,
    'mcp-method': method,
  };
  const key = NAMED_BY.get(method);
  const name = key === undefined ? undefined : stringAt(params, key);
  if (name !== undefined) headers['mcp-name'] = toHeader(name);
  if (method === 'tools/call' && item !== undefined) {
    const args = objectAt(params, 'arguments');
    for (const { path, header } of paramHeaders(item) ?? []) {
      const value = paramValue(args, path);
      if (value !== undefined) headers[`mcp-param-${header}`] = toHeader(String(value));
    }
  }
  return headers;
}
