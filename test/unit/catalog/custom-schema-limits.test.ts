import assert from 'node:assert/strict';
import test from 'node:test';
import type { JsonObject } from '../../../src/kernel/json.ts';
import { fallback, faultOf, fixed, HIDDEN, inputOf, param } from '../../support/unit-custom.ts';

const OPTIONS = {
  type: 'object',
  properties: {
    query: { type: 'string' },
    options: {
      type: 'object',
      properties: {
        region: { type: 'string' },
        limit: { type: 'integer' },
        owner: { type: 'object', properties: { name: {}, team: {} }, required: ['name', 'team'] },
      },
      required: ['region', 'limit', 'owner'],
    },
  },
  required: ['query', 'options'],
};

test('of an object that is fixed in part, what is fixed is gone and the rest stays to be given', () => {
  const { schema, shape } = inputOf(OPTIONS, {
    options: fixed({ region: 'eu', owner: { team: 'ops' } }),
  });
  assert.deepEqual(schema, {
    type: 'object',
    properties: {
      query: { type: 'string' },
      options: {
        type: 'object',
        properties: {
          limit: { type: 'integer' },
          owner: { type: 'object', properties: { name: {} }, required: ['name'] },
        },
        required: ['limit', 'owner'],
      },
    },
    required: ['query', 'options'],
  });
  assert.equal(shape.params['options']?.isHidden, false);
  assert.equal(shape.closed, undefined);
});

test('an object of which nothing that must be given is left need not be given', () => {
  const options = { region: 'eu', limit: 1, owner: { name: 'n' } };
  const parent = structuredClone(OPTIONS);
  parent.properties.options.properties.owner.required = ['name'];
  const { schema } = inputOf(parent, { options: fixed(options) });
  assert.deepEqual(schema['required'], ['query']);
});

test('an object that callers must complete is required even where its parent did not require it', () => {
  const parent = { ...OPTIONS, required: ['query'] };
  const { schema } = inputOf(parent, { options: fixed({ region: 'eu' }) });
  assert.deepEqual(schema['required'], ['query', 'options']);
});

test('an object of which nothing is left to be given goes as a whole', () => {
  const whole = { region: 'eu', limit: 1, owner: { name: 'n', team: 't' } };
  const { schema, shape } = inputOf(OPTIONS, { options: fixed(whole) });
  assert.deepEqual(Object.keys(schema['properties'] ?? {}), ['query']);
  assert.equal(shape.params['options']?.isHidden, true);
  const part = inputOf(OPTIONS, { options: fixed({ owner: { name: 'n', team: 't' } }) });
  assert.deepEqual(part.shape.closed, [['options', 'owner']], 'callers get nothing into it');
});

test('an object whose schema declares no properties goes as a whole too', () => {
  for (const free of [
    { type: 'object' },
    true,
    { anyOf: [{ type: 'object' }, { type: 'null' }] },
  ]) {
    const { schema, shape } = inputOf({ properties: { free } }, { free: fixed({ a: 1 }) });
    assert.deepEqual(schema, { properties: {} });
    assert.equal(shape.params['free']?.isHidden, true);
  }
});

test('a fixed value for something that an object has no place for is a mistake', () => {
  const closed = { type: 'object', properties: { a: {} }, additionalProperties: false };
  const fault = faultOf({ properties: { closed } }, { closed: fixed({ b: 1 }) });
  assert.match(fault, /no place for the fixed value of "b"/u);
});

test('a reference at a parameter is followed within the document, however it is written', () => {
  const $defs = {
    'a/b ~': { type: 'object', properties: { x: {}, y: {} }, required: ['x'] },
    loop: { $ref: '#/$defs/loop' },
    other: { $ref: '#/$defs/a~1b%20~0' },
  };
  const parent: JsonObject = { properties: { p: { $ref: '#/$defs/other' } }, $defs };
  assert.deepEqual(inputOf(parent, { p: fixed({ x: 1 }) }).schema['properties'], {
    p: { type: 'object', properties: { y: {} } },
  });
  assert.deepEqual(inputOf(parent, { p: param({ description: 'P' }) }).schema['properties'], {
    p: { ...$defs['a/b ~'], description: 'P' },
  });
});

test('a reference that cannot be followed stays as a part beside what is added', () => {
  const parent = (p: JsonObject): JsonObject => ({
    properties: { p },
    $defs: { loop: { $ref: '#/$defs/loop' }, anchored: { $anchor: 'x', type: 'string' } },
  });
  for (const $ref of ['#/$defs/loop', '#/$defs/anchored']) {
    assert.deepEqual(
      inputOf(parent({ $ref, maxLength: 3 }), { p: param({ description: 'P' }) }).schema[
        'properties'
      ],
      { p: { maxLength: 3, description: 'P', allOf: [{ $ref }] } },
    );
  }
});

