import assert from 'node:assert/strict';
import test from 'node:test';
import { looksSecret, saidName } from '../../../src/kernel/secrets.ts';

const VALUE = 'q7w8e9r0t1y2u3i4';

test('a header of any scheme in a text, and names in JSON within JSON within JSON, tell of a secret', () => {
  const inner = JSON.stringify({ client_secret: VALUE });
  for (const text of [
    `curl -H "Authorization: Basic ${btoa(`user:${VALUE}`)}"`,
    `Authorization: Token ${VALUE}`,
    `authorization: ApiKey ${VALUE}`,
    `it sent Basic ${btoa(`user:${VALUE}`)} and failed`,
    JSON.stringify({ a: JSON.stringify({ b: inner }) }),
    `dbPwd=${VALUE}`,
    `"jwt":"${VALUE}"`,
  ])
    assert.ok(looksSecret(text), text);
});

test('words that only sound like it tell of none', () => {
  for (const text of [
    'Basic understanding of internationalization',
    'Basic Authentication is off',
    'PWD=/home/user/project',
    'the author: Somebody Somewhere',
  ])
    assert.ok(!looksSecret(text), text);
});

test('a name is recorded as it is said, unless it looks like a credential', () => {
  assert.equal(saidName('claude-desktop'), 'claude-desktop');
  for (const name of [`ghp_${VALUE}`, `Bearer ${VALUE}`, `x token=${VALUE}`])
    assert.equal(saidName(name), '[redacted]');
});
