import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import {
  AuditSigner,
  AuditVerifier,
  keyIdOf,
  pemOf,
  publicKeysIn,
} from '../../../src/record/audit/keys.ts';
import { newSigningKey } from '../../../src/seal/signing-key.ts';
import { findAuditKeys, readAuditKeys } from '../../../src/store/audit-key-file.ts';

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'mcpx-audit-keys-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test('the first key is made once, for its owner alone to read, and is there again afterwards (R22)', (t) => {
  const folder = folderFor(t);
  assert.deepEqual(findAuditKeys(folder), []);
  const made = readAuditKeys(folder, newSigningKey);
  const none = (): never => assert.fail('no other key is made');
  assert.deepEqual(readAuditKeys(folder, none), made);
  assert.deepEqual(findAuditKeys(folder), made);
  assert.deepEqual(readdirSync(join(folder, 'keys')), ['audit.json']);
  if (process.platform === 'win32') return;
  assert.equal(statSync(join(folder, 'keys/audit.json')).mode & 0o777, 0o600);
});

test('what is no key of the audit is told by its file, with what to do', (t) => {
  const folder = folderFor(t);
  mkdirSync(join(folder, 'keys'));
  for (const text of [
    '',
    '[]',
    '{}',
    '[{"publicKey":"x"}]',
    '[{"privateKey":1,"publicKey":"x"}]',
  ]) {
    writeFileSync(join(folder, 'keys/audit.json'), text);
    assert.throws(
      () => readAuditKeys(folder, newSigningKey),
      /audit\.json does not hold the keys of the audit: restore it/u,
    );
  }
});

test('what a key signed is verified by its public half alone, from PEM too, and by no other (R22)', () => {
  const [pair, other] = [newSigningKey(), newSigningKey()];
  const signer = new AuditSigner([pair]);
  const signature = signer.sign('a line');
  const verifier = new AuditVerifier(publicKeysIn(pemOf(pair.publicKey) + pemOf(other.publicKey)));
  assert.deepEqual(verifier.ids, [signer.id, keyIdOf(other.publicKey)]);
  assert.equal(verifier.isSigned('a line', signer.id, signature), true);
  assert.equal(verifier.isSigned('a lime', signer.id, signature), false);
  assert.equal(verifier.isSigned('a line', keyIdOf(other.publicKey), signature), false);
  assert.equal(verifier.isSigned('a line', 'unknown', signature), false);
  assert.throws(() => publicKeysIn('nothing'), /it holds no public key in PEM/u);
});
