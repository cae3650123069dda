import assert from 'node:assert/strict';
import test, { before } from 'node:test';
import { ArgumentsGuard } from '../../../src/guard/arguments.ts';
import type { Json, JsonObject } from '../../../src/kernel/json.ts';
import { customTarget, inputOf, param, plainTarget } from '../../support/unit-custom.ts';

const FITS = 'The arguments do not fit the schema of this tool: ';
const guard = new ArgumentsGuard();

before(async () => {
  await guard.check(plainTarget({}), {});
});

function check(schema: JsonObject, args: JsonObject | undefined): string | undefined {
  const problem = guard.check(customTarget(inputOf(schema, {})), args);
  assert.ok(!(problem instanceof Promise), 'once loaded it answers at once');
  return problem;
}

/** Checks one value at `/v`. */
function checkValue(schema: JsonObject, value: Json): string | undefined {
  return check({ properties: { v: schema } }, { v: value })?.replace(FITS, '');
}

test('the first check waits for the compiler, all others answer at once', async () => {
  const fresh = new ArgumentsGuard();
  const target = plainTarget({ required: ['a'] });
  const [first, second] = [fresh.check(target, {}), fresh.check(target, { a: 1 })];
  assert.ok(first instanceof Promise);
  assert.equal(await first, `${FITS}/a is required.`);
  assert.equal(await second, undefined);
  assert.equal(fresh.check(target, {}), `${FITS}/a is required.`);
});

test('what is wrong is said by place and by what is wanted there', () => {
  const cases: readonly [JsonObject, Json, string][] = [
    [{ type: 'string' }, 1, '/v must be string.'],
    [{ type: ['string', 'null'] }, 1, '/v must be string or null.'],
    [{ type: 'integer' }, 1.5, '/v must be integer.'],
    [{ enum: ['a', 2, null] }, 'b', '/v must be one of "a", 2, null.'],
    [{ const: { x: 1 } }, { x: 2 }, '/v must be {"x":1}.'],
    [{ minimum: 3 }, 2, '/v must be >= 3.'],
    [{ exclusiveMaximum: 3 }, 3, '/v must be < 3.'],
    [{ multipleOf: 2 }, 3, '/v must be multiple of 2.'],
    [{ minLength: 2 }, '😀', '/v must NOT have fewer than 2 characters.'],
    [{ maxLength: 1 }, 'ab', '/v must NOT have more than 1 characters.'],
    [{ pattern: '^/srv/' }, '/etc', '/v must match the pattern ^/srv/.'],
    [{ maxItems: 1 }, [1, 2], '/v must NOT have more than 1 items.'],
    [
      { uniqueItems: true },
      [
        { a: 1, b: 2 },
        { b: 2, a: 1 },
      ],
      '/v must NOT have duplicate items.',
    ],
    [{ items: { type: 'string' } }, ['a', 2], '/v/1 must be string.'],
    [{ required: ['a/b'] }, {}, '/v/a~1b is required.'],
    [{ properties: { a: {} }, additionalProperties: false }, { b: 1 }, '/v/b is not known.'],
    [{ properties: { a: {} }, unevaluatedProperties: false }, { b: 1 }, '/v/b is not known.'],
    [{ propertyNames: { maxLength: 1 } }, { bb: 1 }, ': /v/bb is not known.'],
    [{ dependentRequired: { a: ['b'] } }, { a: 1 }, '/v/b is required beside "a".'],
    [{ properties: { a: false } }, { a: 1 }, '/v/a must not be given.'],
    [{ not: { type: 'string' } }, 'a', '/v has a form that the schema excludes.'],
    [
      { anyOf: [{ type: 'string' }, { required: ['a'] }] },
      {},
      '/v must have one of the forms in the schema.',
    ],
    [
      { oneOf: [{}, { type: 'string' }] },
      'a',
      '/v must have exactly one of the forms in the schema.',
    ],
    [
      { if: { type: 'string' }, then: { maxLength: 1 } },
      'ab',
      ': /v must NOT have more than 1 characters.',
    ],
    [{ contains: { const: 1 } }, [2], '/v must contain at least 1 valid item(s).'],
  ];
  for (const [schema, value, expected] of cases) {
    const problem = checkValue(schema, value) ?? '';
    assert.ok(`: ${problem}`.endsWith(expected), `${problem} for ${JSON.stringify(schema)}`);
  }
  assert.equal(
    check({ minProperties: 1 }, undefined),
    `${FITS}the whole must NOT have fewer than 1 properties.`,
  );
});

test('arguments that fit pass, and are never changed', () => {
  const schema = {
    type: 'object',
    properties: {
      n: { type: 'number', default: 1 },
      s: { type: 'string' },
      x: { type: 'integer' },
    },
    additionalProperties: { type: 'boolean' },
  };
  const args = { s: 'a', more: true };
  assert.equal(check(schema, args), undefined);
  assert.deepEqual(args, { s: 'a', more: true });
  assert.match(check(schema, { x: '1' }) ?? '', /\/x must be integer/u, 'nothing is converted');
});

