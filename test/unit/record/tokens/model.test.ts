import assert from 'node:assert/strict';
import test from 'node:test';

import { costOf, modelOf, ratesOf } from '../../../../src/record/tokens/model.ts';
import { baseId, fits, plainId } from '../../../../src/record/tokens/model-id.ts';
import { DEFAULT_PRICES, PRICES_AS_OF } from '../../../../src/record/tokens/prices.ts';
import { entryOf } from '../entries.ts';
import { priceOf, tokensPlan } from './plans.ts';

const GPT_5 = { provider: 'openai', id: 'gpt-5' };
const SAID = { provider: 'anthropic', id: 'claude-opus-4-6' };
const USUAL = { provider: 'google', id: 'gemini-2.5-pro' };

test('the model of a consumer is the configured one, then what the agent says, then the usual one', () => {
  const plan = tokensPlan({ model: USUAL, consumers: { dev: GPT_5 } });
  assert.equal(modelOf(entryOf({ model: SAID }), plan), GPT_5);
  const other = entryOf({ model: SAID, caller: undefined });
  assert.equal(modelOf(other, plan), SAID);
  assert.equal(modelOf({ ...other, model: undefined }, plan), USUAL);
  assert.equal(modelOf({ ...other, model: { provider: 'openai', id: '' } }, plan), USUAL);
  assert.equal(modelOf({ ...other, model: undefined }, tokensPlan()), undefined);
});

test('a consumer named like a property of objects has no model', () => {
  const caller = entryOf().caller;
  for (const consumer of ['constructor', '__proto__', 'toString'])
    assert.equal(
      modelOf(entryOf({ caller: caller && { ...caller, consumer } }), tokensPlan()),
      undefined,
    );
});

test('each family of models has its encoding; of others an estimate is made', () => {
  const encodingOf = (id: string): string => {
    const { encoding, isGuess } = ratesOf({ provider: '', id }, tokensPlan());
    return isGuess ? `${encoding}?` : encoding;
  };
  for (const id of [
    'gpt-4o',
    'gpt-4o-mini',
    'gpt-4.1-nano',
    'gpt-5',
    'GPT-5.6-sol',
    'o3-mini',
    'o1',
  ])
    assert.equal(encodingOf(id), 'o200k_base', id);
  for (const id of ['openai/gpt-4o', 'ft:gpt-4o-2024-08-06:acme::x', 'gpt-oss-120b', 'o4-mini'])
    assert.equal(encodingOf(id), 'o200k_base', id);
  for (const id of ['gpt-4', 'gpt-4-0613', 'gpt-4-turbo', 'gpt-3.5-turbo', 'gpt-35-turbo'])
    assert.equal(encodingOf(id), 'cl100k_base', id);
  for (const id of [
    'claude-opus-5-5',
    'gemini-2.5-pro',
    'llama-4',
    'gpt-6-sol',
    '',
    'o3x',
    'gpt-45',
  ])
    assert.equal(encodingOf(id), 'o200k_base?', id);
  assert.equal(ratesOf(undefined, tokensPlan()).isGuess, true);
});

test('a release has the price of its model', () => {
  const inputOf = (id: string): number | undefined =>
    ratesOf({ provider: '', id }, tokensPlan()).price?.input;
  const same: Readonly<Record<string, readonly string[]>> = {
    'gpt-5': ['gpt-5-2025-08-07', 'openai/gpt-5', 'GPT-5'],
    'gpt-4': ['gpt-4-0613'],
    'gpt-4-turbo': ['gpt-4-turbo-2024-04-09', 'gpt-4-1106-preview', 'gpt-4-turbo-preview'],
    'claude-opus-4-1': ['claude-opus-4-1-20250805', 'anthropic/claude-opus-4.1'],
    'claude-opus-4': ['claude-opus-4-20250514'],
    'claude-opus-4-5': ['us.anthropic.claude-opus-4-5-20251101-v1:0', 'claude-opus-4-5@20251101'],
    'claude-3-5-haiku': ['claude-3-5-haiku-latest'],
    'gemini-2.5-flash': ['gemini-2.5-flash-preview-05-20', 'models/gemini-2.5-flash'],
    'gemini-3.1-pro': ['gemini-3.1-pro-preview'],
  };
  for (const [id, releases] of Object.entries(same)) {
    assert.notEqual(inputOf(id), undefined, id);
    for (const release of releases) assert.equal(inputOf(release), inputOf(id), release);
  }
});

