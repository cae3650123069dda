import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { redact, REDACTED } from '../../../src/record/redact.ts';
import { Scrubber, withoutCredentials } from '../../../src/record/scrub.ts';
import { looksSecret } from '../../../src/kernel/secrets.ts';

const FAKE = 'a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0';
const SHORT = 'hunter22';

/** Texts that hold a secret, and what is left of them. Some are put together here, so that no scanner takes them for real ones. */
const TEXTS: readonly (readonly [string, string])[] = [
  [
    `token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.${FAKE} was refused`,
    `token [redacted] was refused`,
  ],
  [`sent Bearer ${FAKE}, got 401`, 'sent [redacted], got 401'],
  [`key mcpx_k1_${FAKE} unknown`, 'key [redacted] unknown'],
  [`(${['ghp', `_${FAKE}`].join('')})`, '([redacted])'],
  [`using ${['sk', `-proj-${FAKE}`].join('')}.`, 'using [redacted]'],
  [
    `cannot reach postgres://app:${SHORT}@db.example/main`,
    'cannot reach postgres://[redacted]@db.example/main',
  ],
  [
    `clone https://${FAKE}@git.example/repo.git failed`,
    'clone https://[redacted]@git.example/repo.git failed',
  ],
  [`HOME=/root DB_PASSWORD=${SHORT} TERM=x`, 'HOME=/root DB_PASSWORD=[redacted] TERM=x'],
  [
    `GET /v1?limit=1&access_token=${SHORT}&page=2`,
    'GET /v1?limit=1&access_token=[redacted]&page=2',
  ],
  [`GET /v1?key=${SHORT}&page=2 failed`, 'GET /v1?key=[redacted]&page=2 failed'],
  [
    `{"user":"a","password":"${SHORT} and more","b":1}`,
    '{"user":"a","password":[redacted]","b":1}',
  ],
  [`run --password=${SHORT} -u root`, 'run --password=[redacted] -u root'],
  [`credentials=${SHORT} rejected`, 'credentials=[redacted] rejected'],
  [`credential: '${SHORT}'`, "credential: [redacted]'"],
  [`connectionString=Server=db;Password=${SHORT};Timeout=5`, 'connectionString=[redacted]'],
  [
    `connection_string="Server=db;User Id=sa;Password=${SHORT}" bad`,
    'connection_string=[redacted]" bad',
  ],
  [`secret_key=${SHORT} AccountKey=${SHORT}==`, 'secret_key=[redacted] AccountKey=[redacted]'],
  [
    `Authorization: Digest username="a", response="${SHORT}"\nnext line`,
    'Authorization: [redacted]\nnext line',
  ],
  [`cookie: a=${SHORT}; b=${SHORT}\nnext`, 'cookie: [redacted]\nnext'],
  [
    `loaded -----BEGIN PRIVATE KEY-----\n${FAKE}\n-----END PRIVATE KEY----- from disk`,
    'loaded [redacted] from disk',
  ],
  [`loaded -----BEGIN PRIVATE KEY-----\n${FAKE}`, 'loaded [redacted]'],
];

for (const [text, left] of TEXTS)
  test(`a secret is taken out, and what stands around it stays: ${left.replaceAll('\n', ' ')}`, () => {
    assert.equal(withoutCredentials(text), left);
    assert.equal(withoutCredentials(left), left);
  });

test('what is no secret stays as it is', () => {
  for (const text of [
    'exited with code 1',
    'listening on http://127.0.0.1:9000/mcp',
    'cannot reach ssh://git@git.example/repo.git',
    'max_tokens: 4096, tokens: 123456',
    'PWD=/home/user/project',
    'The bearer of this letter forgot where the author keeps the key.',
    'sha da39a3ee5e6b4b0d3255bfef95601890afd80709',
  ])
    assert.equal(withoutCredentials(text), text);
});

test('writing "[redacted]" into a text hides nothing behind it', () => {
  for (const text of [
    `password=[redacted]${SHORT}`,
    `https://[redacted]:${SHORT}@host/`,
    `postgres://[redacted]${SHORT}:x@host/`,
    `?key=[redacted]${SHORT}`,
  ])
    assert.doesNotMatch(withoutCredentials(text), new RegExp(SHORT, 'u'), text);
});

test('whatever a text is made of, nothing is left that looks like a credential, and twice is like once', () => {
  const pieces = fc.constantFrom(
    ...TEXTS.map(([text]) => text),
    ...[
      'password',
      '=',
      ':',
      '"',
      "'",
      '\\',
      ' ',
      '\n',
      '&',
      '?key=',
      'https://',
      '://',
      '@',
      'Bearer ',
      'eyJ',
    ],
    ...['-----BEGIN ', '-----END ', REDACTED, FAKE, SHORT, 'a', ';', ',', 'cookie', 'mcpx_'],
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
      const left = withoutCredentials(parts.join(''));
      assert.equal(looksSecret(left), false);
      assert.equal(withoutCredentials(left), left);
    }),
    { numRuns: 2000 },
  );
});