test('three problems are told at most, in 300 characters at most, and each once', () => {
  const names = Array.from({ length: 9 }, (_, index) => `${index}${'x'.repeat(150)}`);
  const problem = check({ required: names }, {}) ?? '';
  assert.ok(problem.length <= 300);
  assert.match(problem, /…\.$/u);
  assert.equal(check({ required: ['a', 'b', 'c', 'd'] }, {})?.split(';').length, 3);
  assert.equal(
    check({ required: ['a'], allOf: [{ required: ['a'] }] }, {}),
    `${FITS}/a is required.`,
  );
});

test('what a caller sent as a value is never repeated', () => {
  const secret = 'hunter2';
  const schemas: readonly JsonObject[] = [
    { type: 'number' },
    { enum: ['a'] },
    { const: 1 },
    { pattern: '^x' },
    { maxLength: 1 },
    { minLength: 99 },
    { not: {} },
    { anyOf: [{ const: 1 }, { maxLength: 2 }] },
    { oneOf: [{}, {}] },
    { if: {}, then: { type: 'null' } },
  ];
  for (const schema of schemas) {
    assert.doesNotMatch(checkValue(schema, secret) ?? assert.fail('it fits'), /hunter2/u);
    const deep = { items: { properties: { v: schema } } };
    assert.doesNotMatch(checkValue(deep, [{ v: secret }]) ?? assert.fail('it fits'), /hunter2/u);
  }
});

test('names that a caller chose are told cut and without control characters', () => {
  const closed = { additionalProperties: false };
  assert.equal(check(closed, { 'a\r\n\u202eb': 1 }), `${FITS}/a???b is not known.`);
  assert.ok((check(closed, { ['x'.repeat(10_000)]: 1 }) ?? '').length < 200);
});

test('formats are remarks, and unknown keywords are nothing', () => {
  const schema = {
    type: 'string',
    format: 'email',
    nullable: true,
    $async: true,
    'x-other': { pattern: '(' },
  };
  assert.equal(checkValue(schema, 'no address'), undefined);
  assert.match(checkValue(schema, null) ?? '', /must be string/u);
});

test('schemas are read as the version of JSON Schema they name', () => {
  const tuple = { items: [{ type: 'string' }], additionalItems: { type: 'number' } };
  const $schema = 'http://json-schema.org/draft-07/schema#';
  assert.match(
    check({ $schema, properties: { v: tuple } }, { v: ['a', 'b'] }) ?? '',
    /\/v\/1 must be number/u,
  );
  assert.equal(check({ $schema, properties: { v: tuple } }, { v: ['a', 1] }), undefined);
  const modern = { prefixItems: [{ type: 'string' }], items: { type: 'number' } };
  assert.match(checkValue(modern, ['a', 'b']) ?? '', /\/v\/1 must be number/u);
});

test('references within a schema are followed, recursive ones too', () => {
  const schema = {
    properties: { tree: { $ref: '#/$defs/node' }, name: { $ref: '#name' } },
    $defs: {
      node: {
        properties: { children: { items: { $ref: '#/$defs/node' } }, size: { type: 'number' } },
      },
      name: { $anchor: 'name', maxLength: 2 },
    },
  };
  const tree = { children: [{ children: [{ size: 'x' }] }] };
  assert.equal(check(schema, { tree }), `${FITS}/tree/children/0/children/0/size must be number.`);
  assert.match(check(schema, { name: 'abc' }) ?? '', /\/name/u);
});

test('only own properties count as given, whatever they are called', () => {
  const schema = { properties: { toString: { type: 'string' }, constructor: { type: 'string' } } };
  assert.equal(check(schema, {}), undefined);
  assert.match(check({ required: ['toString'] }, {}) ?? '', /\/toString is required/u);
  const args = JSON.parse('{"__proto__":{"a":1}}') as JsonObject;
  assert.equal(
    check({ properties: { a: {} }, additionalProperties: false }, args),
    `${FITS}/__proto__ is not known.`,
  );
});

test('constraints of a custom tool are checked before the call, in the names callers use', () => {
  const parent = {
    properties: { level: { type: 'integer' }, path: { type: 'string', pattern: '^/' } },
  };
  const input = inputOf(parent, {
    level: param({ rename: 'depth', constraints: { maximum: 3 } }),
    path: param({ constraints: { pattern: '^/srv' } }),
  });
  const problem = (args: JsonObject): unknown => guard.check(customTarget(input), args);
  assert.equal(problem({ depth: 3, path: '/srv/a' }), undefined);
  assert.equal(problem({ depth: 4 }), `${FITS}/depth must be <= 3.`);
  assert.equal(problem({ path: '/etc' }), `${FITS}/path must match the pattern ^/srv.`);
  assert.equal(problem({ path: 'srv' })?.toString().split(';').length, 2);
});
