import assert from 'node:assert/strict';
import test from 'node:test';
import { fallback, faultOf, fixed, HIDDEN, inputOf, param } from '../../support/unit-custom.ts';

const POST = {
  type: 'object',
  properties: {
    channel: { type: 'string', description: 'Where.' },
    text: { type: 'string' },
    thread: { type: 'string' },
  },
  required: ['channel', 'text'],
  additionalProperties: false,
};

test('a tool of which no parameter is touched keeps the very schema of its parent', () => {
  assert.equal(inputOf(POST, {}).schema, POST);
  assert.deepEqual(inputOf({ type: 'object' }, {}).schema, { type: 'object' });
});

test('a fixed parameter is gone from the properties and from what is required', () => {
  const { schema, shape } = inputOf(POST, { channel: fixed('general') });
  assert.deepEqual(schema, {
    type: 'object',
    properties: { text: { type: 'string' }, thread: { type: 'string' } },
    required: ['text'],
    additionalProperties: false,
  });
  assert.equal(shape.params['channel']?.isHidden, true, 'callers cannot reach it by its name');
});

test('what is required is not mentioned where nothing is left of it', () => {
  const { schema } = inputOf(POST, { channel: fixed('general'), text: fixed('Hello') });
  assert.deepEqual(schema['required'], undefined);
  assert.ok(!Object.hasOwn(schema, 'required'));
});

test('a parameter with a default shows it and is required no more', () => {
  const { schema } = inputOf(POST, { channel: fallback('general') });
  assert.deepEqual(schema, {
    ...POST,
    properties: { ...POST.properties, channel: { ...POST.properties.channel, default: 'general' } },
    required: ['text'],
  });
});

test('a default that differs from caller to caller is not shown, nor is that of the parent', () => {
  const parent = { properties: { owner: { type: 'string', default: 'nobody' } } };
  const { schema } = inputOf(parent, { owner: fallback('${principal.name}') });
  assert.deepEqual(schema, { properties: { owner: { type: 'string' } } });
});

test('a hidden parameter is gone, with a default or without', () => {
  const { schema } = inputOf(POST, {
    thread: HIDDEN,
    channel: param({ isHidden: true, default: { value: 'general' } }),
  });
  assert.deepEqual(schema['properties'], { text: { type: 'string' } });
  assert.deepEqual(schema['required'], ['text']);
});

test('a parameter that is required cannot be hidden without a value, for every call would fail', () => {
  assert.match(
    faultOf(POST, { channel: HIDDEN }),
    /"channel" is required: hide it only with a value/u,
  );
});

test('a renamed parameter has its new name wherever the schema speaks of it', () => {
  const parent = {
    type: 'object',
    properties: { a: { type: 'string' }, b: {}, c: {} },
    required: ['a'],
    dependentRequired: { a: ['b'], b: ['a'] },
    dependentSchemas: { a: { required: ['c'] }, c: { properties: { a: { const: 'x' } } } },
    allOf: [{ required: ['a'] }],
    anyOf: [{ required: ['a'] }, { properties: { a: { const: 'y' } } }],
    oneOf: [{ not: { required: ['a', 'z'] } }],
    if: { properties: { a: { const: 'x' } }, required: ['a'] },
    then: { required: ['b'] },
    else: { properties: { a: { maxLength: 3 } } },
  };
  const { schema } = inputOf(parent, { a: param({ rename: 'first' }) });
  const expected = JSON.stringify(parent).replaceAll('"a"', '"first"');
  assert.deepEqual(schema, JSON.parse(expected));
});

test('two parameters can change names with each other', () => {
  const { schema } = inputOf(POST, {
    channel: param({ rename: 'thread' }),
    thread: param({ rename: 'channel' }),
  });
  assert.deepEqual(schema['properties'], {
    thread: POST.properties.channel,
    text: POST.properties.text,
    channel: POST.properties.thread,
  });
  assert.deepEqual(schema['required'], ['thread', 'text']);
});

test('two parameters under one name are refused; the name of one that is gone is free', () => {
  const shared = /callers would know both "(thread|text)" and "channel" as "\1"/u;
  assert.match(faultOf(POST, { channel: param({ rename: 'thread' }) }), shared);
  assert.match(faultOf(POST, { text: param({}), channel: param({ rename: 'text' }) }), shared);
  const { schema } = inputOf(POST, {
    channel: fixed('general'),
    thread: param({ rename: 'channel' }),
  });
  assert.deepEqual(schema['properties'], { text: { type: 'string' }, channel: { type: 'string' } });
});

