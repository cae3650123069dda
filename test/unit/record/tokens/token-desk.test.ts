import assert from 'node:assert/strict';
import { once } from 'node:events';
import test from 'node:test';
import type { Worker } from 'node:worker_threads';
import * as fc from 'fast-check';

import { definitionsIn } from '../../../../src/record/tokens/definitions.ts';
import { ENCODINGS } from '../../../../src/record/tokens/encodings.ts';
import { entryOf } from '../entries.ts';
import { answering, deskScene, settled, settledAll } from './desks.ts';
import { priceOf } from './plans.ts';
import { referenceCount } from '../../../support/reference-count.ts';
import { SAMPLES } from './samples.ts';

test('R23: arguments and results are counted to the token, as the reference tokeniser does', async (t) => {
  const { desk } = deskScene(t);
  const args = { path: '/srv/ä', items: [1, 2, { deep: null }] };
  for (const [script, sample] of Object.entries(SAMPLES)) {
    const spending = await settled(desk, answering(sample, { args }));
    assert.deepEqual(
      spending?.tokens,
      {
        arguments: referenceCount(JSON.stringify(args)),
        result: referenceCount(sample),
        isEstimate: false,
        encoding: 'o200k_base',
      },
      script,
    );
  }
  assert.equal(desk.counts().counted, Object.keys(SAMPLES).length);
});

