import { isObject, objectAt, type Json, type JsonObject } from '../kernel/json.ts';
import { atPointer } from '../kernel/json-schema.ts';
import { SchemaFault } from './schema-fault.ts';

/** What becomes of one property of an object's schema. */
export interface Edit {
  /** Who decides whether the property is there: callers, or a custom tool, which always or never gives it. */
  readonly presence: 'caller' | 'always' | 'never';
  /** The name callers know it by; undefined when it is not theirs to give. */
  readonly shown: string | undefined;
  /** Its schema as callers see it; undefined where that is as it was. */
  readonly schema?: JsonObject | undefined;
  /** Whether callers have to give it whatever the schema required before. */
  readonly isNeeded?: boolean;
}

/** Edits by the name a property has. */
export type Edits = ReadonlyMap<string, Edit>;

interface Place {
  readonly edits: Edits;
  readonly document: JsonObject;
  /** Whether what stands here must hold, rather than being one of several choices, a condition or its opposite. */
  readonly isAsserted: boolean;
  readonly depth: number;
  readonly work: { left: number };
}

const MAX_WORK = 2000;
const MAX_DEPTH = 50;
const CHOICES: readonly string[] = ['anyOf', 'oneOf'];
const CONDITIONS: readonly string[] = ['not', 'if', 'then', 'else'];
const WHOLES: readonly string[] = ['enum', 'const'];
const COUNTING: readonly string[] = ['minProperties', 'maxProperties'];
const NAMING: readonly string[] = ['patternProperties', 'propertyNames'];
const REMAINDERS: readonly string[] = ['additionalProperties', 'unevaluatedProperties'];

/**
 * The schema of an object after these edits: properties renamed or gone wherever the schema speaks of them. References are
 * followed within the document. Throws SchemaFault where the same cannot be said any more.
 */
export function editedSchema(schema: JsonObject, edits: Edits, document: JsonObject): JsonObject {
  const moving = [...edits].filter(
    ([name, { presence, shown }]) => presence !== 'caller' || shown !== name,
  );
  const work = { left: MAX_WORK };
  const place = { edits: new Map(moving), document, isAsserted: true, depth: 0, work };
  const edited = moving.length === 0 ? schema : editInPlace(schema, place);
  return withOwnSchemas(edited, edits);
}

/** The properties' own schemas, and what callers need to give. */
function withOwnSchemas(schema: JsonObject, edits: Edits): JsonObject {
  const shown = [...edits.values()].flatMap((edit) =>
    edit.shown === undefined ? [] : [[edit.shown, edit] as const],
  );
  const own = new Map(shown);
  const entries = Object.entries(objectAt(schema, 'properties') ?? {});
  const properties = entries.map(
    ([name, value]) => [name, own.get(name)?.schema ?? value] as const,
  );
  const needed = shown.filter(([, { isNeeded }]) => isNeeded === true).map(([name]) => name);
  const { required } = schema;
  return defined({
    ...schema,
    properties: entries.length === 0 ? schema['properties'] : Object.fromEntries(properties),
    required: needed.length === 0 ? required : united(required, needed),
  });
}

/** One schema, and all below it that speak of the same object. */
function editInPlace(schema: JsonObject, outer: Place): JsonObject {
  const place = { ...outer, depth: outer.depth + 1 };
  place.work.left -= 1;
  if (place.work.left < 0 || place.depth > MAX_DEPTH) {
    throw new SchemaFault('the schema of its parent is too involved');
  }
  refuseReferences(schema, place);
  refuseUnspoken(schema, place);
  const edited: JsonObject = {
    ...schema,
    properties: editProperties(schema['properties'], place),
    ...editDependents(schema, place),
  };
  const within = { ...place, isAsserted: false };
  for (const keyword of CHOICES) edited[keyword] = editList(schema[keyword], within);
  for (const keyword of CONDITIONS) edited[keyword] = editOne(schema[keyword], within);
  return defined(edited);
}

function editOne(schema: Json | undefined, place: Place): Json | undefined {
  return isObject(schema) ? editInPlace(schema, place) : schema;
}

function editList(schemas: Json | undefined, place: Place): Json[] | undefined {
  if (!Array.isArray(schemas)) return undefined;
  return schemas.map((each) => editOne(each, place) ?? null);
}

