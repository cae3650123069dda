import { isObject, objectAt, stringAt, type Json, type JsonObject } from '../kernel/json.ts';
import {
  areSchemas,
  holdsSchemas,
  isNames,
  isWithinDepth,
  mapSubschemas,
  pointerTokens,
} from '../kernel/json-schema.ts';
import { Pattern } from './pattern.ts';

/** Why arguments cannot be checked against a schema; the message ends a sentence that begins with it. */
export class UnusableSchema extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UnusableSchema';
  }
}

/** A schema that can be compiled without harm, whoever wrote it. */
export interface BoundedSchema {
  readonly schema: JsonObject;
  readonly dialect: 'draft-07' | '2020-12';
  readonly patterns: ReadonlyMap<string, Pattern>;
}

/** Keyword put into every schema: how much work it is to look at one value by it, in values compared. */
export const WORK = 'x-work';

const MAX_CHARS = 262_144;
const MAX_DEPTH = 64;
const MAX_SCHEMAS = 1000;
const MAX_PATTERN_SIZE = 20_000;

type Check = (value: Json) => boolean;

const TYPES = new Set<unknown>([
  'array',
  'boolean',
  'integer',
  'null',
  'number',
  'object',
  'string',
]);
const ANCHOR = /^#?[A-Za-z_][-\w.]*$/u;
const isCount: Check = (value) => Number.isInteger(value) && Number(value) >= 0;
const isNumber: Check = (value) => typeof value === 'number';
/** The keywords that are checked, but for those with schemas below them, and what they may be. All others are left out, formats too. */
const KEYWORDS: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['$anchor', (value) => typeof value === 'string' && ANCHOR.test(value)],
  ['$ref', isLocal],
  ['const', () => true],
  [
    'dependentRequired',
    (value) => isObject(value) && Object.values(value).every((each = null) => isNames(each)),
  ],
  ['enum', (value) => Array.isArray(value) && value.length > 0],
  ['exclusiveMaximum', isNumber],
  ['exclusiveMinimum', isNumber],
  ['maxContains', isCount],
  ['maxItems', isCount],
  ['maxLength', isCount],
  ['maxProperties', isCount],
  ['maximum', isNumber],
  ['minContains', isCount],
  ['minItems', isCount],
  ['minLength', isCount],
  ['minProperties', isCount],
  ['minimum', isNumber],
  ['multipleOf', (value) => isNumber(value) && Number(value) > 0],
  ['pattern', (value) => typeof value === 'string'],
  ['required', isNames],
  ['type', (value) => [value].flat().every((type) => TYPES.has(type))],
  ['uniqueItems', (value) => typeof value === 'boolean'],
]);

/** Keywords under which less said below means more refused: nothing can be left out of a schema that has one. */
const TURNING: ReadonlySet<string> = new Set([
  'if',
  'maxContains',
  'not',
  'oneOf',
  'unevaluatedItems',
  'unevaluatedProperties',
]);

/**
 * A copy of a schema with the keywords that are checked and nothing else, no reference to other documents, and patterns that
 * run in linear time; the work of looking at a value is noted in each part. `binding` are patterns that must not be left out
 * when they cannot be used. Throws UnusableSchema for schemas that are too large, or that no such copy can be made of.
 */
export function boundedSchema(schema: JsonObject, binding: ReadonlySet<string>): BoundedSchema {
  if (!isWithinDepth(schema, MAX_DEPTH * 4)) throw new UnusableSchema('is nested too deep');
  if (JSON.stringify(schema).length > MAX_CHARS) throw new UnusableSchema('is too large');
  const copying = new Copying(binding);
  const copy = copying.copy(withoutIdentity(schema), 0);
  copying.refuseLoss();
  const { patterns } = copying;
  const isOld = /draft-0[4-7]/u.test(stringAt(schema, '$schema') ?? '');
  return { schema: copy, dialect: isOld ? 'draft-07' : '2020-12', patterns };
}

function withoutIdentity({ $id: _dropped, ...schema }: JsonObject): JsonObject {
  return schema;
}

class Copying {
  readonly patterns = new Map<string, Pattern>();
  readonly #binding: ReadonlySet<string>;
  #schemas = 0;
  #patternSize = 0;
  #hasLoss = false;
  #isTurning = false;

