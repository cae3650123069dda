import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import test from 'node:test';
import { leakText, SecretBook } from '../support/secret-scan.ts';

/** The search itself: what it cannot find it must not be trusted with. */

const ENCODINGS: Readonly<Record<string, (text: string) => string>> = {
  'as it is': (text) => text,
  'without Bearer': (text) => text.replace('Bearer ', ''),
  'in capitals': (text) => text.toUpperCase(),
  'percent-encoded': (text) => encodeURIComponent(text),
  'in JSON': (text) => JSON.stringify({ text }),
  'in JSON in JSON': (text) => JSON.stringify(JSON.stringify({ text })),
  'in base64': (text) => Buffer.from(text).toString('base64'),
  'in base64, one byte later': (text) => Buffer.from(`u${text}`).toString('base64'),
  'in base64, two bytes later': (text) => Buffer.from(`u:${text}`).toString('base64'),
  'in base64url': (text) => Buffer.from(`user:${text}`).toString('base64url'),
  'in hexadecimal': (text) => Buffer.from(text).toString('hex'),
  'the first half': (text) => text.slice(0, text.length / 2 + 4),
  'the second half': (text) => text.slice(text.length / 2),
};

test('a secret is found in every encoding, and told by its place', () => {
  for (const [encoding, encode] of Object.entries(ENCODINGS)) {
    const book = new SecretBook();
    book.plant('elsewhere');
    const secret = book.plant('here', (core) => `Bearer ${core}`);
    const text = `{"level":30,"msg":"before ${encode(secret)} after"}\n`;
    const [leak, ...more] = book.leaks([{ name: 'log', text }]);
    assert.deepEqual([leak?.place, leak?.output, more.length], ['here', 'log', 0], encoding);
  }
});

test('a secret with other signs in it is found by its halves, whatever becomes of the signs', () => {
  const book = new SecretBook();
  const secret = book.plant('here', (core) => `${core.slice(0, 12)}"/+%\\ \u00e9${core.slice(12)}`);
  for (const encode of [encodeURIComponent, JSON.stringify, escape])
    assert.equal(book.leaks([{ name: 'log', text: encode(secret) }]).length, 1);
});

test('nothing is found where nothing stands, and where it may stand it is no leak', () => {
  const book = new SecretBook();
  const secret = book.plant('here', undefined, ['answers alice']);
  const other = new SecretBook().plant('here');
  const outputs = [
    { name: 'log', text: `${other} ${gzipSync(other).toString('latin1')}` },
    { name: 'answers alice', text: secret },
  ];
  assert.equal(leakText(book.leaks(outputs)), '');
  assert.deepEqual([...book.placesIn(secret)], ['here']);
  assert.equal(book.leaks([{ name: 'answers bob', text: secret }]).length, 1);
});
