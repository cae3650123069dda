import type { Json, JsonObject } from '../kernel/json.ts';
import { SchemaFault } from './schema-fault.ts';

type Narrow = (there: Json, wanted: Json) => Json | undefined;

/** Keywords that can be said once for both: undefined where they cannot after all. */
const NARROWED: ReadonlyMap<string, Narrow> = new Map<string, Narrow>([
  ['enum', commonValues],
  ['minimum', greater],
  ['exclusiveMinimum', greater],
  ['minLength', greater],
  ['minItems', greater],
  ['maximum', smaller],
  ['exclusiveMaximum', smaller],
  ['maxLength', smaller],
  ['maxItems', smaller],
]);

/** A schema that takes only what it took before and these constraints take too. Throws SchemaFault when no value is left. */
export function narrowed(schema: JsonObject, constraints: JsonObject): JsonObject {
  const result = { ...schema };
  const apart: JsonObject = {};
  for (const [keyword, wanted] of Object.entries(constraints)) {
    const there = Object.hasOwn(schema, keyword) ? schema[keyword] : undefined;
    if (wanted === undefined || there === wanted) continue;
    const both = there === undefined ? undefined : NARROWED.get(keyword)?.(there, wanted);
    if (there === undefined) result[keyword] = wanted;
    else if (both === undefined) apart[keyword] = wanted;
    else result[keyword] = both;
  }
  if (Object.keys(apart).length === 0) return result;
  const allOf = result['allOf'];
  return { ...result, allOf: [...(Array.isArray(allOf) ? allOf : []), apart] };
}

function greater(there: Json, wanted: Json): Json | undefined {
  return typeof there === 'number' && typeof wanted === 'number'
    ? Math.max(there, wanted)
    : undefined;
}

function smaller(there: Json, wanted: Json): Json | undefined {
  return typeof there === 'number' && typeof wanted === 'number'
    ? Math.min(there, wanted)
    : undefined;
}

function commonValues(there: Json, wanted: Json): Json | undefined {
  if (!Array.isArray(there) || !Array.isArray(wanted)) return undefined;
  const known = new Set(there.map((value) => JSON.stringify(value)));
  const common = wanted.filter((value) => known.has(JSON.stringify(value)));
  if (common.length === 0)
    throw new SchemaFault('none of the values of its enum is one its parent takes');
  return common;
}