test('long texts made to be hard take no longer than their length', () => {
  const hard = [
    'password'.repeat(8000),
    `password="${'a'.repeat(60_000)}`,
    'password="aaaaaa '.repeat(4000),
    '-----BEGIN '.repeat(6000),
    'https://'.repeat(8000),
    `://${'a'.repeat(99)}`.repeat(600),
    'eyJaaaaaaaaaa.'.repeat(5000),
    'cookie: '.repeat(8000),
    ' '.repeat(60_000),
  ];
  const timeOf = (chars: number): number => {
    const begin = performance.now();
    for (const text of hard) withoutCredentials(text.slice(0, chars));
    return performance.now() - begin;
  };
  timeOf(60_000);
  const short = timeOf(6000);
  const long = timeOf(60_000);
  // Ten times as long: quadratic work would be a hundred times.
  assert.ok(long < short * 50 + 50, `${long} ms against ${short} ms`);
});

test('the exact secrets it was told are taken out wherever they stand, the longest first', () => {
  const scrubber = new Scrubber();
  scrubber.use(['plainword', 'plainword-and-more', 'with "quotes"\\']);
  assert.equal(scrubber.text('a plainword-and-more b plainword c'), 'a [redacted] b [redacted] c');
  assert.equal(scrubber.text(`said ${JSON.stringify('with "quotes"\\')}`), 'said "[redacted]"');
  assert.equal(scrubber.text('xplainwordx'), 'x[redacted]x');
  assert.equal(scrubber.text(`password=${SHORT}`), 'password=[redacted]');
  assert.equal(scrubber.text('harmless'), 'harmless');
});

test('a secret of several lines is taken out line by line too', () => {
  const scrubber = new Scrubber();
  scrubber.use(['first-line-of-it\nsecond-line-of-it\nend']);
  assert.equal(scrubber.text('stderr: second-line-of-it'), 'stderr: [redacted]');
  assert.equal(scrubber.text('the end'), 'the end');
});

test('a short secret is taken out where it is a word, and not as a part of others', () => {
  const scrubber = new Scrubber();
  scrubber.use(['root', 'a.b?']);
  assert.equal(
    scrubber.text('user root, rooted in groot: "root"'),
    'user [redacted], rooted in groot: "[redacted]"',
  );
  assert.equal(scrubber.text('a.b? axb?'), '[redacted] axb?');
});

test('a secret that a long text is cut off in is taken out as far as it is there', () => {
  const scrubber = new Scrubber();
  scrubber.use(['a-secret-of-some-length']);
  for (const length of [8, 15, 22]) {
    const text = `${'x '.repeat(600)}${'a-secret-of-some-length'.slice(0, length)}`;
    assert.equal(scrubber.text(text), `${'x '.repeat(600)}[redacted]`);
  }
  assert.equal(scrubber.text('a-secret-of'), 'a-secret-of');
});

test('a secret is taken out as far as it is there before the mark of a cut, wherever that stands', () => {
  const scrubber = new Scrubber();
  scrubber.use(['a-secret-of-some-length', 'another-that-is-much-longer']);
  const said = `last on stderr: ${'another-that-is-much-longer | '.repeat(40)}a-secret-of-s… (code 3)`;
  const left = scrubber.text(said);
  assert.ok(left.endsWith('| [redacted]… (code 3)'), left);
  assert.equal(scrubber.text('a-secret-of-s… and a-secret-of…'), '[redacted]… and [redacted]…');
  // What was taken out of a text that was long makes it short, and it was cut off all the same.
  assert.ok(
    scrubber
      .text(`${'another-that-is-much-longer '.repeat(40)}a-secret-of`)
      .endsWith('[redacted] [redacted]'),
  );
});

test('what it was told last holds, also for names it has seen before', () => {
  const scrubber = new Scrubber();
  assert.equal(scrubber.name('tool-with-word'), 'tool-with-word');
  scrubber.use(['tool-with']);
  assert.equal(scrubber.name('tool-with-word'), '[redacted]-word');
  assert.equal(scrubber.name('tool-with-word'), '[redacted]-word');
  scrubber.use(['']);
  assert.equal(scrubber.name('tool-with-word'), 'tool-with-word');
});

test('the audit takes out what logs take out', () => {
  for (const [text] of TEXTS) assert.deepEqual(redact({ note: text }).value, { note: REDACTED });
});
