import assert from 'node:assert/strict';
import test from 'node:test';
import { isForeign, METHODS, roadFor } from '../../../src/kernel/methods.ts';

test('a method of the specification has its road in its own eras, and none in another (R1)', () => {
  for (const [method, { road, eras }] of METHODS) {
    for (const era of ['legacy', 'modern'] as const) {
      const expected = road === 'signal' || !eras.includes(era) ? undefined : road;
      assert.equal(roadFor(method, era), expected, `${method} ${era}`);
    }
    assert.equal(isForeign(method), false, method);
  }
});

test('a method that no specification knows is a call, if an extension can have it (R1)', () => {
  for (const method of ['x/do', 'example.com/x/do', 'x/', 'tool/call'])
    assert.equal(roadFor(method, 'legacy'), 'call', method);
  const reserved = [...METHODS.keys()].map((method) => `${method.split('/')[0] ?? ''}/do`);
  for (const method of [...reserved, 'sampling/do', 'elicitation/do', 'roots/do', '/do', 'do', ''])
    assert.equal(roadFor(method, 'modern'), undefined, method);
  assert.equal(roadFor(`x/${'y'.repeat(500)}`, 'modern'), undefined);
});
