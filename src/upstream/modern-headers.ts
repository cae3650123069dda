import { MODERN_VERSION } from '../kernel/era.ts';
import { toHeader } from '../kernel/header-text.ts';
import { objectAt, stringAt, type JsonObject } from '../kernel/json.ts';
import { paramHeaders, paramValue } from '../kernel/param-headers.ts';

const NAME_KEYS: Readonly<Record<string, string>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
  'tasks/get': 'taskId',
  'tasks/update': 'taskId',
  'tasks/cancel': 'taskId',
};

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
  const key = NAME_KEYS[method];
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