test('every part of a result is counted, in the encoding of the model', async (t) => {
  const { desk } = deskScene(t);
  const part = fc.string({ unit: 'grapheme', maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(fc.array(part, { minLength: 1, maxLength: 6 }), async (parts) => {
      const content = parts.map((text) => ({ type: 'text', text }));
      const model = { provider: 'openai', id: 'gpt-4' };
      const spending = await settled(desk, answering('', { result: { content }, model }));
      const expected = parts.map((text) => referenceCount(text, 'cl100k_base'));
      assert.equal(
        spending?.tokens.result,
        expected.reduce((sum, count) => sum + count, 0),
      );
      assert.equal(spending.tokens.encoding, 'cl100k_base');
    }),
    { numRuns: 50 },
  );
});

test('the cost is that of the model: what it wrote at the output price, what it reads at the input price', async (t) => {
  const { desk } = deskScene(t, { prices: [priceOf('gpt-5', { input: 1000, output: 8000 })] });
  const spending = await settled(desk, answering('one two three', { args: { a: 1 } }));
  assert.deepEqual(spending?.model, { provider: 'openai', id: 'gpt-5' });
  const { arguments: written, result } = spending.tokens;
  assert.equal(spending.cost, (written * 8000 + result * 1000) / 1_000_000);
});

test('tokens of a model whose encoding is not known are marked as an estimate, and have a price where there is one', async (t) => {
  const { desk } = deskScene(t, { model: undefined });
  const model = { provider: 'anthropic', id: 'claude-sonnet-4-5' };
  const known = await settled(desk, answering('hello there', { model }));
  assert.equal(known?.tokens.isEstimate, true);
  assert.equal(known.tokens.result, referenceCount('hello there'));
  assert.equal(known.cost, (3 * known.tokens.result) / 1_000_000);
  const unknown = await settled(desk, answering('hello there'));
  assert.deepEqual([unknown?.tokens.isEstimate, unknown?.cost], [true, undefined]);
});

test('an image is estimated beside texts that are counted', async (t) => {
  const { desk } = deskScene(t);
  const content = [
    { type: 'text', text: 'A picture:' },
    { type: 'image', data: '', mimeType: 'image/png' },
  ];
  const spending = await settled(desk, answering('', { result: { content } }));
  assert.equal(spending?.tokens.result, 1000 + referenceCount('A picture:'));
  assert.equal(spending.tokens.isEstimate, true);
  assert.equal(desk.counts().counted, 1);
});

test('a list is counted by its definitions, whatever its length, and once', async (t) => {
  const { desk, workers } = deskScene(t);
  const tools = Array.from({ length: 60 }, (_, at) => ({
    name: `server__tool_${at}`,
    description: SAMPLES['english'] ?? '',
    inputSchema: { type: 'object', properties: { path: { type: 'string' } } },
    outputSchema: { type: 'object' },
  }));
  const list = JSON.stringify({ tools });
  const entry = entryOf({ method: 'tools/list', args: undefined, result: list });
  const spending = await settled(desk, entry);
  const expected = definitionsIn(list).map((text) => referenceCount(text));
  assert.deepEqual(spending?.tokens, {
    arguments: 0,
    result: expected.reduce((sum, count) => sum + count, 0),
    isEstimate: false,
    encoding: 'o200k_base',
  });
  await Promise.all(workers.map((worker) => worker.terminate()));
  assert.deepEqual(await settled(desk, entry), spending);
  assert.deepEqual({ ...desk.counts() }, { counted: 2, estimated: 0, cacheHits: 1, waiting: 0 });
});

test('what is no list is estimated where a list should be', async (t) => {
  const { desk } = deskScene(t);
  const entry = entryOf({ method: 'tools/list', args: undefined, result: 'not { JSON' });
  const spending = await settled(desk, entry);
  assert.equal(spending?.tokens.isEstimate, true);
});

test('short texts are counted once', async (t) => {
  const { desk } = deskScene(t);
  const first = await settled(desk, answering('the same again', { args: { a: 1 } }));
  let second: unknown;
  desk.settle(answering('the same again', { args: { a: 1 } }), (spending) => {
    second = spending;
  });
  assert.deepEqual(second, first);
  assert.equal(desk.counts().cacheHits, 2);
});

test('R23: texts longer than the bound are estimated at once, without the thread', (t) => {
  const { desk, workers } = deskScene(t, { maxExactBytes: 1000 });
  let spending: unknown;
  desk.settle(answering('word '.repeat(300)), (found) => {
    spending = found;
  });
  assert.deepEqual(
    { ...(spending as { tokens: object }).tokens, result: 0 },
    { arguments: 0, result: 0, isEstimate: true, encoding: 'o200k_base' },
  );
  assert.equal(workers.length, 0);
  assert.deepEqual([desk.counts().estimated, desk.counts().counted], [1, 0]);
});

test('nothing is counted, and no thread started, where counting is off or there is nothing to count', (t) => {
  const scene = deskScene(t);
  const told: unknown[] = [];
  scene.desk.settle(entryOf({ method: 'ping' }), (spending) => told.push(spending));
  scene.plan = { ...scene.plan, isOn: false };
  scene.desk.settle(answering('hello'), (spending) => told.push(spending));
  assert.deepEqual(told, [undefined, undefined]);
  assert.equal(scene.workers.length, 0);
});

test('a plan that is swapped holds for what comes after it', async (t) => {
  const scene = deskScene(t, { prices: [priceOf('gpt-5', { input: 1_000_000 })] });
  const before = await settled(scene.desk, answering('a'));
  scene.plan = { ...scene.plan, prices: [priceOf('gpt-5', { input: 2_000_000 })] };
  const after = await settled(scene.desk, answering('a'));
  assert.deepEqual([before?.cost, after?.cost], [1, 2]);
});

test('texts can be counted beside exchanges, in every encoding', async (t) => {
  const { desk } = deskScene(t);
  for (const encoding of ENCODINGS)
    assert.deepEqual(await desk.count(['', 'a', 'hello world'], encoding), {
      counts: [0, 1, 2],
      isEstimate: false,
    });
});

test('R23: ten thousand exchanges at once are each told of exactly once, counted or estimated', async (t) => {
  const { desk } = deskScene(t, { maxQueue: 3000 });
  const entries = Array.from({ length: 10_000 }, (_, at) => answering(`exchange number ${at}`));
  const { calls, spent } = await settledAll(desk, entries);
  assert.ok(calls.every((count) => count === 1));
  const estimated = spent.filter((spending) => spending?.tokens.isEstimate === true).length;
  assert.equal(estimated, 7000);
  for (const [at, spending] of spent.entries())
    if (spending?.tokens.isEstimate === false && at % 97 === 0)
      assert.equal(spending.tokens.result, referenceCount(`exchange number ${at}`));
  const { counted, waiting } = desk.counts();
  assert.deepEqual([counted, waiting], [3000, 0]);
});

test('R23: more in a second than are counted exactly are estimated from what was counted of the same tool', async (t) => {
  const { desk, workers } = deskScene(t, { maxExactPerSecond: 3 });
  const text = 'numbers 1234567 and words, {"json": [1, 2, 3]} '.repeat(8);
  const entries = Array.from({ length: 40 }, (_, at) => answering(`${text}${at}`));
  const first = await settledAll(desk, entries.slice(0, 3));
  assert.ok(first.spent.every((spending) => spending?.tokens.isEstimate === false));
  const exact = referenceCount(`${text}0`);
  const { spent } = await settledAll(desk, entries.slice(3));
  const estimates = spent.filter((spending) => spending?.tokens.isEstimate === true);
  assert.ok(estimates.length >= 30, `${estimates.length} of ${spent.length}`);
  for (const spending of estimates)
    assert.ok(Math.abs((spending?.tokens.result ?? 0) - exact) <= exact * 0.02);
  assert.equal(workers.length, 1);
});

test('R23: what a caller is charged by estimate does not depend on what other callers had counted, nor long texts on short ones', async (t) => {
  const { desk } = deskScene(t, { maxExactPerSecond: 6, maxExactBytes: 4000 });
  const words = 'one word after the other '.repeat(40);
  const exact = referenceCount(words);
  // One has the tool answer with what has many tokens for its length, another one with what has next to none.
  const many = '\u{1F9EC}\u{1F9FF}'.repeat(450);
  const taught = [0, 1, 2, 3].map((at) => answering(`${many}${at}`, { principal: 'neighbour' }));
  await settledAll(desk, [
    ...taught,
    answering(words, { principal: 'caller' }),
    answering(' '.repeat(3900), { principal: 'dodger' }),
  ]);
  const charged = async (principal: string, text: string): Promise<number[]> => {
    const calls = Array.from({ length: 10 }, (_, at) => answering(`${text}${at}`, { principal }));
    const { spent } = await settledAll(desk, calls);
    const estimates = spent.filter((spending) => spending?.tokens.isEstimate === true);
    assert.ok(estimates.length >= 4, `${estimates.length} estimates`);
    return estimates.map((spending) => spending?.tokens.result ?? 0);
  };
  for (const tokens of await charged('caller', words))
    assert.ok(Math.abs(tokens - exact) <= exact * 0.05, `${tokens} of ${exact}`);
  for (const tokens of await charged('dodger', words))
    assert.ok(tokens >= exact / 3, `${tokens} of ${exact}`);
  for (const tokens of await charged('dodger', words.repeat(20)))
    assert.ok(tokens >= exact * 20 * 0.7, `${tokens} of ${exact * 20}`);
});

test('a thread that has nothing to do for a while is ended, and another counts what comes later (R23)', async (t) => {
  const { desk, workers, faults } = deskScene(t, {}, 50);
  const first = await settled(desk, answering('one text that was not counted before'));
  assert.equal(first?.tokens.isEstimate, false);
  await once(workers[0] as Worker, 'exit');
  const second = await settled(desk, answering('another text, as new as the first was'));
  assert.equal(second?.tokens.isEstimate, false);
  assert.deepEqual([workers.length, faults.length], [2, 0]);
});
