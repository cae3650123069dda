import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import type { JsonObject } from '../../../src/kernel/json.ts';
import { redact, REDACTED } from '../../../src/record/redact.ts';

const SECRET_KEYS = [
  'password', 'Password', 'user_password', 'dbPassword', 'PGPASSWORD', 'passwd', 'pwd', 'passphrase',
  'secret', 'clientSecret', 'client-secret', 'token', 'access_token', 'refreshToken', 'X-Auth-Token',
  'authorization', 'Proxy-Authorization', 'cookie', 'Set-Cookie', 'api_key', 'apiKey', 'API-KEY',
  'x-lunar-api-key', 'apikey', 'private_key', 'privateKey', 'ssh-key', 'credential', 'Credentials',
  'accessKey', 'AWS_SECRET_ACCESS_KEY', 'pin', 'otp', 'connectionString',
]; // prettier-ignore

for (const key of SECRET_KEYS) {
  test(`what stands under "${key}" is taken out, whatever it is`, () => {
    for (const value of ['hunter2', 1234, ['a', 'b'], { inside: 'x' }]) {
      assert.deepEqual(redact({ a: { [key]: value } }), {
        value: { a: { [key]: REDACTED } },
        isWhole: false,
      });
    }
  });
}

const FAKE = 'a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0';
const CREDENTIALS: Readonly<Record<string, string>> = {
  'a JSON Web Token': 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl',
  'a bearer token': 'Bearer abc',
  'a bearer token in a command': `curl -H "X: bearer ${FAKE}"`,
  'basic credentials': 'Basic dXNlcjpwYXNzd29yZA==',
  'a private key': `-----BEGIN OPENSSH PRIVATE KEY-----\n${FAKE}\n-----END OPENSSH PRIVATE KEY-----`,
  'a key of this gateway': `mcpx_k1_${FAKE}`,
  'an AWS key id': ['AKIA', 'IOSFODNN7EXAMPLE'].join(''),
  'a GitHub token': ['ghp', `_${FAKE}`].join(''),
  'a fine-grained GitHub token': ['github', `_pat_${FAKE}`].join(''),
  'a Slack token': ['xox', `b-${FAKE}`].join(''),
  'an OpenAI-like key': ['sk', `-proj-${FAKE}`].join(''),
  'a Stripe key': ['sk', `_live_${FAKE}`].join(''),
  'a Google key': ['AIza', FAKE].join(''),
  'a user and password in a URL': 'postgres://app:hunter2@db.example/main',
  'a token as the user of a URL': `https://${FAKE}@git.example/repo.git`,
  'a line of an environment': 'HOME=/root\nDB_PASSWORD=hunter22\n',
  'a query': 'https://api.example/v1?limit=1&access_token=0123456789',
  'JSON in a text': '{"user": "a", "password": "hunter22"}',
  'an option of a command': 'mysql --password=hunter22 -u root',
  'a header in a text': 'X-Api-Key: 0123456789',
};

for (const [what, text] of Object.entries(CREDENTIALS)) {
  test(`${what} is taken out under any key, also amid other text and as a key`, () => {
    assert.deepEqual(redact({ note: [text] }), { value: { note: [REDACTED] }, isWhole: false });
    assert.deepEqual(Object.keys(redact({ [text]: 1 }).value), [REDACTED]);
    // Some are told by standing alone.
    if (!/^(?:Bearer|Basic)/u.test(text))
      assert.deepEqual(redact({ note: `see ${text} there` }).value, { note: REDACTED });
  });
}

test('what is no secret stays as it is, and is called whole', () => {
  const args: JsonObject = {
    path: '/srv/app/main.ts',
    url: 'https://example.com/a?page=2#top',
    mail: 'dev@example.com',
    remote: 'ssh://git@git.example/repo.git',
    text: 'The bearer of this letter forgot where the author keeps the key. größe 🙂',
    max_tokens: 4096,
    tokenCount: 17,
    tokenizer: 'o200k',
    hasPassword: true,
    password: null,
    token: '',
    key: 'PROJ-17',
    author: 'x',
    list: [1, -2.5, true, null, 'short', { deep: ['er'] }],
    sha: 'da39a3ee5e6b4b0d3255bfef95601890afd80709',
  };
  assert.deepEqual(redact(args), { value: args, isWhole: true });
});

