import { isObject, objectAt, type Json, type JsonObject } from '../kernel/json.ts';
import { atPointer, mapSubschemas, pointerTokens } from '../kernel/json-schema.ts';
import { SchemaFault } from './schema-fault.ts';

const MAX_STEPS = 16;
const DYNAMIC: readonly string[] = ['$dynamicRef', '$recursiveRef'];
const IDENTIFYING: readonly string[] = ['$id', 'id', '$anchor', '$dynamicAnchor'];
/** What may be said beside a reference without being part of what is referred to. */
const REMARKS: ReadonlySet<string> = new Set([
  '$comment',
  'default',
  'deprecated',
  'description',
  'examples',
  'readOnly',
  'title',
  'writeOnly',
  'x-mcp-header',
]);

/** A schema without a reference at its top, so that keywords can be added to it: what it refers to where that is in the document, else as a part. */
export function referred(schema: JsonObject, document: JsonObject): JsonObject {
  if (typeof schema['$ref'] !== 'string') return schema;
  return resolved(schema, document) ?? asPart(schema);
}

function resolved(schema: JsonObject, document: JsonObject): JsonObject | undefined {
  let current = schema;
  for (let step = 0; step < MAX_STEPS; step += 1) {
    const { $ref: reference, ...beside } = current;
    if (reference === undefined) return current;
    const target = typeof reference === 'string' ? atPointer(document, reference) : undefined;
    if (!isObject(target) || !Object.keys(beside).every((keyword) => REMARKS.has(keyword)))
      return undefined;
    // A copy of something that has an identity would be a second thing under the same one.
    if (IDENTIFYING.some((keyword) => target[keyword] !== undefined)) return undefined;
    current = { ...target, ...beside };
  }
  return undefined;
}

function asPart({ $ref, allOf, ...beside }: JsonObject): JsonObject {
  return { ...beside, allOf: [...(Array.isArray(allOf) ? allOf : []), { $ref }] };
}

/**
 * An edited schema whose references still lead to what they led to in the document: what they want of the parameters that
 * were touched is kept under `$defs`. Throws SchemaFault for references that cannot be followed.
 */
export function rerouted(
  edited: JsonObject,
  document: JsonObject,
  touched: ReadonlySet<string>,
): JsonObject {
  return new Rerouting(document, touched).run(edited);
}

class Rerouting {
  readonly #document: JsonObject;
  readonly #touched: ReadonlySet<string>;
  /** Names under `$defs` of what was moved there, by parameter. */
  readonly #moved = new Map<string, string>();
  readonly #waiting: string[] = [];

  constructor(document: JsonObject, touched: ReadonlySet<string>) {
    this.#document = document;
    this.#touched = touched;
  }

  run(edited: JsonObject): JsonObject {
    const result = this.#below(edited);
    const properties = objectAt(this.#document, 'properties') ?? {};
    const definitions: [string, Json][] = [];
    for (let name = this.#waiting.pop(); name !== undefined; name = this.#waiting.pop()) {
      const original = properties[name];
      const moved = isObject(original)
        ? this.#change(withoutHeaders(original))
        : (original ?? true);
      definitions.push([this.#moved.get(name) ?? name, moved]);
    }
    if (definitions.length === 0) return result;
    const present = Object.entries(objectAt(result, '$defs') ?? {});
    return { ...result, $defs: Object.fromEntries([...present, ...definitions]) };
  }

  #below(schema: JsonObject): JsonObject {
    return mapSubschemas(schema, (below) => this.#change(below));
  }

  #change(schema: JsonObject): JsonObject {
    if (typeof schema['$id'] === 'string')
      throw new SchemaFault('a part of the schema of its parent is a document of its own');
    const changed = this.#below(schema);
    const reference = changed['$ref'];
    if (DYNAMIC.some((keyword) => changed[keyword] !== undefined)) {
      throw new SchemaFault('the schema of its parent refers to itself dynamically');
    }
    return typeof reference === 'string' ? { ...changed, $ref: this.#reroute(reference) } : changed;
  }

  #reroute(reference: string): string {
    const [first, name, ...rest] = pointerTokens(reference) ?? [];
    if (first === '$defs' || first === 'definitions') return reference;
    const isProperty = first === 'properties' && name !== undefined;
    if (!isProperty || atPointer(this.#document, reference) === undefined) {
      throw new SchemaFault(`the schema of its parent refers to "${reference}"`);
    }
    if (!this.#touched.has(name)) return reference;
    return ['#/$defs', ...[this.#move(name), ...rest].map(escaped)].join('/');
  }

  #move(name: string): string {
    const present = this.#moved.get(name);
    if (present !== undefined) return present;
    const taken = new Set([
      ...Object.keys(objectAt(this.#document, '$defs') ?? {}),
      ...this.#moved.values(),
    ]);
    let free = name;
    for (let number = 2; taken.has(free); number += 1) free = `${name}-${number}`;
    this.#moved.set(name, free);
    this.#waiting.push(name);
    return free;
  }
}

function escaped(token: string): string {
  return encodeURIComponent(token.replaceAll('~', '~0').replaceAll('/', '~1'));
}

/** Only a parameter itself can travel in a header. */
function withoutHeaders(schema: JsonObject): JsonObject {
  const { 'x-mcp-header': _dropped, ...rest } = schema;
  return mapSubschemas(rest, withoutHeaders);
}
