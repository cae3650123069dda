import assert from 'node:assert/strict';
import test from 'node:test';
import { isSecretName } from '../../../src/config/secret-names.ts';
import { secretsOf } from '../../../src/config/secrets-of.ts';
import { planOf, type Given } from './plan-from.ts';

function secrets(given: Given): readonly string[] {
  return secretsOf(planOf(given));
}

/** Where it stands, what is written there, and what must be known of it. */
const KNOWN: readonly [place: string, given: Given, ...expected: string[]][] = [
  ['the shared key', { env: { API_KEY: 'k9' + 'x'.repeat(20) } }, 'k9' + 'x'.repeat(20)],
  ['a short shared key', { env: { API_KEY: 'k9xy' } }, 'k9xy'],
  ['a variable of a server', entry({ command: 'x', env: { A: 'alpha-beta' } }), 'alpha-beta'],
  ['a short one with the name of a secret', entry({ command: 'x', env: { PASS: 'abcd' } }), 'abcd'],
  [
    'a variable with an address',
    entry({ command: 'x', env: { DB: 'postgres://u:p%40ss@h/d' } }),
    'postgres://u:p%40ss@h/d',
    'p%40ss',
    'p@ss',
  ],
  [
    'a variable with a mapping of headers',
    entry({ command: 'x', env: { HEADERS: '{"Authorization":"Bearer n1t2n3","Accept":"y"}' } }),
    'Bearer n1t2n3',
    'n1t2n3',
  ],
  [
    'a header of a server',
    entry({ url: 'https://a.example', headers: { Authorization: 'Bearer tok1' } }),
    'Bearer tok1',
    'tok1',
  ],
  ['the query of a server', entry({ url: 'https://a.example/?api_key=q1w2' }), 'q1w2'],
  ['the short name of a key in a query', entry({ url: 'https://a.example/?key=q1w2' }), 'q1w2'],
  ['an argument after its name', entry({ command: 'x', args: ['--api-key', 'a1b2'] }), 'a1b2'],
  ['an argument with its name', entry({ command: 'x', args: ['--token=a1b2'] }), 'a1b2'],
  ['a variable among arguments', entry({ command: 'x', args: ['-e', 'MY_TOKEN=a1b2'] }), 'a1b2'],
  [
    'a header among arguments',
    entry({ command: 'x', args: ['--header', 'Authorization: Bearer a1b2'] }),
    'Bearer a1b2',
    'a1b2',
  ],
  ['an address among arguments', entry({ command: 'x', args: ['redis://:a1b2@h:1/0'] }), 'a1b2'],
  [
    'an argument from the environment',
    entry({ command: 'x', args: ['run', '${ANY}'] }, { ANY: 'from-outside' }),
    'from-outside',
  ],
  [
    'the address of a server, from the environment',
    entry({ url: 'https://${ANY}.example/mcp' }, { ANY: 'from-outside' }),
    'from-outside',
  ],
  [
    'a header of the receiver of traces',
    { app: 'tracing: { headers: { x-honeycomb-team: hny-12345 } }' },
    'hny-12345',
  ],
  [
    'headers of traces from the environment',
    {
      app: 'tracing: { enabled: true }',
      env: { OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Basic%20dXNlcjpwdw' },
    },
    'Basic dXNlcjpwdw',
    'dXNlcjpwdw',
  ],
  [
    'a header of the receiver of the audit',
    {
      app: 'audit: { http: { url: "https://siem.example?token=u1v2", headers: { a: header-1 } } }',
    },
    'header-1',
    'u1v2',
  ],
  [
    'the password of the database',
    { app: 'usage: { database: "postgres://mcpx:pw%2F1@db/x" }' },
    'postgres://mcpx:pw%2F1@db/x',
    'pw%2F1',
    'pw/1',
  ],
  [
    'a parameter fixed to a secret',
    {
      app: 'toolExtensions: { services: { it: { call: { childTools: [{ name: c, overrideParams: { api_key: fix1, auth: { value: { user: u, password: [fix2] } } } }] } } } }',
      servers: { mcpServers: { it: { command: 'x' } } },
    },
    'fix1',
    'fix2',
  ],
];

function entry(server: object, env: Record<string, string> = {}): Given {
  return { servers: { mcpServers: { it: server } }, env };
}

for (const [place, given, ...expected] of KNOWN) {
  test(`${place} is known as a secret, in each form in which it travels`, () => {
    const found = secrets(given);
    for (const text of expected) {
      assert.ok(found.includes(text), `${text} is not among ${found.join(' ')}`);
      assert.ok(found.includes(encodeURIComponent(text)), `${text}, encoded`);
    }
  });
}

test('longer secrets stand before shorter ones, and each once', () => {
  const env = { A: 'abcdefgh-and-more', B: 'abcdefgh', C: 'abcdefgh' };
  assert.deepEqual(secrets(entry({ command: 'x', env })), ['abcdefgh-and-more', 'abcdefgh']);
});

test('what holds no secret is none, nor what is too short to be told from other text', () => {
  const env = { PATH: '/usr/bin:/bin', NODE_ENV: 'production', A: 'short', TOKEN: 'abc' };
  const headers = { 'User-Agent': 'some-agent/1', Accept: 'application/json' };
  const args = [
    '--verbose=everything',
    'https://a.example/long/path?page=elephant',
    '--path',
    '/x',
  ];
  assert.deepEqual(secrets(entry({ command: 'x', env, args })), []);
  assert.deepEqual(secrets(entry({ url: 'https://a.example', headers })), []);
  assert.deepEqual(secrets(entry({ command: 'x', cwd: '${HOME}' }, { HOME: '/home/alice' })), []);
});

const NAMES: Readonly<Record<string, boolean>> = {
  API_KEY: true,
  'x-api-key': true,
  '--access-token': true,
  dbPassword: true,
  Cookie: true,
  SENTRY_DSN: true,
  GITHUB_PAT: true,
  auth: true,
  keyboard: false,
  token_count: false,
  path: false,
  author: false,
  key: false,
};

for (const [name, expected] of Object.entries(NAMES)) {
  test(`${name} ${expected ? 'names a secret' : 'names no secret'}`, () => {
    assert.equal(isSecretName(name), expected);
  });
}
