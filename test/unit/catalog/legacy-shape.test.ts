import assert from 'node:assert/strict';
import test from 'node:test';
import { legacyItem } from '../../../src/catalog/legacy-shape.ts';
import { Snapshot } from '../../../src/catalog/snapshot.ts';
import type { Era } from '../../../src/kernel/era.ts';
import type { JsonObject } from '../../../src/kernel/json.ts';
import { suppliersOf, viewOf } from '../../support/unit-catalog.ts';

const INPUT = { type: 'object', properties: { a: { type: 'string' } }, future: 1 };

test('a tool that legacy clients can read is the very same item', () => {
  const tool = { name: 't', inputSchema: INPUT, outputSchema: { type: 'object' }, future: [1] };
  assert.equal(legacyItem('tools', tool), tool);
  const resource = { uri: 'x:1', outputSchema: { type: 'array' } };
  assert.equal(legacyItem('resources', resource), resource);
});

for (const outputSchema of [
  { type: 'array', items: {} },
  { type: ['object', 'null'] },
  { anyOf: [{ type: 'object' }] },
  {},
  true,
]) {
  test(`the output schema ${JSON.stringify(outputSchema)} is left out for legacy clients`, () => {
    const tool = { name: 't', inputSchema: INPUT, outputSchema, future: 1 };
    assert.deepEqual(legacyItem('tools', tool), { name: 't', inputSchema: INPUT, future: 1 });
  });
}

test('schemas that are true or false become objects that say the same', () => {
  const properties = { any: true, none: false, text: { type: 'string' } };
  const tool = {
    name: 't',
    inputSchema: { type: 'object', properties },
    outputSchema: { type: 'object', properties },
  };
  const schema = {
    type: 'object',
    properties: { any: {}, none: { not: {} }, text: { type: 'string' } },
  };
  assert.deepEqual(legacyItem('tools', tool), {
    name: 't',
    inputSchema: schema,
    outputSchema: schema,
  });
});

test('a list is in the shape of the era of its client', () => {
  const tool = { name: 't', inputSchema: INPUT, outputSchema: { type: 'array' } };
  const view = viewOf(new Snapshot(suppliersOf({ a: { tools: [tool] } }), 'flat'));
  const listed = (era: Era): JsonObject[] =>
    (JSON.parse(view.list('tools', era, undefined)?.text ?? '') as { tools: JsonObject[] }).tools;
  assert.deepEqual(listed('modern'), [tool]);
  assert.deepEqual(listed('legacy'), [{ name: 't', inputSchema: INPUT }]);
});
