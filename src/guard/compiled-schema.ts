import {
  Ajv,
  Name,
  _,
  type KeywordCxt,
  type KeywordDefinition,
  type Options,
  type ValidateFunction,
} from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { Json, JsonObject } from '../kernel/json.ts';
import { boundedSchema, UnusableSchema, WORK, type BoundedSchema } from './bounded-schema.ts';
import type { Pattern } from './pattern.ts';
import { problemsText } from './problems.ts';
import { areUnique, CountedPattern, sizeOf, Work } from './work.ts';

type RegExpEngine = NonNullable<NonNullable<Options['code']>['regExp']>;

const TOO_MUCH =
  'These arguments are too large, or wrong in too many places, to be checked against the schema of this tool; send less.';

/** Work that one check may be: enough for some hundred thousand values. */
const MAX_WORK = 1_000_000;
/** Errors are copied together. */
const ERRORS_PER_UNIT = 16;

/** A schema made ready for checks; or why it cannot be, as the end of a sentence that begins with it. */
export function compileSchema(
  schema: JsonObject,
  binding: ReadonlySet<string>,
): CompiledSchema | string {
  try {
    return new CompiledSchema(boundedSchema(schema, binding));
  } catch (error) {
    // The compiler throws errors of many kinds for schemas that are not valid.
    return error instanceof UnusableSchema ? error.message : 'is not a valid JSON Schema';
  }
}

/** A schema against which arguments can be checked, whoever wrote the schema and whoever sends the arguments. */
export class CompiledSchema {
  readonly #work = new Work();
  readonly #validate: ValidateFunction;

  /** Throws what the compiler throws when the schema is not valid. */
  constructor({ schema, dialect, patterns }: BoundedSchema) {
    const options: Options = {
      ...OPTIONS,
      code: { optimize: false, regExp: this.#engine(patterns) },
    };
    // Each schema has a compiler of its own, for a compiler keeps all it ever compiled.
    const ajv = dialect === 'draft-07' ? new Ajv(options) : new Ajv2020(options);
    ajv.removeKeyword('uniqueItems');
    ajv.addKeyword(this.#uniqueItems());
    ajv.addKeyword(this.#counting());
    this.#validate = ajv.compile(schema);
  }

  /** What is wrong with arguments, in one sentence; undefined when nothing is. They are not changed. */
  problem(args: JsonObject): string | undefined {
    const errors = this.#work.within(MAX_WORK, () =>
      this.#validate(args) ? [] : (this.#validate.errors ?? []),
    );
    if (errors === undefined) return TOO_MUCH;
    return errors.length === 0 ? undefined : problemsText(errors);
  }

  #counting(): KeywordDefinition {
    const ref = (value: Json, units: number, errors: number): void =>
      this.#work.spend(units + sizeOf(value) + errors / ERRORS_PER_UNIT);
    return {
      keyword: WORK,
      schemaType: 'number',
      before: '$ref',
      code: ({ gen, data, schema }: KeywordCxt) => {
        const spend = gen.scopeValue('func', { ref });
        gen.code(_`${spend}(${data}, ${Number(schema)}, ${ERRORS})`);
      },
    };
  }

  /** The compiler's own way compares each item with each. */
  #uniqueItems(): KeywordDefinition {
    return {
      keyword: 'uniqueItems',
      type: 'array',
      schemaType: 'boolean',
      validate: (isOn: boolean, items: Json[]) => !isOn || areUnique(items, this.#work),
      error: { message: 'must NOT have duplicate items' },
    };
  }

  #engine(patterns: ReadonlyMap<string, Pattern>): RegExpEngine {
    const engine = (source: string): CountedPattern => {
      const pattern = patterns.get(source);
      if (pattern === undefined) throw new Error('A pattern was not read before.');
      return new CountedPattern(pattern, this.#work);
    };
    return Object.assign(engine, { code: 'new RegExp' });
  }
}

/** What the compiler calls the number of errors so far. */
const ERRORS = new Name('errors');

/**
 * Formats are remarks, as JSON Schema 2020-12 has it; nothing is fetched; only own properties count. Code that stops at the
 * first error is nested as deep as the schema is long: it takes long to make and may not run at all.
 */
const OPTIONS: Options = {
  allErrors: true,
  strict: false,
  meta: false,
  validateSchema: false,
  validateFormats: false,
  addUsedSchema: false,
  inlineRefs: false,
  ownProperties: true,
  // 0.3 is a multiple of 0.1.
  multipleOfPrecision: 9,
  logger: false,
};
