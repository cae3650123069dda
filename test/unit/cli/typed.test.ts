import assert from 'node:assert/strict';
import test from 'node:test';
import { expiry, jsonObject, label, moment, oneMore } from '../../../src/cli/typed.ts';

const DAY_MS = 86_400_000;

test('the end of a key is a time from now or a moment', () => {
  assert.deepEqual(expiry('15m'), { inMs: 900_000 });
  assert.deepEqual(expiry('12h'), { inMs: DAY_MS / 2 });
  assert.deepEqual(expiry('90d'), { inMs: 90 * DAY_MS });
  assert.deepEqual(expiry('2w'), { inMs: 14 * DAY_MS });
  assert.deepEqual(expiry('2027-01-31'), { at: Date.UTC(2027, 0, 31) });
  assert.deepEqual(expiry('2027-01-31T12:00Z'), { at: Date.UTC(2027, 0, 31, 12) });
  assert.deepEqual(expiry('2027-01-31T12:00:30+02:00'), { at: Date.UTC(2027, 0, 31, 10, 0, 30) });
});

for (const text of [
  '',
  '0d',
  '90',
  'd',
  '90y',
  '-1d',
  '1.5d',
  'soon',
  '2027-13-01',
  '31.01.2027',
  '2027',
  'Jan 1',
  '99999999d',
]) {
  test(`"${text}" is no end of a key, and what would be is said`, () => {
    assert.throws(() => expiry(text), /^InvalidArgumentError: Give a time such as 90d/u);
  });
}

test('a moment without an offset is local time', () => {
  assert.equal(moment('2027-01-31T22:30'), new Date(2027, 0, 31, 22, 30).getTime());
  assert.throws(() => moment('90d'), /Give a moment such as/u);
});

test('a JSON object is taken, any other JSON and no JSON is not', () => {
  assert.deepEqual(jsonObject('{"a": [1, null]}'), { a: [1, null] });
  for (const text of ['[]', '1', 'null', '"a"', '{a: 1}', '', '{"a": 1'])
    assert.throws(() => jsonObject(text), /Give a JSON object in quotes/u, text);
});

test('a name is visible characters, so that it cannot pass for another one', () => {
  for (const text of ['ci', 'größe', 'a b', 'team/agents', 'x'.repeat(100)])
    assert.equal(label(text), text);
  for (const text of [
    '',
    ' ',
    ' a',
    'a ',
    'a\nb',
    'a\u001b[2Jb',
    'a\u200bb',
    'a\u202eb',
    'x'.repeat(101),
  ])
    assert.throws(() => label(text), /Give 1 to 100 characters/u, JSON.stringify(text));
});

test('an option that is given again adds to what was given', () => {
  assert.deepEqual(oneMore('b', oneMore('a', undefined)), ['a', 'b']);
});
