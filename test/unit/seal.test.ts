import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { newId, newSecret, Seal, type SealPurpose } from '../../src/seal/seal.ts';

const PURPOSES: readonly SealPurpose[] = ['session', 'request-state', 'task', 'cursor'];
const seal = new Seal([{ id: 1, secret: newSecret() }]);

test('any text comes back from its seal, and is not readable in it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.constantFrom(...PURPOSES), (given, purpose) => {
      const text = given.toWellFormed();
      for (const sealed of [seal.seal(purpose, text), seal.sealSame(purpose, text)]) {
        assert.equal(seal.open(purpose, sealed), text);
        assert.match(sealed, /^[\w-]+$/u);
      }
    }),
  );
  const text = 'a text of some length';
  const bytes = Buffer.from(seal.seal('session', text), 'base64url');
  assert.ok(!bytes.includes(text) && !bytes.includes('session'));
});

test('a sealed text of which any bit was changed does not open', () => {
  const sealed = seal.seal('session', 'text');
  const bytes = Buffer.from(sealed, 'base64url');
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    const changed = Buffer.from(bytes);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit % 8));
    assert.equal(seal.open('session', changed.toString('base64url')), undefined, `bit ${bit}`);
  }
});

test('nothing that was not sealed here opens, and nothing makes open throw', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'AQab-_='.split('')) })),
      (text) => {
        for (const purpose of PURPOSES) assert.equal(seal.open(purpose, text), undefined);
      },
    ),
  );
  const sealed = seal.seal('task', 'text');
  for (let length = 0; length < sealed.length; length += 1)
    assert.equal(seal.open('task', sealed.slice(0, length)), undefined);
});

test('of the spellings that base64 has for the same bytes only ours opens', () => {
  const sealed = seal.seal('task', 'x'.repeat(64));
  const standard = Buffer.from(sealed, 'base64url').toString('base64');
  for (const other of [`${sealed}=`, `${sealed}==`, `${sealed}\n`, ` ${sealed}`, `${sealed}A`])
    assert.equal(seal.open('task', other), undefined);
  if (standard !== sealed) assert.equal(seal.open('task', standard), undefined);
});

test('a text sealed for one purpose opens for no other', () => {
  for (const purpose of PURPOSES) {
    for (const other of PURPOSES) {
      const expected = other === purpose ? 'text' : undefined;
      assert.equal(seal.open(other, seal.seal(purpose, 'text')), expected);
      assert.equal(seal.open(other, seal.sealSame(purpose, 'text')), expected);
    }
  }
});

test('sealing a text twice gives two sealed texts, sealing it the same way one (R12)', () => {
  const [one, other] = [seal.seal('session', 'text'), seal.seal('session', 'text')];
  assert.notEqual(one, other);
  assert.equal(seal.sealSame('task', 'text'), seal.sealSame('task', 'text'));
});

test('sealed the same way, different texts and purposes differ in every part, the nonce included (R12)', () => {
  const sealed = ['text', 'Text', 'text ', ''].flatMap((text) =>
    (['task', 'cursor'] as const).map((purpose) => seal.sealSame(purpose, text)),
  );
  const nonces = sealed.map((each) =>
    Buffer.from(each, 'base64url').subarray(1, 13).toString('hex'),
  );
  assert.equal(new Set(nonces).size, sealed.length);
});

test('another key opens nothing of ours', () => {
  const other = new Seal([{ id: 1, secret: newSecret() }]);
  assert.equal(other.open('session', seal.seal('session', 'text')), undefined);
});

test('when a new key is put first it seals, and what the old one sealed still opens (R13)', () => {
  const [old, fresh] = [
    { id: 1, secret: newSecret() },
    { id: 2, secret: newSecret() },
  ];
  const before = new Seal([old]);
  const rotated = new Seal([fresh, old]);
  const after = new Seal([fresh]);
  const sealed = before.seal('session', 'text');
  assert.equal(rotated.open('session', sealed), 'text');
  assert.equal(after.open('session', sealed), undefined);
  assert.equal(after.open('session', rotated.seal('session', 'new')), 'new');
  assert.equal(before.open('session', rotated.seal('session', 'new')), undefined);
});

test('a seal without a key cannot be made', () => {
  assert.throws(() => new Seal([]), /needs a key/u);
});

test('ids and secrets are random and long enough', () => {
  const ids = Array.from({ length: 1000 }, () => newId());
  assert.equal(new Set(ids).size, 1000);
  assert.ok(ids.every((id) => Buffer.from(id, 'base64url').length === 12));
  assert.equal(newSecret().length, 32);
  assert.notDeepEqual(newSecret(), newSecret());
});
