import type { ErrorObject } from 'ajv';

const MAX_PROBLEMS = 3;
const MAX_CHARS = 300;
const MAX_POINTER_CHARS = 100;
const MAX_WANTED_CHARS = 80;
const CONTROL = /\p{C}/gu;

/** What is wrong with arguments, in one sentence: where, and what is wanted there. It never holds a value that was sent. */
export function problemsText(errors: readonly ErrorObject[]): string {
  const texts = new Set(told(errors).map(problemText));
  const text = [...texts].slice(0, MAX_PROBLEMS).join('; ');
  return cut(`The arguments do not fit the schema of this tool: ${text}`, MAX_CHARS - 1) + '.';
}

/** Of a value that fits none of several forms, what each of them wants is left out; so is what a name lacks, and where a condition led. */
function told(errors: readonly ErrorObject[]): readonly ErrorObject[] {
  const own = errors.filter(
    ({ keyword, propertyName }) => keyword !== 'if' && propertyName === undefined,
  );
  return own.reduce<ErrorObject[]>((kept, error) => {
    const isChoice = error.keyword === 'anyOf' || error.keyword === 'oneOf';
    const { instancePath } = error;
    const rest = isChoice
      ? kept.filter((each) => !isWithin(each.instancePath, instancePath))
      : kept;
    rest.push(error);
    return rest;
  }, []);
}

function isWithin(path: string, outer: string): boolean {
  return path === outer || path.startsWith(`${outer}/`);
}

function problemText(error: ErrorObject): string {
  const { instancePath, keyword, message = 'is not valid' } = error;
  const params = error.params as Readonly<Record<string, unknown>>;
  const wording = WORDINGS[keyword];
  const { name, wanted } = wording === undefined ? { wanted: message } : wording(params);
  const pointer = name === undefined ? instancePath : `${instancePath}/${escaped(name)}`;
  const place =
    pointer === '' ? 'the whole' : cut(pointer.replaceAll(CONTROL, '?'), MAX_POINTER_CHARS);
  return `${place} ${wanted}`;
}

interface Wording {
  /** The property at fault, where that is one below the value looked at. */
  readonly name?: string;
  readonly wanted: string;
}

type Params = Readonly<Record<string, unknown>>;

const WORDINGS: Readonly<Record<string, (params: Params) => Wording>> = {
  required: ({ missingProperty }) => ({ name: String(missingProperty), wanted: 'is required' }),
  dependentRequired: dependent,
  dependencies: dependent,
  additionalProperties: ({ additionalProperty }) => unknown(additionalProperty),
  unevaluatedProperties: ({ unevaluatedProperty }) => unknown(unevaluatedProperty),
  propertyNames: ({ propertyName }) => unknown(propertyName),
  type: ({ type }) => ({ wanted: `must be ${[type].flat().join(' or ')}` }),
  enum: ({ allowedValues }) => ({ wanted: `must be one of ${listed(allowedValues)}` }),
  const: ({ allowedValue }) => ({ wanted: `must be ${jsonOf(allowedValue)}` }),
  pattern: ({ pattern }) => ({
    wanted: `must match the pattern ${cut(String(pattern), MAX_WANTED_CHARS)}`,
  }),
  anyOf: () => ({ wanted: 'must have one of the forms in the schema' }),
  oneOf: () => ({ wanted: 'must have exactly one of the forms in the schema' }),
  not: () => ({ wanted: 'has a form that the schema excludes' }),
  'false schema': () => ({ wanted: 'must not be given' }),
};

function dependent({ missingProperty, property }: Params): Wording {
  return { name: String(missingProperty), wanted: `is required beside ${jsonOf(property)}` };
}

function unknown(name: unknown): Wording {
  return { name: String(name), wanted: 'is not known' };
}

function listed(values: unknown): string {
  return cut(
    Array.isArray(values) ? values.map(jsonOf).join(', ') : jsonOf(values),
    MAX_WANTED_CHARS,
  );
}

function jsonOf(value: unknown): string {
  return cut(JSON.stringify(value), MAX_WANTED_CHARS);
}

function escaped(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}

function cut(text: string, chars: number): string {
  return text.length <= chars ? text : `${text.slice(0, chars - 1)}…`;
}
