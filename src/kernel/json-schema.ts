import { isObject, type Json, type JsonObject } from './json.ts';

/** How schemas lie under a keyword: one, a list, either, or some by name. */
type Nesting = 'one' | 'list' | 'either' | 'named';

/** Keywords with schemas below them, in JSON Schema 2020-12 and draft-07. */
const NESTINGS: ReadonlyMap<string, Nesting> = new Map<string, Nesting>([
  ['$defs', 'named'],
  ['additionalItems', 'one'],
  ['additionalProperties', 'one'],
  ['allOf', 'list'],
  ['anyOf', 'list'],
  ['contains', 'one'],
  ['contentSchema', 'one'],
  ['definitions', 'named'],
  ['dependencies', 'named'],
  ['dependentSchemas', 'named'],
  ['else', 'one'],
  ['if', 'one'],
  ['items', 'either'],
  ['not', 'one'],
  ['oneOf', 'list'],
  ['patternProperties', 'named'],
  ['prefixItems', 'list'],
  ['properties', 'named'],
  ['propertyNames', 'one'],
  ['then', 'one'],
  ['unevaluatedItems', 'one'],
  ['unevaluatedProperties', 'one'],
]);

/** Whether what stands under a keyword is one schema or several. */
export function holdsSchemas(keyword: string): boolean {
  return NESTINGS.has(keyword);
}

/** Whether schemas lie under such a keyword as they must; `dependencies` may hold lists of names too. */
export function areSchemas(keyword: string, value: Json): boolean {
  const nesting = NESTINGS.get(keyword);
  if (Array.isArray(value))
    return nesting !== 'named' && nesting !== 'one' && value.every(isSchema);
  if (nesting !== 'named') return nesting !== 'list' && isSchema(value);
  const isOne = (below: Json | undefined): boolean =>
    isSchema(below) || (keyword === 'dependencies' && isNames(below));
  return isObject(value) && Object.values(value).every(isOne);
}

function isSchema(value: Json | undefined): boolean {
  return typeof value === 'boolean' || isObject(value);
}

/** Whether something is a list of texts, as `required` has it. */
export function isNames(value: Json | undefined): value is string[] {
  return Array.isArray(value) && value.every((name) => typeof name === 'string');
}

/** A copy of a schema with each schema directly below it changed; what is no schema there is kept as it is. */
export function mapSubschemas(
  schema: JsonObject,
  change: (subschema: JsonObject, keyword: string) => Json,
): JsonObject {
  const mapped = Object.entries(schema).map(([keyword, value]) => {
    const nesting = NESTINGS.get(keyword);
    const changed = (below: Json | undefined): Json | undefined =>
      isObject(below) ? change(below, keyword) : below;
    return [keyword, nesting === undefined ? value : mapBelow(value, nesting, changed)] as const;
  });
  return Object.fromEntries(mapped);
}

function mapBelow(
  value: Json | undefined,
  nesting: Nesting,
  change: (below: Json | undefined) => Json | undefined,
): Json | undefined {
  if (Array.isArray(value)) {
    const isList = nesting === 'list' || nesting === 'either';
    return isList ? value.map((below) => change(below) ?? null) : value;
  }
  if (nesting === 'list' || !isObject(value)) return value;
  if (nesting !== 'named') return change(value);
  return Object.fromEntries(Object.entries(value).map(([name, below]) => [name, change(below)]));
}

/** What a reference into its own document (`#` or `#/...`) stands for there; undefined when it is another kind, or leads nowhere. */
export function atPointer(document: JsonObject, reference: string): Json | undefined {
  return pointerTokens(reference)?.reduce<Json | undefined>(step, document);
}

function step(place: Json | undefined, token: string): Json | undefined {
  if (Array.isArray(place)) return /^\d+$/u.test(token) ? place[Number(token)] : undefined;
  return isObject(place) && Object.hasOwn(place, token) ? place[token] : undefined;
}

/** The tokens of a reference into its own document; undefined when it is of another kind. */
export function pointerTokens(reference: string): string[] | undefined {
  if (reference === '#') return [];
  if (!reference.startsWith('#/')) return undefined;
  try {
    const tokens = decodeURIComponent(reference.slice(2)).split('/');
    return tokens.map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
  } catch {
    return undefined;
  }
}

/** Whether no value lies deeper than so many levels; looks no deeper than that itself. */
export function isWithinDepth(value: Json | undefined, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (levels === 0) return false;
  return Object.values(value).every((below) => isWithinDepth(below, levels - 1));
}
