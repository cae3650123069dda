import * as fc from 'fast-check';
import type { ParamPlan } from '../../src/kernel/access.ts';
import { isObject, objectAt, type Json, type JsonObject } from '../../src/kernel/json.ts';
import { atPointer } from '../../src/kernel/json-schema.ts';
import { fixed, param } from './unit-custom.ts';

/** Draws values; what is drawn can be drawn again from its seed. */
export type Draw = fc.GeneratorValue;

/** What callers write where they would like to get to, and configurations never do. */
export const EVIL = 'EVIL';

const NAMES = ['a', 'b', 'c', 'd', 'e'];

function some(draw: Draw, names: readonly string[]): string[] {
  return draw(fc.subarray, [...names]);
}

function coin(draw: Draw): boolean {
  return draw(fc.boolean);
}

function pick<Item>(draw: Draw, items: readonly Item[]): Item {
  return draw(fc.constantFrom<Item[]>, ...items);
}

/** The schema of a tool: plain and nested parameters, references, and requirements of every kind. */
export function randomSchema(draw: Draw): JsonObject {
  const names = NAMES.slice(0, draw(fc.integer, { min: 1, max: NAMES.length }));
  const $defs = { shared: objectSchema(draw, 1), text: { type: 'string', title: 'T' } };
  const properties = Object.fromEntries(names.map((name) => [name, parameterSchema(draw, name)]));
  const open = coin(draw) ? {} : { additionalProperties: coin(draw) };
  const wishes = randomWishes(draw, names);
  return { type: 'object', properties, required: some(draw, names), $defs, ...open, ...wishes };
}

/** What an object may want besides: presence of its properties in every form. */
function randomWishes(draw: Draw, names: readonly string[]): JsonObject {
  const wanted = (): JsonObject => ({ required: some(draw, names) });
  const wishes: JsonObject[] = [
    { dependentRequired: { [pick(draw, names)]: some(draw, names) } },
    { dependentSchemas: { [pick(draw, names)]: wanted() } },
    { allOf: [wanted(), { anyOf: [wanted(), wanted()] }] },
    { anyOf: names.map((name) => ({ required: [name] })) },
    { oneOf: [{ required: [pick(draw, names)] }, wanted()] },
    { not: { required: [pick(draw, names), 'nothing'] } },
    { if: { required: [pick(draw, names)] }, then: wanted(), else: wanted() },
    { if: { properties: { [pick(draw, names)]: { enum: ['x'] } } }, then: wanted() },
    { oneOf: [wanted(), { properties: { [pick(draw, names)]: { type: 'string' } } }] },
  ];
  const drawn = wishes.filter(() => draw(fc.nat, { max: 4 }) === 0);
  return Object.assign({}, ...drawn) as JsonObject;
}

/** Some are what the first one is. */
function parameterSchema(draw: Draw, name: string): JsonObject {
  const isSame = name !== NAMES[0] && draw(fc.nat, { max: 4 }) === 0;
  return isSame ? { $ref: `#/properties/${NAMES[0]}` } : propertySchema(draw, 2);
}

function propertySchema(draw: Draw, depth: number): JsonObject {
  if (coin(draw)) return objectSchema(draw, depth);
  const plain: JsonObject[] = [
    { type: 'string', maxLength: 6 },
    { type: 'integer', minimum: 0, maximum: 9 },
    { enum: ['x', 'y', 'z'] },
    { $ref: '#/$defs/text' },
    { $ref: '#/$defs/shared' },
  ];
  return pick(draw, plain);
}

function objectSchema(draw: Draw, depth: number): JsonObject {
  const names = NAMES.slice(0, draw(fc.integer, { min: 1, max: 3 }));
  const properties = Object.fromEntries(
    names.map((name) => [name, depth === 1 ? { type: 'string' } : propertySchema(draw, 1)]),
  );
  const closed = coin(draw) ? { additionalProperties: false } : {};
  const wishes = depth > 1 && coin(draw) ? randomWishes(draw, names) : {};
  return { type: 'object', properties, required: some(draw, names), ...closed, ...wishes };
}