test('a model nobody has a price for costs nothing that is known', () => {
  for (const id of ['', 'gpt-4o-audio-preview', 'gpt-5-turbo', 'llama-4', 'claude', 'gpt'])
    assert.equal(ratesOf({ provider: 'x', id }, tokensPlan()).price, undefined, id);
  const rates = ratesOf({ provider: 'x', id: 'llama-4' }, tokensPlan());
  assert.equal(costOf({ arguments: 10, result: 10 }, rates), undefined);
});

test('prices of the configuration come before those built in, the first that fits', () => {
  const prices = [
    priceOf('gpt-5', { provider: 'azure', input: 7 }),
    priceOf('gpt-5*', { input: 8, encoding: 'cl100k_base' }),
    priceOf('Own-*-chat', { input: 9 }),
  ];
  const plan = tokensPlan({ prices });
  const inputOf = (provider: string, id: string): number | undefined =>
    ratesOf({ provider, id }, plan).price?.input;
  assert.equal(inputOf('azure', 'gpt-5'), 7);
  assert.equal(inputOf('azure', 'gpt-5-2025-08-07'), 8);
  assert.equal(inputOf('openai', 'gpt-5'), 8);
  assert.equal(inputOf('', 'gpt-5'), 7);
  assert.equal(inputOf('acme', 'own-large-chat'), 9);
  assert.equal(inputOf('openai', 'gpt-4o'), 2.5);
  assert.equal(ratesOf(GPT_5, plan).encoding, 'cl100k_base');
  assert.equal(ratesOf({ provider: 'acme', id: 'own-large-chat' }, plan).isGuess, true);
});

test('what a model reads costs its input price, what it writes its output price', () => {
  const rates = ratesOf(
    GPT_5,
    tokensPlan({ prices: [priceOf('gpt-5', { input: 3, output: 15 })] }),
  );
  assert.equal(costOf({ arguments: 1_000_000, result: 0 }, rates), 15);
  assert.equal(costOf({ arguments: 0, result: 1_000_000 }, rates), 3);
  assert.equal(costOf({ arguments: 100, result: 1000 }, rates), 0.0045);
});

test('the built-in prices have a date, no doubles, and every model is found by its own id', () => {
  assert.match(PRICES_AS_OF, /^\d{4}-\d{2}$/u);
  const ids = DEFAULT_PRICES.map(({ model }) => model);
  assert.equal(new Set(ids).size, ids.length);
  for (const { model, input, output } of DEFAULT_PRICES) {
    assert.ok(input > 0 && output > input, model);
    const found = ratesOf({ provider: '', id: model.replace('*', 'x') }, tokensPlan()).price;
    assert.deepEqual(found, { input, output }, model);
  }
});

test('ids are matched as their makers write them', () => {
  assert.equal(plainId('us.anthropic.claude-sonnet-4.5'), 'claude-sonnet-4-5');
  assert.equal(plainId('Meta/Llama-4'), 'llama-4');
  assert.equal(baseId('gpt-4.1-mini'), 'gpt-4.1-mini');
  assert.equal(baseId('claude-opus-4-1'), 'claude-opus-4-1');
  assert.equal(baseId('gemini-2.0-flash-001'), 'gemini-2.0-flash');
});

test('a star in a pattern stands for any characters, none too', () => {
  assert.equal(fits('gpt-5', 'gpt-5'), true);
  assert.equal(fits('gpt-5-mini', 'gpt-5'), false);
  assert.equal(fits('gpt-5', 'gpt-5*'), true);
  assert.equal(fits('a-b-c-d', 'a*c*d'), true);
  assert.equal(fits('aba', 'ab*ba'), false);
  assert.equal(fits('anything', '*'), true);
  assert.equal(fits('x'.repeat(100), `${'*x'.repeat(60)}*y`), false);
});
