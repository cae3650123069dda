import { MODERN_VERSION } from '../kernel/era.ts';
import { isObject, objectAt, stringAt, type Json, type JsonObject } from '../kernel/json.ts';

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
  if (name !== undefined) headers['mcp-name'] = headerValue(name);
  if (method === 'tools/call')
    addParamHeaders(headers, objectAt(params, 'arguments'), objectAt(item, 'inputSchema'));
  return headers;
}

/** A text as a header value: as it is where HTTP allows, else base64 in the form the spec defines. */
export function headerValue(text: string): string {
  const isPlain =
    /^[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?$/u.test(text) && !/^=\?base64\?.*\?=$/iu.test(text);
  return isPlain ? text : `=?base64?${Buffer.from(text, 'utf8').toString('base64')}?=`;
}

function addParamHeaders(
  headers: Record<string, string>,
  args: JsonObject | undefined,
  schema: JsonObject | undefined,
): void {
  const properties = objectAt(schema, 'properties');
  if (properties === undefined) return;
  for (const [key, property] of Object.entries(properties)) {
    if (!isObject(property)) continue;
    const value = args?.[key];
    const header = stringAt(property, 'x-mcp-header');
    if (header === undefined)
      addParamHeaders(headers, isObject(value) ? value : undefined, property);
    else if (isScalar(value))
      headers[`mcp-param-${header.toLowerCase()}`] = headerValue(String(value));
  }
}

function isScalar(value: Json | undefined): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}