/** A value that is of a schema, not only of required parts; `text` stands for all texts that are not listed. */
export function sampled(draw: Draw, schema: JsonObject, document: JsonObject, text = EVIL): Json {
  const target = resolved(schema, document);
  if (Array.isArray(target['enum'])) return pick(draw, target['enum']);
  if (target['type'] === 'integer') {
    const { minimum = 0, maximum = 9 } = target as { minimum?: number; maximum?: number };
    return draw(fc.integer, { min: Math.min(minimum, maximum), max: Math.max(minimum, maximum) });
  }
  const properties = objectAt(target, 'properties');
  if (properties === undefined) return text;
  const required = Array.isArray(target['required']) ? target['required'] : [];
  const given = Object.entries(properties).filter(
    ([name]) => required.includes(name) || coin(draw),
  );
  return Object.fromEntries(
    given.map(([name, below]) => [
      name,
      sampled(draw, isObject(below) ? below : {}, document, text),
    ]),
  );
}

function resolved(schema: JsonObject, document: JsonObject): JsonObject {
  let current = schema;
  for (let step = 0; step < 9 && typeof current['$ref'] === 'string'; step += 1) {
    const target = atPointer(document, current['$ref']);
    current = isObject(target) ? target : {};
  }
  return current;
}

/** What a configuration might say of some parameters of a tool. */
export function randomParams(draw: Draw, schema: JsonObject): Record<string, ParamPlan> {
  const properties = objectAt(schema, 'properties') ?? {};
  const plans = new Map<string, ParamPlan>();
  if (schema['additionalProperties'] === true)
    for (const name of some(draw, ['o', 'u'])) plans.set(name, fixed({ a: 'ours' }));
  for (const name of some(draw, Object.keys(properties))) {
    const value = (): Json => sampled(draw, objectAt(properties, name) ?? {}, schema, 'ours');
    plans.set(name, param(pick(draw, SETTINGS)(draw, name, value)));
  }
  return Object.fromEntries(plans);
}

type Setting = (draw: Draw, name: string, value: () => Json) => Partial<ParamPlan>;

const SETTINGS: readonly Setting[] = [
  (_draw, _name, value) => ({ fixed: { value: value() } }),
  (draw, _name, value) => ({ fixed: { value: partOf(draw, value()) } }),
  (_draw, _name, value) => ({ default: { value: value() } }),
  (_draw, _name, value) => ({ isHidden: true, default: { value: value() } }),
  (_draw, name, value) => ({ rename: `${name}-new`, default: { value: value() } }),
  (draw) => ({ rename: pick(draw, [...NAMES, 'other']) }),
  () => ({ isHidden: true }),
  () => ({ constraints: { maximum: 5, maxLength: 4 }, description: 'D' }),
];

/** Of objects, some of what they hold. */
function partOf(draw: Draw, value: Json): Json {
  if (!isObject(value)) return value;
  const names = some(draw, Object.keys(value));
  // An empty object is fixed as it is, and is none of the parent's.
  if (names.length === 0) return value;
  return Object.fromEntries(names.map((name) => [name, partOf(draw, value[name] ?? null)]));
}

/** Arguments that a caller might send: right ones for a schema, and others where it may be of use. */
export function randomArguments(draw: Draw, shown: JsonObject, parent: JsonObject): JsonObject {
  const right = sampled(draw, shown, shown);
  const args = new Map(Object.entries(isObject(right) ? right : {}));
  const foreign = Object.entries(objectAt(parent, 'properties') ?? {});
  for (const [name, below] of foreign) {
    if (args.has(name) || draw(fc.nat, { max: 3 }) > 0) continue;
    args.set(name, sampled(draw, isObject(below) ? below : {}, parent));
  }
  for (const [name, value] of args) {
    if (isObject(value) && draw(fc.nat, { max: 3 }) === 0) {
      args.set(name, {
        ...value,
        [pick(draw, NAMES)]: pick<Json>(draw, [EVIL, { a: EVIL, z: EVIL }]),
      });
    }
  }
  return Object.fromEntries(args);
}
