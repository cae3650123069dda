import { isObject, objectAt, stringAt, type Json, type JsonObject } from './json.ts';

/** An argument that travels in a header too: its path in the arguments, and the header's name in lower case. */
export interface ParamHeader {
  readonly path: readonly string[];
  readonly header: string;
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/u;
/** Of the scalars, numbers with fractions have no one spelling, and are not permitted. */
const SCALARS: ReadonlySet<unknown> = new Set(['string', 'integer', 'boolean']);
const MAX_DEPTH = 16;
const NONE: readonly ParamHeader[] = [];
const known = new WeakMap<JsonObject, readonly ParamHeader[] | undefined>();

/**
 * The arguments that a tool wants in `Mcp-Param-*` headers, by its `x-mcp-header` annotations; undefined when one of them
 * is not valid, in which case the tool must not be offered (spec 2026-07-28, streamable HTTP, "Custom headers").
 */
export function paramHeaders(item: JsonObject): readonly ParamHeader[] | undefined {
  if (known.has(item)) return known.get(item);
  const found = read(item);
  known.set(item, found);
  return found;
}

/** The argument at a path; undefined when it is absent or no scalar, for then it has no header. */
export function paramValue(
  args: JsonObject | undefined,
  path: readonly string[],
): string | number | boolean | undefined {
  let value: Json | undefined = args;
  for (const key of path) {
    value = isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
  }
  if (typeof value === 'string' || typeof value === 'number') return value;
  return typeof value === 'boolean' ? value : undefined;
}

function read(item: JsonObject): readonly ParamHeader[] | undefined {
  const schema = objectAt(item, 'inputSchema');
  if (schema === undefined) return NONE;
  const found: ParamHeader[] = [];
  if (!collect(schema, [], found)) return undefined;
  // One that no chain of properties leads to, as below items or anyOf, has no argument to speak of.
  if (annotationsIn(schema, 0) > found.length) return undefined;
  const names = new Set(found.map(({ header }) => header));
  if (names.size < found.length) return undefined;
  return found.length === 0 ? NONE : found;
}

/** Whether every annotation below a schema is valid; gathers them. */
function collect(schema: JsonObject, path: readonly string[], found: ParamHeader[]): boolean {
  const properties = objectAt(schema, 'properties');
  if (properties === undefined || path.length >= MAX_DEPTH) return true;
  return Object.entries(properties).every(([key, property]) => {
    if (!isObject(property)) return true;
    const at = [...path, key];
    if (!isAnnotated(property)) return collect(property, at, found);
    const name = stringAt(property, 'x-mcp-header');
    if (name === undefined || !TOKEN.test(name) || !SCALARS.has(property['type'])) return false;
    found.push({ path: at, header: name.toLowerCase() });
    return true;
  });
}

function annotationsIn(value: Json, depth: number): number {
  if (depth > MAX_DEPTH * 2 || typeof value !== 'object' || value === null) return 0;
  const parts = Array.isArray(value) ? value : Object.values(value);
  const here = isObject(value) && isAnnotated(value) ? 1 : 0;
  return parts.reduce<number>((sum, part) => sum + annotationsIn(part ?? null, depth + 1), here);
}

/** A property may itself be called `x-mcp-header`: then its value is a schema. */
function isAnnotated(schema: JsonObject): boolean {
  return Object.hasOwn(schema, 'x-mcp-header') && !isObject(schema['x-mcp-header']);
}
