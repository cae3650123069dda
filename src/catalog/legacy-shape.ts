import { isObject, objectAt, type Json, type JsonObject } from '../kernel/json.ts';
import type { ListKind } from '../kernel/methods.ts';

/**
 * An item of a list as legacy clients can read it (docs/decisions/0028): up to 2025-11-25 an output schema is of an object, and
 * the schema of a property is an object. The very same item where nothing has to change.
 */
export function legacyItem(kind: ListKind, item: JsonObject): JsonObject {
  if (kind !== 'tools') return item;
  const input = withObjectProperties(item['inputSchema']);
  const output = withObjectProperties(item['outputSchema']);
  const isOfObject = output === undefined || objectAt(item, 'outputSchema')?.['type'] === 'object';
  if (input === item['inputSchema'] && output === item['outputSchema'] && isOfObject) return item;
  const { inputSchema: _input, outputSchema: _output, ...rest } = item;
  return {
    ...rest,
    ...(input === undefined ? {} : { inputSchema: input }),
    ...(output === undefined || !isOfObject ? {} : { outputSchema: output }),
  };
}

/** `true` and `false` are schemas too since JSON Schema 2019; these objects say the same. */
function withObjectProperties(schema: Json | undefined): Json | undefined {
  const properties = isObject(schema) ? schema['properties'] : undefined;
  if (!isObject(schema) || !isObject(properties)) return schema;
  const entries = Object.entries(properties);
  if (entries.every(([, each]) => typeof each !== 'boolean')) return schema;
  const written = entries.map(([name, each]): [string, Json | undefined] => {
    if (typeof each !== 'boolean') return [name, each];
    return [name, each ? {} : { not: {} }];
  });
  return { ...schema, properties: Object.fromEntries(written) };
}