  constructor(binding: ReadonlySet<string>) {
    this.#binding = binding;
  }

  copy(schema: JsonObject, depth: number): JsonObject {
    this.#schemas += 1;
    if (this.#schemas > MAX_SCHEMAS) throw new UnusableSchema('has too many parts');
    if (depth > MAX_DEPTH) throw new UnusableSchema('is nested too deep');
    refuseUnknown(schema);
    const kept = Object.entries(this.#withoutUnusable(schema)).filter(([keyword, value]) =>
      isKept(keyword, value),
    );
    let work = 1;
    for (const [keyword, value] of kept) {
      if (TURNING.has(keyword)) this.#isTurning = true;
      work += holdsSchemas(keyword) ? widthOf(value) : valuesIn(value);
    }
    const copy = mapSubschemas(Object.fromEntries(kept), (below) => this.copy(below, depth + 1));
    return { ...copy, [WORK]: work };
  }

  /** What is refused because less was said elsewhere would be refused wrongly. */
  refuseLoss(): void {
    if (this.#hasLoss && this.#isTurning) {
      throw new UnusableSchema('has a pattern that is not in the syntax of RE2');
    }
  }

  /** The schema without the patterns that cannot be used: they are for its server to check. */
  #withoutUnusable(schema: JsonObject): JsonObject {
    const { pattern, ...others } = schema;
    const isLost = typeof pattern === 'string' && !this.#canUse(pattern);
    const rest = isLost ? others : schema;
    const named = objectAt(schema, 'patternProperties') ?? {};
    const usable = Object.entries(named).filter(([source]) => this.#canUse(source));
    if (usable.length === Object.keys(named).length) return rest;
    // Names that only a lost pattern speaks of would count as additional ones.
    const { additionalProperties } = schema;
    if (additionalProperties !== undefined && additionalProperties !== true) this.#isTurning = true;
    return { ...rest, patternProperties: Object.fromEntries(usable) };
  }

  #canUse(source: string): boolean {
    if (this.patterns.has(source)) return true;
    const pattern = Pattern.read(source);
    if (typeof pattern === 'string') {
      if (this.#binding.has(source)) throw new UnusableSchema('has a pattern that cannot be used');
      this.#hasLoss = true;
      return false;
    }
    this.#patternSize += pattern.size;
    if (this.#patternSize > MAX_PATTERN_SIZE) throw new UnusableSchema('has too many patterns');
    this.patterns.set(source, pattern);
    return true;
  }
}

/** What would change the meaning of the parts that are kept. */
function refuseUnknown(schema: JsonObject): void {
  if (typeof schema['$id'] === 'string')
    throw new UnusableSchema('has a part that is a document of its own');
  if (schema['$dynamicRef'] !== undefined || schema['$recursiveRef'] !== undefined) {
    throw new UnusableSchema('refers to itself dynamically');
  }
  for (const keyword of ['properties', 'dependentRequired', 'dependentSchemas', 'dependencies']) {
    const named = schema[keyword];
    // The compiler leaves such a property unchecked.
    if (isObject(named) && Object.hasOwn(named, '__proto__')) {
      throw new UnusableSchema('speaks of a property "__proto__"');
    }
  }
}

function isKept(keyword: string, value: Json | undefined): value is Json {
  if (value === undefined) return false;
  const holds = holdsSchemas(keyword);
  const check = KEYWORDS.get(keyword);
  if (!holds && check === undefined) return false;
  if (holds ? areSchemas(keyword, value) : check?.(value) === true) return true;
  throw new UnusableSchema(`has a "${keyword}" that is not valid, or leads out of it`);
}

function isLocal(reference: Json): boolean {
  if (typeof reference !== 'string') return false;
  return (
    pointerTokens(reference) !== undefined || (reference.startsWith('#') && ANCHOR.test(reference))
  );
}

function widthOf(value: Json | undefined): number {
  return typeof value === 'object' && value !== null ? Object.keys(value).length : 1;
}

function valuesIn(value: Json | undefined): number {
  if (typeof value !== 'object' || value === null) return 1;
  return Object.values(value).reduce<number>((sum, each) => sum + valuesIn(each), 1);
}