test('a value beside the name of a secret is taken out', () => {
  const { value } = redact({
    headers: [
      { name: 'X-API-Key', value: 'abc' },
      { name: 'Accept', value: 'a' },
    ],
  });
  assert.deepEqual(value, {
    headers: [
      { name: 'X-API-Key', value: REDACTED },
      { name: 'Accept', value: 'a' },
    ],
  });
});

test('long texts are cut, and say so', () => {
  const { value, isWhole } = redact({ text: 'x '.repeat(50_000) });
  const text = String(value['text']);
  assert.equal(isWhole, false);
  assert.ok(text.length < 2200);
  assert.match(text, /^(?:x ){1024}… \[cut: 100000 characters in all\]$/u);
});

test('a credential across the place where a text is cut is found', () => {
  const { value } = redact({ text: `${'x '.repeat(1020)}${CREDENTIALS['a GitHub token'] ?? ''}` });
  assert.deepEqual(value, { text: REDACTED });
});

test('what is nested too deeply or too large is cut, and says so', () => {
  let deep: JsonObject = { end: 1 };
  for (let level = 0; level < 50_000; level += 1) deep = { a: deep };
  const large = { list: Array.from({ length: 100_000 }, (_, index) => `item ${index}`) };
  for (const args of [deep, large, { a: 'x'.repeat(60_000), b: 'y'.repeat(60_000) }]) {
    const { value, isWhole } = redact(args);
    assert.equal(isWhole, false);
    assert.ok(JSON.stringify(value).length < 100_000);
  }
});

test('a key named __proto__ is a key like any other', () => {
  const args = JSON.parse('{"__proto__": {"polluted": "yes"}, "a": 1}') as JsonObject;
  assert.equal(JSON.stringify(redact(args).value), '{"__proto__":{"polluted":"yes"},"a":1}');
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
});

test('whatever is sent, no planted secret is left, and whole means unchanged', () => {
  const planted = Object.values(CREDENTIALS);
  const leaf = fc.oneof(fc.string(), fc.integer(), fc.constantFrom(...planted));
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { maxDepth: 4 },
      leaf,
      fc.array(tie('any')),
      fc.dictionary(fc.string(), tie('any')),
    ),
  })).any;
  fc.assert(
    fc.property(fc.dictionary(fc.string(), value), (sent) => {
      const args = sent as JsonObject;
      const redacted = redact(args);
      const text = JSON.stringify(redacted.value);
      for (const secret of planted) assert.ok(!text.includes(JSON.stringify(secret).slice(1, -1)));
      const isSame = text === JSON.stringify(args);
      assert.equal(redacted.isWhole, isSame);
    }),
    { numRuns: 300 },
  );
});

test('texts made to be slow to search take no longer than other texts of their length, give or take', () => {
  const slow = ['eyJ', '://', '://a:', 'Bearer ', 'password = ', 'https://', 'gh_', '"\\token" : '];
  const timeOf = (unit: string): number => {
    const args = { text: unit.repeat(Math.ceil(4096 / unit.length)) };
    // The least of several, for a machine that is busy with something else in between.
    const times = Array.from({ length: 5 }, () => {
      const startedAt = performance.now();
      for (let run = 0; run < 100; run += 1) redact(args);
      return performance.now() - startedAt;
    });
    return Math.min(...times);
  };
  timeOf('warm');
  const usual = timeOf('The quick brown fox. ');
  for (const unit of slow) {
    const ratio = timeOf(unit) / usual;
    assert.ok(ratio < 30, `"${unit}" repeated takes ${ratio.toFixed(1)} times as long as prose`);
  }
});
