import assert from 'node:assert/strict';
import test, { before } from 'node:test';
import { ArgumentsGuard } from '../../../src/guard/arguments.ts';
import type { Json, JsonObject } from '../../../src/kernel/json.ts';
import { customTarget, inputOf, param, plainTarget } from '../../support/unit-custom.ts';

const guard = new ArgumentsGuard();

before(async () => {
  await guard.check(plainTarget({}), {});
});

function check(schema: JsonObject, args: JsonObject): string | undefined {
  const problem = guard.check(customTarget(inputOf(schema, {})), args);
  assert.ok(!(problem instanceof Promise));
  return problem;
}

function assertUnusable(schema: JsonObject, why: RegExp, args: JsonObject = {}): void {
  const sentence = /^This custom tool cannot be called, for its input schema .+; ask the operator/u;
  const problem = check(schema, args) ?? assert.fail('it was used');
  assert.match(problem, sentence);
  assert.match(problem, why);
  assert.equal(
    guard.check(plainTarget(schema), args),
    undefined,
    'of other tools it is for their server',
  );
}

function assertTooMuch(schema: JsonObject, args: JsonObject): void {
  for (const target of [customTarget(inputOf(schema, {})), plainTarget(schema)]) {
    assert.match(
      String(guard.check(target, args)),
      /^These arguments are too large, or wrong in too many/u,
    );
  }
}

function nested(levels: number, wrap: (below: Json) => Json, bottom: Json): Json {
  let value = bottom;
  for (let level = 0; level < levels; level += 1) value = wrap(value);
  return value;
}

function many<Item>(count: number, item: (index: number) => Item): Item[] {
  return Array.from({ length: count }, (_, index) => item(index));
}

test('nothing outside a schema is ever fetched: one that refers to it is not used', () => {
  const outside = [
    'https://json-schema.org/draft/2020-12/schema',
    'other.json',
    'file:///etc/passwd',
    '//a/b',
  ];
  for (const $ref of outside) assertUnusable({ properties: { a: { $ref } } }, /"\$ref"/u);
  assertUnusable({ $ref: '#/$defs/none' }, /is not a valid JSON Schema/u);
  assertUnusable({ $ref: '#/x-parts/a', 'x-parts': { a: {} } }, /is not a valid JSON Schema/u);
  assertUnusable({ properties: { a: { $id: 'https://example.com/' } } }, /document of its own/u);
  assertUnusable({ anyOf: [{ $dynamicRef: '#a' }] }, /dynamically/u);
});

test('a schema that is not valid is not used', () => {
  const wrong: readonly JsonObject[] = [
    { type: 'any' },
    { required: true },
    { enum: [] },
    { minimum: '3' },
    { maxLength: -1 },
    { properties: { a: { exclusiveMinimum: true } } },
    { items: { pattern: 7 } },
    { allOf: {} },
    { properties: [] },
    { dependencies: { a: 5 } },
    { dependentRequired: { a: 'b' } },
  ];
  for (const schema of wrong) assertUnusable(schema, /not (?:a )?valid/u);
  const proto = JSON.parse('{"properties":{"__proto__":{"type":"string"}}}') as JsonObject;
  assertUnusable(proto, /speaks of a property "__proto__"/u);
});

test('text in a schema is never taken for code', () => {
  const evil = '"]);process.exit(7);//`${process.exit(7)}\u2028';
  const args = { [evil]: 1, v: evil };
  const schema = {
    $comment: evil,
    title: evil,
    properties: { [evil]: { const: evil }, v: { enum: [evil], minLength: 1 } },
    required: [evil],
    dependentRequired: { [evil]: [evil] },
    patternProperties: { [`^${evil.replaceAll(/[^a-z]/gu, '.')}$`]: { type: 'string' } },
    $defs: { [evil]: { $anchor: 'a' } },
  };
  assert.match(check(schema, args) ?? '', /must be/u);
  for (const keyword of ['type', '$ref', '$anchor', '$id', 'format', evil])
    assert.equal(
      typeof (check({ properties: { v: { [keyword]: evil } } }, { v: 1 }) ?? ''),
      'string',
    );
});

test('patterns that RE2 does not know are left to the server, unless that would refuse more', () => {
  const pattern = '^(?!secret)';
  assert.equal(
    check({ properties: { a: { type: 'string', pattern } } }, { a: 'secret' }),
    undefined,
  );
  assert.match(
    check({ properties: { a: { type: 'string', pattern } } }, { a: 1 }) ?? '',
    /string/u,
  );
  assert.equal(check({ anyOf: [{ properties: { a: { pattern } } }] }, { a: 'x' }), undefined);
  assert.equal(
    check({ patternProperties: { [pattern]: { type: 'string' } } }, { a: 1 }),
    undefined,
  );
  const a = { properties: { a: { pattern } } };
  for (const schema of [
    { not: a },
    { oneOf: [a] },
    { if: a, then: { required: ['b'] } },
    { unevaluatedProperties: false, allOf: [a] },
    { patternProperties: { [pattern]: {} }, additionalProperties: false },
  ])
    assertUnusable(schema, /pattern that is not in the syntax of RE2/u, { a: 'x' });
});

test('a pattern of our own that cannot be used makes the tool unusable, not unchecked', () => {
  const parent = { properties: { a: { type: 'string' } } };
  const input = inputOf(parent, { a: param({ constraints: { pattern: '(?=x)' } }) });
  assert.match(
    String(guard.check(customTarget(input), { a: 'y' })),
    /has a pattern that cannot be used/u,
  );
});

