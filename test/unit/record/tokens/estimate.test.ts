import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';

import { estimateTokens } from '../../../../src/record/tokens/estimate.ts';
import { referenceCount } from '../../../support/reference-count.ts';
import { SAMPLES } from './samples.ts';

/** What the guide promises: how far an estimate may be from the count, in percent. */
const MAX_ERROR: Readonly<Record<string, number>> = {
  english: 15,
  code: 15,
  json: 15,
  chinese: 25,
  japanese: 20,
  russian: 30,
  german: 20,
  arabic: 20,
  emoji: 20,
  log: 15,
  base64: 15,
};

for (const encoding of ['o200k_base', 'cl100k_base'] as const) {
  test(`R23: estimates of ${encoding} are as near to the count as the guide says, in every script`, (t) => {
    for (const [script, sample] of Object.entries(SAMPLES)) {
      const count = referenceCount(sample, encoding);
      const error = (100 * (estimateTokens(sample, encoding) - count)) / count;
      t.diagnostic(`${script}: ${error.toFixed(1)} % of ${count} tokens`);
      const most = MAX_ERROR[script] ?? 0;
      assert.ok(Math.abs(error) <= most, `${script}: ${error.toFixed(1)} %, at most ${most}`);
    }
  });
}

test('a long text is estimated from a sample as its parts are', () => {
  const { english = '', json = '', chinese = '' } = SAMPLES;
  for (const sample of [english, json, chinese]) {
    const times = Math.ceil(60_000 / sample.length);
    const whole = estimateTokens(sample.repeat(times), 'o200k_base');
    const ratio = whole / (times * estimateTokens(sample, 'o200k_base'));
    assert.ok(ratio > 0.85 && ratio < 1.15, `${ratio} times its parts`);
  }
});

test('an estimate is a whole number, zero for nothing, and no text breaks it', () => {
  assert.equal(estimateTokens('', 'o200k_base'), 0);
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 6000 }), (text) => {
      const estimate = estimateTokens(text, 'cl100k_base');
      assert.ok(Number.isSafeInteger(estimate) && estimate >= 0);
      assert.ok(estimate <= 2 * text.length);
    }),
    { numRuns: 100 },
  );
});