/** A schema elsewhere in the document, which may serve other places too, has to be right as it stands. */
function refuseReferences(schema: JsonObject, place: Place): void {
  for (const keyword of ['$ref', '$dynamicRef', '$recursiveRef']) {
    const reference = schema[keyword];
    if (typeof reference !== 'string') continue;
    const target = keyword === '$ref' ? atPointer(place.document, reference) : undefined;
    const isSame =
      typeof target === 'boolean' ||
      (isObject(target) && JSON.stringify(editInPlace(target, place)) === JSON.stringify(target));
    if (!isSame) {
      throw new SchemaFault(
        `the schema of its parent says by reference ("${reference}") what holds for its parameters`,
      );
    }
  }
}

/** Keywords that speak of properties without naming them. */
function refuseUnspoken(schema: JsonObject, { edits, isAsserted }: Place): void {
  const all = [...edits.values()];
  const isRenamed = [...edits].some(([name, { shown }]) => shown !== undefined && shown !== name);
  const isGiven = all.some(({ presence }) => presence !== 'caller');
  const has = (keywords: readonly string[]): boolean =>
    keywords.some((keyword) => schema[keyword] !== undefined && schema[keyword] !== true);
  if (has(WHOLES)) throw unspoken(schema, WHOLES);
  if (isRenamed && has(NAMING)) throw unspoken(schema, NAMING);
  if (isGiven && has(COUNTING)) throw unspoken(schema, COUNTING);
  if (isGiven && !isAsserted && has(NAMING)) throw unspoken(schema, NAMING);
  if (isGiven && !isAsserted && has(REMAINDERS)) throw unspoken(schema, REMAINDERS);
}

function unspoken(schema: JsonObject, keywords: readonly string[]): SchemaFault {
  const found = keywords.find((keyword) => schema[keyword] !== undefined) ?? '';
  return new SchemaFault(`the schema of its parent limits its parameters by "${found}"`);
}

function editProperties(
  properties: Json | undefined,
  { edits, isAsserted }: Place,
): Json | undefined {
  if (!isObject(properties)) return properties;
  const entries = Object.entries(properties).flatMap(([name, value]) => {
    const edit = edits.get(name);
    if (edit === undefined) return [[name, value] as const];
    // What a choice or a condition wants of a value that callers do not give would have to be found out here.
    if (!isAsserted && edit.presence !== 'caller') throw conditional(name);
    return edit.shown === undefined ? [] : [[edit.shown, value] as const];
  });
  return Object.fromEntries(entries);
}

function conditional(name: string): SchemaFault {
  return new SchemaFault(`other parameters of its parent depend on the value of "${name}"`);
}

function editRequired(required: Json | undefined, { edits }: Place): Json[] | undefined {
  if (!Array.isArray(required)) return undefined;
  const left = required.flatMap((name): Json[] => {
    const edit = typeof name === 'string' ? edits.get(name) : undefined;
    if (edit === undefined) return [name];
    if (edit.presence === 'never') throw lacking(required, edits);
    return edit.presence === 'always' || edit.shown === undefined ? [] : [edit.shown];
  });
  return left.length === 0 && required.length > 0 ? undefined : left;
}

function lacking(required: readonly Json[], edits: Edits): SchemaFault {
  const name = required
    .filter((each) => typeof each === 'string')
    .find((each) => edits.get(each)?.presence === 'never');
  return new SchemaFault(`"${name}" is required: hide it only with a value or a default`);
}

/** What must be there, and what must hold when a property is: always, where it always is. */
function editDependents(schema: JsonObject, place: Place): JsonObject {
  const { edits } = place;
  const changed: JsonObject = {};
  let required = editRequired(schema['required'], place);
  let allOf = editList(schema['allOf'], place);
  for (const keyword of ['dependentRequired', 'dependentSchemas', 'dependencies']) {
    const dependents = objectAt(schema, keyword);
    if (dependents === undefined) continue;
    const entries = Object.entries(dependents).flatMap(([name, value]) => {
      const edit = edits.get(name);
      if (edit?.presence === 'never') return [];
      const isAlways = edit?.presence === 'always';
      const then = editThen(value, isAlways ? place : { ...place, isAsserted: false });
      if (then === undefined) return [];
      if (!isAlways) return [[edit?.shown ?? name, then] as const];
      if (Array.isArray(then)) required = united(required, then);
      else allOf = [...(allOf ?? []), then];
      return [];
    });
    changed[keyword] = entries.length === 0 ? undefined : Object.fromEntries(entries);
  }
  return { ...changed, required, allOf };
}

function editThen(then: Json | undefined, place: Place): Json | undefined {
  return Array.isArray(then) ? editRequired(then, place) : editOne(then, place);
}

function united(names: Json | undefined, more: readonly Json[]): Json[] {
  return [...new Set([...(Array.isArray(names) ? names : []), ...more])];
}

function defined(schema: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(schema).filter(([, value]) => value !== undefined));
}
