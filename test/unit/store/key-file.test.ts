import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { newSecret } from '../../../src/seal/seal.ts';
import { readKeyRing } from '../../../src/store/key-file.ts';

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'mcpx-keys-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const unused = (): Buffer => assert.fail('a new secret was made');

test('the first start makes a key that later ones find again (R13)', (t) => {
  const folder = folderFor(t);
  const first = readKeyRing(folder, newSecret);
  assert.deepEqual([first.length, first[0]?.secret.length], [1, 32]);
  assert.deepEqual(readKeyRing(folder, unused), first);
});

test('the key can be read by its owner alone, and nothing else is left in the folder (R13)', (t) => {
  const folder = folderFor(t);
  readKeyRing(folder, newSecret);
  const keys = join(folder, 'keys');
  assert.equal(statSync(keys).mode & 0o777, 0o700);
  assert.equal(statSync(join(keys, 'seal.json')).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(keys), ['seal.json']);
});

test('a folder that is missing is made', (t) => {
  const folder = join(folderFor(t), 'not', 'there', 'yet');
  assert.equal(readKeyRing(folder, newSecret).length, 1);
});

test('of several keys the order of the file is kept, the newest first', (t) => {
  const folder = folderFor(t);
  readKeyRing(folder, newSecret);
  const file = join(folder, 'keys', 'seal.json');
  const ring = JSON.parse(readFileSync(file, 'utf8')) as { id: number; secret: string }[];
  const second = { id: 2, secret: newSecret().toString('base64url') };
  writeFileSync(file, JSON.stringify([second, ...ring]));
  assert.deepEqual(
    readKeyRing(folder, unused).map(({ id }) => id),
    [2, 1],
  );
});

for (const [what, text] of [
  ['empty', ''],
  ['no JSON', 'key'],
  ['no list', '{}'],
  ['an empty list', '[]'],
  ['a list of something else', '["x"]'],
  ['a list of nothing', '[null]'],
  ['a key that is too short', '[{"id":1,"secret":"AAAA"}]'],
  ['a key without id', `[{"secret":"${newSecret().toString('base64url')}"}]`],
  ['a key with an id that is none', `[{"id":256,"secret":"${newSecret().toString('base64url')}"}]`],
] as const) {
  test(`a key file that is ${what} stops the start, names the file and is left as it is`, (t) => {
    const folder = folderFor(t);
    readKeyRing(folder, newSecret);
    const file = join(folder, 'keys', 'seal.json');
    writeFileSync(file, text);
    assert.throws(() => readKeyRing(folder, unused), {
      message: new RegExp(`${file}.*key ring`, 'u'),
    });
    assert.equal(readFileSync(file, 'utf8'), text);
  });
}
