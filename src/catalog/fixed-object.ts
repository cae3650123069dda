import { isObject, objectAt, type Json, type JsonObject } from '../kernel/json.ts';
import { referred } from './local-references.ts';
import { editedSchema, type Edit } from './schema-edits.ts';
import { SchemaFault } from './schema-fault.ts';

/** What an object that is fixed in part leaves to callers. */
export interface Remainder {
  readonly schema: JsonObject;
  /** Whether callers must give something of it. */
  readonly isNeeded: boolean;
  /** Paths of objects below it of which nothing is left. */
  readonly closed: readonly (readonly string[])[];
}

/** The edit of a property that callers cannot give, for it is always given. */
export const GONE: Edit = { presence: 'always', shown: undefined };

/** Keywords by which an object may want more than `required` says. */
const WANTING: readonly string[] = [
  '$ref',
  'allOf',
  'anyOf',
  'dependentSchemas',
  'if',
  'minProperties',
  'not',
  'oneOf',
];

/**
 * What is left of an object's schema when this value is laid over whatever callers give; undefined when that is nothing,
 * or nothing the schema declares. Throws SchemaFault where it cannot be said.
 */
export function remainderOf(
  declared: Json | undefined,
  fixed: Json,
  document: JsonObject,
): Remainder | undefined {
  if (!isObject(declared) || !isObject(fixed) || Object.keys(fixed).length === 0) return undefined;
  const schema = referred(declared, document);
  refuseMisplaced(schema, fixed);
  const parts = Object.entries(fixed).map(([name, value = null]) => {
    const rest = remainderOf(propertyOf(schema, name), value, document);
    return { name, value, rest };
  });
  const edits = new Map(parts.map(({ name, rest }) => [name, editOf(name, rest)]));
  const names = Object.keys(objectAt(schema, 'properties') ?? {});
  if (names.every((name) => edits.get(name) === GONE)) return undefined;
  const edited = editedSchema(schema, edits, document);
  const closed = parts.flatMap(({ name, value, rest }) => {
    if (rest !== undefined) return rest.closed.map((path) => [name, ...path]);
    return isObject(value) ? [[name]] : [];
  });
  return { schema: edited, isNeeded: isWanting(edited), closed };
}

function editOf(name: string, rest: Remainder | undefined): Edit {
  return rest === undefined ? GONE : { ...rest, presence: 'always', shown: name };
}

function refuseMisplaced(schema: JsonObject, fixed: JsonObject): void {
  if (schema['additionalProperties'] !== false) return;
  const misplaced = Object.keys(fixed).find((name) => propertyOf(schema, name) === undefined);
  if (misplaced === undefined) return;
  throw new SchemaFault(`its parent has no place for the fixed value of "${misplaced}"`);
}

/** The schema of a property; undefined when an object's schema does not declare it. */
export function propertyOf(schema: JsonObject, name: string): Json | undefined {
  const properties = objectAt(schema, 'properties') ?? {};
  return Object.hasOwn(properties, name) ? properties[name] : undefined;
}

function isWanting(schema: JsonObject): boolean {
  const { required } = schema;
  if (Array.isArray(required) && required.length > 0) return true;
  return WANTING.some((keyword) => schema[keyword] !== undefined);
}
