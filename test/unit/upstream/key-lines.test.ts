import assert from 'node:assert/strict';
import test from 'node:test';
import { KeyLines } from '../../../src/upstream/key-lines.ts';

const BODY = 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj';
const KEY = ['-----BEGIN PRIVATE KEY-----', BODY, 'MSUwQg==', '-----END PRIVATE KEY-----'];

function covered(keys: KeyLines, lines: readonly string[]): string[] {
  return lines.map((line) => keys.cover(line));
}

test('a private key printed line by line is taken out from its first line to its last', () => {
  const shown = covered(new KeyLines(), ['before', ...KEY, 'after']);
  assert.deepEqual(shown, ['before', ...KEY.map(() => '[redacted]'), 'after']);
});

test('where lines were missed, the rest of a key whose beginning was among them is taken out, and words are not', () => {
  const keys = new KeyLines();
  keys.missedSome();
  const [, ...rest] = KEY;
  const shown = covered(keys, ['ready to go', ...rest, 'listening']);
  assert.deepEqual(shown, ['ready to go', '[redacted]', '[redacted]', rest.at(-1), 'listening']);
});

test('a hundred lines after the missed ones all is shown again', () => {
  const keys = new KeyLines();
  keys.missedSome();
  const shown = covered(
    keys,
    Array.from({ length: 101 }, () => BODY),
  );
  assert.deepEqual(
    shown.slice(0, 100),
    Array.from({ length: 100 }, () => '[redacted]'),
  );
  assert.equal(shown[100], BODY);
});