test('what other parts want of a parameter that has changed is kept for them', () => {
  const parent = {
    properties: {
      from: { type: 'object', properties: { x: { type: 'string', 'x-mcp-header': 'X' } } },
      to: { $ref: '#/properties/from' },
      list: { items: { $ref: '#/properties/from/properties/x' } },
      mine: { $ref: '#/properties/list' },
    },
    $defs: { from: { type: 'number' } },
  };
  const { schema } = inputOf(parent, { from: fixed({ x: 'a' }) });
  assert.deepEqual(schema, {
    properties: {
      to: { $ref: '#/$defs/from-2' },
      list: { items: { $ref: '#/$defs/from-2/properties/x' } },
      mine: { $ref: '#/properties/list' },
    },
    $defs: {
      from: { type: 'number' },
      'from-2': { type: 'object', properties: { x: { type: 'string' } } },
    },
  });
});

const HIDING: readonly [string, JsonObject, RegExp][] = [
  [
    'a choice by its value',
    { anyOf: [{ properties: { a: { const: 1 } } }] },
    /depend on the value of "a"/u,
  ],
  [
    'a condition on its value',
    { if: { properties: { a: {} } }, then: {} },
    /depend on the value of "a"/u,
  ],
  [
    'what holds beside another',
    { dependentSchemas: { b: { properties: { a: {} } } } },
    /depend on the value/u,
  ],
  [
    'a choice of closed objects',
    { oneOf: [{ additionalProperties: false }] },
    /by "additionalProperties"/u,
  ],
  ['a count', { minProperties: 2 }, /by "minProperties"/u],
  ['whole values', { enum: [{ a: 1 }] }, /by "enum"/u],
  ['a reference', { allOf: [{ $ref: '#/$defs/a' }] }, /by reference \("#\/\$defs\/a"\)/u],
  ['a reference that leads away', { $ref: 'https://example.com/s' }, /by reference/u],
  ['a dynamic reference', { anyOf: [{ $dynamicRef: '#x' }] }, /by reference/u],
  ['a reference without end', { allOf: [{ $ref: '#' }] }, /too involved/u],
  ['itself', { properties: { a: {}, b: { $ref: '#' } } }, /refers to "#"/u],
  [
    'a place that has changed',
    { properties: { a: {}, b: { $ref: '#/allOf/0' } } },
    /refers to "#\/allOf\/0"/u,
  ],
  [
    'a reference to an anchor',
    { properties: { a: {}, b: { $ref: '#here' } } },
    /refers to "#here"/u,
  ],
  [
    'a document within',
    { properties: { a: {}, b: { $id: 'https://example.com/b' } } },
    /document of its own/u,
  ],
];

test('where it cannot be told what becomes of a fixed parameter, the tool is refused, never shown wrong', () => {
  const base = {
    properties: { a: {}, b: {} },
    $defs: { a: { required: ['a'] }, b: { required: ['b'] } },
  };
  for (const [what, more, expected] of HIDING)
    assert.match(faultOf({ ...base, ...more }, { a: fixed(1) }), expected, what);
  const harmless = {
    ...base,
    allOf: [{ $ref: '#/$defs/b' }],
    anyOf: [{ required: ['a'] }, { required: ['b'] }],
  };
  assert.deepEqual(inputOf(harmless, { a: fixed(1) }).schema['anyOf'], [{}, { required: ['b'] }]);
});

test('a rename is refused where a schema limits names, and allowed where it counts them', () => {
  const renamed = { a: param({ rename: 'z' }) };
  const base = { properties: { a: {}, b: {} } };
  for (const [keyword, value] of [
    ['patternProperties', { '^z': {} }],
    ['propertyNames', { maxLength: 1 }],
  ] as const)
    assert.match(
      faultOf({ ...base, [keyword]: value }, renamed),
      new RegExp(`by "${keyword}"`, 'u'),
    );
  assert.equal(inputOf({ ...base, minProperties: 1 }, renamed).schema['minProperties'], 1);
  assert.match(faultOf({ ...base, not: { required: ['a'] } }, { a: HIDDEN }), /"a" is required/u);
});

test('a default counts as given where the schema makes choices', () => {
  const base = { properties: { a: {}, b: {} }, required: ['b'] };
  const choice = { ...base, anyOf: [{ required: ['a'] }, { required: ['b'] }] };
  assert.deepEqual(inputOf(choice, { a: fallback(1) }).schema['anyOf'], [{}, { required: ['b'] }]);
  const condition = { ...base, if: { properties: { a: { const: 1 } } }, then: { required: ['b'] } };
  assert.match(faultOf(condition, { a: fallback(1) }), /depend on the value of "a"/u);
});

test('a schema without bottom, or with far too many parts, is refused at once', () => {
  let deep: JsonObject = {};
  for (let level = 0; level < 200; level += 1) deep = { allOf: [deep] };
  assert.match(faultOf({ ...deep, properties: { a: {} } }, { a: fixed(1) }), /nested too deep/u);
  const twice = (next: number): JsonObject => ({
    allOf: [1, 2].map(() => ({ $ref: `#/$defs/d${next}` })),
  });
  const $defs = Object.fromEntries(
    Array.from({ length: 40 }, (_, at) => [`d${at}`, twice(at + 1)]),
  );
  const doubling = { properties: { a: {} }, ...twice(0), $defs: { ...$defs, d40: {} } };
  assert.match(faultOf(doubling, { a: fixed(1) }), /too involved/u);
});
