import assert from 'node:assert/strict';
import test from 'node:test';
import { newKeyText, parseKeyText, secretDigest } from '../../../src/identity/new-key.ts';
import { newKeyId, newSecret } from '../../../src/seal/seal.ts';
import { KeyTable } from '../../../src/store/key-table.ts';
import { bearer, credentials, KEY, Scene, SHARED_KEY } from '../../support/identity.ts';
import { eventually } from '../../support/raw-eventually.ts';

test('the text of a key has an id and a secret, whatever characters they hold', () => {
  const secrets = [newSecret().toString('base64url'), '_'.repeat(43), '-'.repeat(43)];
  for (const id of [newKeyId(), 'a_b-', '____', '-_'.repeat(32)])
    for (const secret of secrets)
      assert.deepEqual(parseKeyText(newKeyText(id, secret)), { id, secret });
});

test('what is no id or no secret makes no key', () => {
  const secret = newSecret().toString('base64url');
  const wrong = [
    ['abc', secret],
    ['x'.repeat(65), secret],
    ['a b c', secret],
    ['abcd', secret.slice(1)],
    ['abcd', `${secret}x`],
    ['abcd', `${secret.slice(0, 42)}=`],
  ];
  for (const [id = '', text = ''] of wrong) assert.throws(() => newKeyText(id, text), TypeError);
  const texts = ['', 'mcpx_', `mcpx__${secret}`, `MCPX_abcd_${secret}`, ` mcpx_abcd_${secret}`];
  for (const text of [...texts, `mcpx_abcd_${secret}\n`, secret])
    assert.equal(parseKeyText(text), undefined);
});

test('a named key proves its consumer, in the key header and as a bearer', (t) => {
  const scene = new Scene(t);
  const expiresAt = scene.now + 60_000;
  const text = scene.makeKey('agents', { id: 'the-id', expiresAt });
  const principal = scene.at(credentials({ [KEY]: text }));
  assert.equal(principal.proof, 'api-key');
  assert.equal(principal.credential, 'key:the-id');
  assert.equal(principal.consumer, 'agents');
  assert.equal(principal.name, 'agents');
  assert.equal(principal.expiresAt, expiresAt);
  assert.equal(scene.at(bearer(text)), principal);
});

test('two keys of one consumer are two callers', (t) => {
  const scene = new Scene(t);
  const [one, other] = [scene.makeKey('agents'), scene.makeKey('agents')];
  assert.ok(!scene.at(bearer(one)).is(scene.at(bearer(other))));
});

test('the id of one key with the secret of another is no key', async (t) => {
  const scene = new Scene(t);
  const [one, other] = [scene.makeKey('agents'), scene.makeKey('others')];
  const [from, to] = [parseKeyText(one)!, parseKeyText(other)!];
  await scene.refused(bearer(newKeyText(from.id, to.secret)), 'UNAUTHENTICATED');
  await scene.refused(bearer(newKeyText('unknown-id', from.secret)), 'UNAUTHENTICATED');
  await scene.refused(bearer(from.secret), 'UNAUTHENTICATED');
  const digest = Buffer.from(secretDigest(from.secret)).toString('base64url');
  await scene.refused(bearer(newKeyText(from.id, digest)), 'UNAUTHENTICATED');
});

test('another spelling of the same secret bytes is another secret', async (t) => {
  const scene = new Scene(t);
  const text = scene.makeKey('agents');
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const last = alphabet.indexOf(text.at(-1)!);
  const twin = `${text.slice(0, -1)}${alphabet[last ^ 1]}`;
  const bytes = (key: string) => Buffer.from(key.slice(-43), 'base64url');
  assert.deepEqual(bytes(twin), bytes(text));
  await scene.refused(bearer(twin), 'UNAUTHENTICATED');
});

test('a key ends at the very moment it expires, for callers that are known too', async (t) => {
  const scene = new Scene(t);
  const text = scene.makeKey('agents', { expiresAt: scene.now + 10_000 });
  const principal = scene.at(bearer(text));
  scene.now += 9999;
  assert.equal(scene.at(bearer(text)), principal);
  assert.ok(scene.identity.holds(principal));
  scene.now += 1;
  assert.ok(!scene.identity.holds(principal));
  const { message } = await scene.refused(bearer(text), 'UNAUTHENTICATED');
  assert.match(message, /expired/);
});

test('a key revoked in this process is refused at once, and its caller holds no longer', async (t) => {
  const scene = new Scene(t);
  const text = scene.makeKey('agents', { id: 'the-id' });
  const principal = scene.at(bearer(text));
  scene.keys.revoke('the-id', scene.now);
  assert.ok(!scene.identity.holds(principal.withClient('Cursor')));
  const { message } = await scene.refused(bearer(text), 'UNAUTHENTICATED');
  assert.match(message, /revoked/);
});

test('a key revoked by another process is refused within a second, and a new one is known', async (t) => {
  const scene = new Scene(t);
  const text = scene.makeKey('agents', { id: 'the-id' });
  const principal = scene.at(bearer(text));
  const other = new KeyTable(scene.folder, { now: () => Date.now() });
  t.after(() => other.close());
  other.revoke('the-id', Date.now());
  const secret = newSecret().toString('base64url');
  other.create({
    ...other.list()[0]!,
    id: 'new-id',
    revokedAt: undefined,
    digest: secretDigest(secret),
  });

  assert.equal(scene.at(bearer(text)), principal, 'what was read a moment ago is believed');
  scene.now += 1000;
  assert.ok(!scene.identity.holds(principal));
  await scene.refused(bearer(text), 'UNAUTHENTICATED');
  assert.equal(scene.at(bearer(newKeyText('new-id', secret))).consumer, 'agents');
});

test('the last use of a key is noted, and not more than once a minute', async (t) => {
  const scene = new Scene(t);
  const text = scene.makeKey('agents');
  const lastUsedAt = () => scene.keys.list()[0]?.lastUsedAt;
  const first = scene.now;
  scene.at(bearer(text));
  assert.equal(lastUsedAt(), undefined, 'no call waits for the note');
  await eventually('the use is noted', () => lastUsedAt() === first);
  scene.now += 59_000;
  scene.at(bearer(text));
  scene.now += 1000;
  const second = scene.now;
  scene.at(bearer(text));
  await eventually('the next use is noted', () => lastUsedAt() !== first);
  assert.equal(lastUsedAt(), second);
});

test('a refused key is not noted as used', async (t) => {
  const scene = new Scene(t);
  const text = scene.makeKey('agents', { expiresAt: scene.now });
  await scene.refused(bearer(text), 'UNAUTHENTICATED');
  await scene.refused(bearer(`${text.slice(0, -2)}xx`), 'UNAUTHENTICATED');
  scene.keys.close();
  const table = new KeyTable(scene.folder, { now: () => scene.now });
  assert.equal(table.list()[0]?.lastUsedAt, undefined);
  table.close();
});

test('a text as long as a header may be is looked at like any other', async (t) => {
  const scene = new Scene(t);
  await scene.refused(credentials({ [KEY]: 'x'.repeat(60_000) }), 'UNAUTHENTICATED');
  await scene.refused(bearer(`${SHARED_KEY}${' x'.repeat(30_000)}`), 'UNAUTHENTICATED');
});