test('patterns that would keep a backtracking engine busy for ages are answered', () => {
  for (const pattern of ['^(a+)+$', '^(a|aa)+$', '(x+x+)+y']) {
    const schema = {
      properties: { v: { pattern } },
      patternProperties: { [pattern]: { type: 'string' } },
    };
    assert.match(check(schema, { v: `${'a'.repeat(30_000)}!` }) ?? '', /must match the pattern/u);
  }
});

test('a long text is not held against a pattern that takes many steps for each character', () => {
  const schema = { properties: { v: { pattern: '^(?:[ab]*a[ab]{500})[cd]$' } } };
  assertTooMuch(schema, { v: 'ab'.repeat(500_000) });
  assert.match(check(schema, { v: 'abab' }) ?? '', /must match/u);
});

test('a schema whose parts double with every level ends, whatever it is held against', () => {
  const twice = (next: number): JsonObject => ({
    anyOf: many(2, () => ({ $ref: `#/$defs/d${next}` })),
  });
  const $defs = Object.fromEntries(many(60, (at) => [`d${at}`, twice(at + 1)]));
  assertTooMuch({ $ref: '#/$defs/d0', $defs: { ...$defs, d60: { type: 'null' } } }, {});

  const node = { properties: { c: twiceSelf() }, not: { required: ['bottom'] } };
  const args = nested(50, (c) => ({ c }), { bottom: 1 }) as JsonObject;
  assertTooMuch({ $ref: '#/$defs/node', $defs: { node } }, args);
});

function twiceSelf(): JsonObject {
  return { anyOf: many(2, () => ({ $ref: '#/$defs/node' })) };
}

test('a schema that refers to itself without end is not followed without end', () => {
  assert.equal(typeof check({ $ref: '#' }, {}), 'string');
  assertTooMuch(
    {
      $ref: '#/$defs/a',
      $defs: { a: { $ref: '#/$defs/b' }, b: { allOf: [{ $ref: '#/$defs/a' }] } },
    },
    {},
  );
});

test('a large definition that is referred to often is compiled once', () => {
  const big = { enum: many(2000, (index) => `value number ${index}`) };
  const properties = Object.fromEntries(many(400, (at) => [`p${at}`, { $ref: '#/$defs/big' }]));
  assert.equal(check({ properties, $defs: { big } }, { p7: 'value number 7' }), undefined);
  assert.match(check({ properties, $defs: { big } }, { p7: 'x' }) ?? '', /\/p7 must be one of/u);
});

test('schemas that are too large, too deep or of too many parts are not used', () => {
  assertUnusable({ enum: ['x'.repeat(262_144)] }, /too large/u);
  const deep = nested(100, (below) => ({ items: below }), {}) as JsonObject;
  assertUnusable(deep, /nested too deep/u);
  assertUnusable(nested(5000, (below) => ({ not: below }), {}) as JsonObject, /nested too deep/u);
  const wide = Object.fromEntries(many(1100, (at) => [`p${at}`, { type: 'string' }]));
  assertUnusable({ properties: wide }, /too many parts/u);
  const patterns = many(60, (at) => ({ pattern: `^${at}.{400}$` }));
  assertUnusable({ allOf: patterns }, /too many patterns/u);
});

test('the largest schema that is used can be used', () => {
  const names = many(990, (at) => `p${at}`);
  const part = { anyOf: [{ type: 'string' }] };
  const properties = Object.fromEntries(
    names.map((name) => [name, { type: 'string', minLength: 1 }]),
  );
  assert.equal(check({ properties, required: names.slice(0, 1) }, { p0: 'x' }), undefined);
  const choices = Object.fromEntries(names.slice(0, 490).map((name) => [name, part]));
  const problem = check({ properties: choices, unevaluatedProperties: false }, { p1: 'x', q: 1 });
  assert.match(problem ?? '', /\/q is not known/u);
  const line = nested(60, (a) => ({ properties: { a }, anyOf: [{ required: ['a'] }] }), true);
  assert.match(check(line as JsonObject, { a: {} }) ?? '', /must have one of the forms/u);
});

test('arguments that are too large or too deep are refused before anything is done with them', () => {
  const too =
    /^The arguments are too large to be checked: at most 4000000 characters, nested 64 deep\. Send less\.$/u;
  const deep = nested(5000, (below) => [below], 1);
  for (const args of [
    { v: 'x'.repeat(4_000_000) },
    { v: many(2_100_000, () => 'x') },
    { v: deep },
  ]) {
    assert.match(String(guard.check(plainTarget({}), args)), too);
    assert.match(check({}, args) ?? '', too);
  }
  assert.equal(check({}, { v: 'x'.repeat(3_999_900) }), undefined);
  assert.equal(check({}, { v: nested(60, (below) => [below], 1) }), undefined);
});

test('long lists are checked, and those that are wrong everywhere are refused without a list of all faults', () => {
  const schema = {
    properties: { v: { type: 'array', items: { $ref: '#/$defs/n' } } },
    $defs: { n: { type: 'number' } },
  };
  assert.equal(check(schema, { v: many(100_000, (index) => index) }), undefined);
  assertTooMuch(schema, { v: many(100_000, String) });
});

test('whether items of a long list are unique is found out without comparing each with each', () => {
  const schema = { properties: { v: { uniqueItems: true } } };
  const items: Json[] = many(50_000, (id) => ({ id, at: 'x' }));
  assert.equal(check(schema, { v: items }), undefined);
  assert.match(check(schema, { v: [...items, { at: 'x', id: 77 }] }) ?? '', /duplicate/u);
  for (const pair of [
    [1, '1'],
    [null, 'null'],
    [[1, 2], ['1,2']],
    [{}, []],
    [{ a: undefined }, 'a'],
  ] as Json[][])
    assert.equal(check(schema, { v: pair }), undefined, JSON.stringify(pair));
});