test('a parameter is described anew, and keeps what else its parent says of it', () => {
  const { schema } = inputOf(POST, { channel: param({ description: 'The room.' }) });
  assert.deepEqual(schema['properties'], {
    ...POST.properties,
    channel: { type: 'string', description: 'The room.' },
  });
});

test('constraints narrow what the parent takes and never widen it', () => {
  const parent = {
    properties: {
      level: { type: 'integer', minimum: 3, maximum: 10, multipleOf: 2 },
      kind: { enum: ['a', 'b', { x: 1 }] },
      path: { type: 'string', pattern: '^/', minLength: 2, maxLength: 9 },
      free: true,
    },
  };
  const { schema } = inputOf(parent, {
    level: param({ constraints: { minimum: 1, maximum: 5, multipleOf: 3 } }),
    kind: param({ constraints: { enum: ['b', { x: 1 }, 'z'] } }),
    path: param({ constraints: { pattern: '^/srv', minLength: 5, maxLength: 20 } }),
    free: param({ constraints: { enum: [1, 2] } }),
  });
  assert.deepEqual(schema, {
    properties: {
      level: { type: 'integer', minimum: 3, maximum: 5, multipleOf: 2, allOf: [{ multipleOf: 3 }] },
      kind: { enum: ['b', { x: 1 }] },
      path: {
        type: 'string',
        pattern: '^/',
        minLength: 5,
        maxLength: 9,
        allOf: [{ pattern: '^/srv' }],
      },
      free: { enum: [1, 2] },
    },
  });
  assert.match(
    faultOf(parent, { kind: param({ constraints: { enum: ['z'] } }) }),
    /none of the values of its enum/u,
  );
});

test('a parameter the parent does not have is a mistake, unless its schema says that it takes others', () => {
  assert.match(faultOf(POST, { chanel: fixed('x') }), /its parent declares no parameter "chanel"/u);
  assert.match(faultOf({ type: 'object', properties: {} }, { x: fixed(1) }), /declares no/u);
  assert.match(faultOf({ type: 'object' }, { constructor: fixed(1) }), /declares no/u);
  for (const additionalProperties of [true, { type: 'number' }]) {
    const open = { type: 'object', properties: { a: {} }, additionalProperties };
    assert.deepEqual(inputOf(open, { x: fixed(1), y: fallback(2), z: HIDDEN }).schema, open);
    for (const settings of [{ rename: 'y' }, { description: 'X' }, { constraints: { enum: [1] } }])
      assert.match(faultOf(open, { x: param(settings) }), /can only be fixed, hidden or given/u);
    assert.match(faultOf(open, { x: fallback(1), a: param({ rename: 'x' }) }), /both "x" and "a"/u);
  }
});

test('names that objects have of their own are parameters like all others', () => {
  const parent = JSON.parse(
    '{"properties":{"__proto__":{"type":"string"},"toString":{"type":"string"}},"required":["__proto__"]}',
  ) as Parameters<typeof inputOf>[0];
  const params = Object.fromEntries([['__proto__', fixed('x')]]);
  assert.deepEqual(inputOf(parent, params).schema, {
    properties: { toString: { type: 'string' } },
  });
  assert.match(faultOf({ properties: {} }, { toString: fixed('x') }), /declares no parameter/u);
});

test('where a property is always given, what must be there besides it is required of callers', () => {
  const parent = {
    properties: { a: {}, b: {}, c: {}, d: {} },
    dependentRequired: { a: ['b'], c: ['d'] },
    dependentSchemas: { a: { properties: { b: { type: 'string' } } } },
    dependencies: { a: ['c'] },
  };
  for (const plan of [fixed(1), param({ isHidden: true, default: { value: 1 } })]) {
    assert.deepEqual(inputOf(parent, { a: plan }).schema, {
      properties: { b: {}, c: {}, d: {} },
      dependentRequired: { c: ['d'] },
      required: ['b', 'c'],
      allOf: [{ properties: { b: { type: 'string' } } }],
    });
  }
  const hidden = inputOf(parent, { a: HIDDEN }).schema;
  assert.deepEqual(hidden, {
    properties: { b: {}, c: {}, d: {} },
    dependentRequired: { c: ['d'] },
  });
  const lists = { properties: parent.properties, dependentRequired: parent.dependentRequired };
  assert.deepEqual(inputOf(lists, { b: fixed(1), d: fixed(1) }).schema, {
    properties: { a: {}, c: {} },
  });
});
