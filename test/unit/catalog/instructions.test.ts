import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { joinedInstructions } from '../../../src/catalog/instructions.ts';
import { suppliersOf } from '../../support/unit-catalog.ts';

function joined(instructions: readonly string[], max: number): string | undefined {
  const servers = instructions.map((text, index) => [`s${index}`, { instructions: text }] as const);
  return joinedInstructions(suppliersOf(Object.fromEntries(servers)), max);
}

test('the instructions of every server stand under its name, in the order of the configuration', () => {
  assert.equal(joined(['Do this.', 'Do that.'], 1000), '# s0\n\nDo this.\n\n# s1\n\nDo that.');
});

test('servers without instructions have no section, and without any there are none', () => {
  assert.equal(joined(['', 'x', ' \n '], 1000), '# s1\n\nx');
  assert.equal(joined(['', '  '], 1000), undefined);
  assert.equal(joined([], 1000), undefined);
});

test('what does not fit is cut and marked, what comes after it is left out', () => {
  const text = joined(['a'.repeat(50), 'b'.repeat(50), 'c'.repeat(50)], 80) ?? '';
  assert.match(text, /^# s0\n\na{50}\n\n# s1\n\nb+…$/u);
});

test('however long instructions are, no more than list.maxInstructionsBytes are passed on', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: 'binary', maxLength: 60 }), { maxLength: 6 }),
      fc.integer({ min: 0, max: 200 }),
      (texts, max) => {
        const text =
          joined(
            texts.map((each) => each.toWellFormed()),
            max,
          ) ?? '';
        assert.ok(Buffer.byteLength(text) <= max, `${Buffer.byteLength(text)} bytes of ${max}`);
      },
    ),
  );
});

test('no character is cut in two', () => {
  for (let max = 10; max < 40; max += 1) {
    const text = joined(['🙂'.repeat(20)], max) ?? '';
    assert.ok(text.isWellFormed(), `cut at ${max}`);
  }
});
