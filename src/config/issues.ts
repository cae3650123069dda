import { z } from 'zod';
import type { ConfigFile } from './config-file.ts';
import { didYouMean } from './nearest.ts';
import type { Path } from './tree.ts';

type Issue = z.core.$ZodIssue;

const KINDS: Readonly<Record<string, string>> = {
  int: 'a whole number',
  number: 'a number',
  string: 'a text',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping of keys to values',
  record: 'a mapping of keys to values',
};

/** A value under check: its file, and its path in it. */
export interface Spot {
  readonly file: ConfigFile;
  readonly path: Path;
  readonly value: unknown;
}

/** Reports what a schema found wrong, each fault in its place. No value is quoted: it may be a secret. */
export function reportIssues(spot: Spot, schema: z.ZodType, issues: readonly Issue[]): void {
  for (const issue of issues.flatMap((issue) => meant(issue))) {
    const inside = issue.path.filter((step) => typeof step !== 'symbol');
    const path = [...spot.path, ...inside];
    if (issue.code === 'unrecognized_keys') {
      const known = knownKeys(schema, inside);
      for (const key of issue.keys) spot.file.error([...path, key], unknownKey(key, known), 'key');
    } else {
      const found = valueAt(spot.value, inside);
      spot.file.error(path, sentence(inKind(issue, schema), found));
    }
  }
}

/** What is wrong with the one alternative of a union a value is of the kind of; the union's own issue where none stands out. */
function meant(issue: Issue): readonly Issue[] {
  if (issue.code !== 'invalid_union') return [issue];
  const [only, ...others] = issue.errors.filter((errors) => !errors.some(isOfAnotherKind));
  if (only === undefined || others.length > 0) return [issue];
  return only.flatMap((inner) => meant({ ...inner, path: [...issue.path, ...inner.path] }));
}

function isOfAnotherKind({ code, path }: Issue): boolean {
  return path.length === 0 && (code === 'invalid_type' || code === 'invalid_value');
}

function unknownKey(key: string, known: readonly string[]): string {
  const guess = didYouMean(key, known) || ` Known: ${known.join(', ')}.`;
  return `"${key}" is no key known here.${guess}`;
}

/** Warns of keys this program gives no meaning; others may share the file. */
export function warnOfForeignKeys(spot: Spot, schema: z.ZodType): void {
  const known = knownKeys(schema);
  for (const key of Object.keys(spot.value ?? {})) {
    if (known.includes(key)) continue;
    spot.file.warn([...spot.path, key], `"${key}" has no effect here.${didYouMean(key, known)}`);
  }
}

/** Of a text, zod says that a number was expected where only a whole one will do. */
function inKind(issue: Issue, schema: z.ZodType): Issue {
  if (issue.code !== 'invalid_type' || issue.expected !== 'number') return issue;
  const isWhole = schemasAt(schema, issue.path as Path).some(
    (here) => here instanceof z.ZodNumberFormat,
  );
  return isWhole ? { ...issue, expected: 'int' } : issue;
}

/** The keys that object schemas name at a path inside another schema. */
function knownKeys(schema: z.ZodType, path: Path = []): string[] {
  return schemasAt(schema, path).flatMap((here) =>
    here instanceof z.ZodObject ? Object.keys(here.shape) : [],
  );
}

function schemasAt(schema: z.ZodType, path: Path): readonly z.ZodType[] {
  return path.reduce<readonly z.ZodType[]>(
    (schemas, step) => schemas.flatMap((here) => stepInto(here, step)),
    alternatives(schema),
  );
}

function stepInto(schema: z.ZodType, step: string | number): z.ZodType[] {
  if (schema instanceof z.ZodRecord) return alternatives(schema.valueType as z.ZodType);
  if (schema instanceof z.ZodArray) return alternatives(schema.element as z.ZodType);
  if (!(schema instanceof z.ZodObject)) return [];
  const inner = (schema.shape as Record<string, z.ZodType>)[step];
  return inner === undefined ? [] : alternatives(inner);
}

/** What a schema allows, without the wrapping of defaults and unions. */
function alternatives(schema: z.ZodType): z.ZodType[] {
  if (schema instanceof z.ZodUnion)
    return schema.options.flatMap((option) => alternatives(option as z.ZodType));
  const isWrapped =
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault;
  return isWrapped ? alternatives(schema.unwrap() as z.ZodType) : [schema];
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (here, step) => (here as Record<string, unknown> | undefined)?.[step],
    value,
  );
}

function sentence(issue: Issue, found: unknown): string {
  const isOwnText = !issue.message.startsWith(ZODS);
  switch (issue.code) {
    case 'invalid_type':
      return isOwnText ? givenText(issue, found) : wrongType(issue.expected, found);
    case 'invalid_union':
      return givenText(issue, found);
    case 'too_small':
      return tooSmall(issue);
    case 'too_big':
      return `The greatest value allowed is ${issue.maximum}.`;
    case 'invalid_value':
      return oneOf(issue.values.map(String), found);
    case 'invalid_key':
      return 'A key must not be empty here.';
    default:
      return issue.message;
  }
}

/** What zod says where a schema has no words of its own. */
const ZODS = 'Invalid input';

function givenText({ message }: Issue, found: unknown): string {
  return found === undefined ? `This is missing. ${message}` : message;
}

function tooSmall({ origin, minimum, inclusive }: z.core.$ZodIssueTooSmall): string {
  if (origin === 'string') return 'This must not be empty.';
  if (origin === 'array') return 'This list is empty; name something, or remove the key.';
  return inclusive === false
    ? `The value must be greater than ${minimum}.`
    : `The least value allowed is ${minimum}.`;
}

function wrongType(expected: string, found: unknown): string {
  const wanted = KINDS[expected] ?? expected;
  if (found === undefined) return `This is missing; give ${wanted}.`;
  if (found === null) return `This is empty; give ${wanted}, or remove the key.`;
  const isBare = typeof found === 'number' || typeof found === 'boolean';
  if (expected === 'string' && isBare) return `Expected ${wanted}; put it in quotes.`;
  const isScalar = expected === 'int' || expected === 'number' || expected === 'boolean';
  if (isScalar && typeof found === 'string') return `Write ${wanted}, without quotes.`;
  return `Expected ${wanted}, found ${kindOf(found)}.`;
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  if (typeof value === 'string') return 'a text';
  return typeof value === 'number' ? 'a number' : 'true or false';
}

function oneOf(values: readonly string[], found: unknown): string {
  if (found === undefined) return `This is missing; give one of: ${values.join(', ')}.`;
  const guess = typeof found === 'string' ? didYouMean(found, values) : '';
  return `Give one of: ${values.join(', ')}.${guess}`;
}
