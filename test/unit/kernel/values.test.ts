import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { hasMoreValuesThan, parsedBytes } from '../../../src/kernel/values.ts';

const STRING = /"(?:[^"\\]|\\.)*"/gu;

test('every value that needs a character besides its own is counted, whatever strings hold', () => {
  const string = fc.oneof(
    fc.string(),
    fc.constantFrom(',,,', '[[', '{"', '\\', '\\\\"', '"', '\\",'),
  );
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      fc.oneof(string, fc.integer(), fc.boolean(), fc.constant(null)),
      fc.array(tie('tree'), { maxLength: 6 }),
      fc.dictionary(string, tie('tree'), { maxKeys: 6 }),
    ),
  }));
  fc.assert(
    fc.property(tree, (value) => {
      const text = JSON.stringify(value);
      const count = 1 + (text.replaceAll(STRING, '').match(/[,[{]/gu)?.length ?? 0);
      assert.equal(hasMoreValuesThan(count, text), false, text);
      if (count > 1) assert.equal(hasMoreValuesThan(count - 1, text), true, text);
    }),
    { seed: 6, numRuns: 500 },
  );
});

test('a string of 64 MiB is one value, and told so in time', () => {
  const text = JSON.stringify({ text: 'a,[{"'.repeat(13_000_000) });
  const begin = performance.now();
  assert.equal(hasMoreValuesThan(1_000, text), false);
  assert.ok(performance.now() - begin < 10_000);
});

test('a text that ends within a string is read to its end and no further', () => {
  for (const text of ['"', '"\\', '"\\"', '"a,,,', '","\\"'])
    assert.equal(hasMoreValuesThan(1, text), false, text);
  assert.equal(hasMoreValuesThan(1, '[1,"'), true);
});

test('what a long text takes once it is parsed is told before, and what is short takes nothing worth telling', () => {
  assert.equal(parsedBytes('[{},{}]'), 0);
  const objects = `[${'{},'.repeat(100_000)}{}]`;
  assert.ok(parsedBytes(objects) >= 100_000 * 24);
  assert.ok(parsedBytes(JSON.stringify(['x'.repeat(1_000_000)])) < 1000);
});
