import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';

import { ENCODINGS, loadEncoding } from '../../../../src/record/tokens/encodings.ts';
import { referenceCount } from '../../../support/reference-count.ts';
import { SAMPLES } from './samples.ts';

const NAMES = ['o200k_base', 'cl100k_base', 'p50k_base', 'r50k_base'] as const;

/** Pieces in which encodings differ or implementations err. */
const TRICKY = [
  '<|endoftext|>',
  '<|im_start|>system',
  '<|fim_prefix|>',
  '\uFEFF',
  '\uFFFD',
  '\uD800',
  '\uDFFF',
  "'LL",
  "'ſ",
  'İ',
  '\r\n',
  '\n \n',
  '   ',
  '\u00A0',
  '\u2028',
  '👩‍👩‍👧‍👦',
  '🇩🇪',
  'é',
  'ÿ',
  'a\u0301',
  '١٢٣٤',
  'ß/\n',
];

const text = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 20 }),
      fc.string({ unit: 'grapheme', maxLength: 20 }),
      fc.string({ maxLength: 20 }),
      fc.constantFrom(...TRICKY),
      fc.constantFrom(...Object.values(SAMPLES).map((sample) => sample.slice(0, 80))),
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(''));

test('R23: a text has as many tokens as the reference tokeniser finds, whatever characters are in it', async () => {
  for (const name of NAMES) {
    const pairs = await loadEncoding(name);
    fc.assert(
      fc.property(text, (sample) => {
        assert.equal(pairs.count(sample), referenceCount(sample, name));
      }),
      { numRuns: 300 },
    );
  }
});

test('every sample of every script is counted like the reference does', async () => {
  for (const name of NAMES) {
    const pairs = await loadEncoding(name);
    for (const [script, sample] of Object.entries(SAMPLES))
      assert.equal(pairs.count(sample), referenceCount(sample, name), `${script} in ${name}`);
  }
});

test('the text of a special token in user data is text like any other', async () => {
  const pairs = await loadEncoding('o200k_base');
  assert.equal(pairs.count('<|endoftext|>'), referenceCount('<|endoftext|>'));
  assert.ok(pairs.count('<|endoftext|>') > 1);
});

test('encodings that differ in special tokens alone count alike', async () => {
  const [usual, harmony] = [await loadEncoding('o200k_base'), await loadEncoding('o200k_harmony')];
  assert.equal(harmony, usual);
  assert.equal(await loadEncoding('p50k_edit'), await loadEncoding('p50k_base'));
});

test('every encoding can be loaded', async () => {
  for (const name of ENCODINGS) assert.equal((await loadEncoding(name)).count('a'), 1, name);
});

test('one word of any length costs time in proportion, not in the square', async () => {
  const pairs = await loadEncoding('o200k_base');
  const timeOf = (length: number): number => {
    const word = 'ab'.repeat(length / 2);
    const start = performance.now();
    pairs.count(word);
    return performance.now() - start;
  };
  const least = (length: number): number =>
    Math.min(timeOf(length), timeOf(length), timeOf(length));
  const ratio = least(262_144) / least(8192);
  // Thirty-two times as long: in the square it would take a thousand times as long.
  assert.ok(ratio < 320, `it took ${ratio.toFixed(0)} times as long`);
});
