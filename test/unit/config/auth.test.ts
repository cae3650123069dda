import assert from 'node:assert/strict';
import test from 'node:test';
import type { AuthPlan, IssuerPlan } from '../../../src/kernel/access.ts';
import { lines, load, planOf } from './plan-from.ts';

const KEY = 'a-key-of-sixteen-or-more';
const PUBLIC = 'server: { publicUrl: "https://mcp.example.com" }\n';

const OFF: AuthPlan = {
  isOn: false,
  header: 'x-lunar-api-key',
  sharedKey: undefined,
  issuers: [],
  admins: { consumers: [], groups: [] },
  hasPublicMetrics: false,
};

const ISSUER: IssuerPlan = {
  issuer: 'https://login.example.com',
  audience: [
    'https://mcp.example.com',
    'https://mcp.example.com/',
    'https://mcp.example.com/mcp',
    'https://mcp.example.com/sse',
  ],
  algorithms: ['RS256', 'ES256', 'EdDSA', 'PS256'],
  consumerClaim: undefined,
  groupsClaim: undefined,
  consumers: undefined,
  requiredScopes: [],
  jwksUri: undefined,
  clockToleranceSec: 30,
};

test('a file with only auth: is valid, and its header is known in lower case', () => {
  const app =
    'auth: { enabled: true, header: X-My-Key, admins: { consumers: [ops], groups: [sre] } }';
  const { auth, access } = planOf({ app, env: { API_KEY: KEY } });
  assert.deepEqual(auth, {
    ...OFF,
    isOn: true,
    header: 'x-my-key',
    sharedKey: KEY,
    admins: { consumers: ['ops'], groups: ['sre'] },
  });
  assert.equal(access.default.base, 'allow');
});

for (const name of ['API_KEY', 'AUTH_KEY']) {
  test(`${name} alone switches authentication on (R19)`, () => {
    const { plan, problems } = load({ env: { [name]: ` ${KEY}\r\n` } });
    assert.deepEqual(lines({ problems }), []);
    assert.deepEqual(plan?.auth, { ...OFF, isOn: true, sharedKey: KEY });
  });

  test(`${name} beside auth.enabled: false is a start error (R19)`, () => {
    const { plan, problems } = load({ env: { [name]: KEY }, app: 'auth:\n  enabled: false' });
    assert.equal(plan, undefined);
    assert.equal(problems.length, 1);
    assert.match(lines({ problems })[0] ?? '', /^error 2:12 auth.enabled: .*switched off here/);
    assert.match(problems[0]?.message ?? '', new RegExp(`but ${name} is set`));
  });

  for (const value of ['', '  ']) {
    test(`${name} set to ${JSON.stringify(value)} is an error: somebody wanted a key there (R19)`, () => {
      const { plan, problems } = load({ env: { [name]: value } });
      assert.equal(plan, undefined);
      assert.match(lines({ problems }).join('\n'), new RegExp(`^error ${name} : .*set to nothing`));
    });
  }

  test(`${name} with a character no header can carry is an error that does not quote it`, () => {
    const { plan, problems } = load({ env: { [name]: 'sixteen schlüssel' } });
    assert.equal(plan, undefined);
    assert.match(problems[0]?.message ?? '', /no HTTP header can carry/);
    assert.doesNotMatch(problems[0]?.message ?? '', /schl/);
  });

  test(`${name} shorter than 16 characters is a warning that does not quote it`, () => {
    const { plan, problems } = load({ env: { [name]: 'opensesame12345' } });
    assert.equal(plan?.auth.sharedKey, 'opensesame12345');
    assert.match(lines({ problems }).join('\n'), new RegExp(`^warning ${name} : .*15 characters`));
    assert.doesNotMatch(problems[0]?.message ?? '', /sesame/);
  });
}

test('API_KEY and AUTH_KEY may both be set to the same key, not to different ones', () => {
  assert.deepEqual(load({ env: { API_KEY: KEY, AUTH_KEY: KEY } }).problems, []);
  const { plan, problems } = load({ env: { API_KEY: KEY, AUTH_KEY: `${KEY}x` } });
  assert.equal(plan, undefined);
  assert.match(lines({ problems }).join('\n'), /^error AUTH_KEY : This differs from API_KEY/);
});

test('authentication that nobody could pass yet is a warning that names the way in', () => {
  const { plan, problems } = load({ app: 'auth:\n  enabled: true' });
  assert.equal(plan?.auth.isOn, true);
  assert.match(lines({ problems }).join('\n'), /^warning 2:3 auth.enabled: .*mcpx keys create/);
});

test('an issuer of tokens switches authentication on, and stands for this gateway alone (R18)', () => {
  const app = `${PUBLIC}auth: { jwt: [{ issuer: "https://login.example.com" }] }`;
  const { plan, problems } = load({ app });
  assert.deepEqual(lines({ problems }), []);
  assert.deepEqual(plan?.auth, { ...OFF, isOn: true, issuers: [ISSUER] });
});

test('all of an issuer can be set', () => {
  const app = `${PUBLIC}
auth:
  jwt:
    - issuer: http://localhost:4000/realms/a
      audience: [a, b]
      algorithms: [Ed25519]
      consumerClaim: sub
      groupsClaim: realm.roles
      consumers: [alice]
      requiredScopes: [mcp]
      jwksUri: http://127.0.0.1:4000/jwks
      clockToleranceSec: 0
    - { issuer: "http://[::1]:4000", audience: a }
`;
  assert.deepEqual(planOf({ app }).auth.issuers, [
    {
      issuer: 'http://localhost:4000/realms/a',
      audience: ['a', 'b'],
      algorithms: ['Ed25519'],
      consumerClaim: 'sub',
      groupsClaim: 'realm.roles',
      consumers: ['alice'],
      requiredScopes: ['mcp'],
      jwksUri: 'http://127.0.0.1:4000/jwks',
      clockToleranceSec: 0,
    },
    { ...ISSUER, issuer: 'http://[::1]:4000', audience: ['a'] },
  ]);
});

test('a slash at the end of publicUrl makes no other audience', () => {
  const app = `server: { publicUrl: "https://mcp.example.com/" }
auth: { jwt: [{ issuer: "https://login.example.com" }] }`;
  assert.deepEqual(planOf({ app }).auth.issuers[0]?.audience, ISSUER.audience);
});

test('issuers beside auth.enabled: false are kept, for whom they bind, and said to be idle (R20)', () => {
  const app = `${PUBLIC}auth: { enabled: false, jwt: [{ issuer: "https://login.example.com" }] }`;
  const { plan, problems } = load({ app });
  assert.deepEqual(plan?.auth, { ...OFF, issuers: [ISSUER] });
  assert.match(
    lines({ problems }).join('\n'),
    /^warning 2:9 auth.enabled: .*no token is looked at/,
  );
});

test('issuers need a public address, also with audiences of their own: the error shows the line to add', () => {
  for (const more of ['', ', audience: a']) {
    const app = `auth:\n  jwt: [{ issuer: "https://login.example.com"${more} }]`;
    const { plan, problems } = load({ app });
    assert.equal(plan, undefined);
    assert.match(lines({ problems }).join('\n'), /^error 2:3 auth.jwt: /);
    assert.match(problems[0]?.message ?? '', /under "server":\n  publicUrl: https:/);
  }
});

test('with the section server in error, its public address is not called missing', () => {
  const app = 'server: { publicUrl: x }\nauth: { jwt: [{ issuer: "https://login.example.com" }] }';
  assert.doesNotMatch(lines(load({ app })).join('\n'), /auth.jwt/);
});

const BAD: readonly [issuer: string, expected: RegExp][] = [
  ['{}', /^error 4:7 auth.jwt\[0\].issuer: This is missing/m],
  ['{ issuer: login.example.com }', /jwt\[0\].issuer: Give a whole address/],
  ['{ issuer: "http://login.example.com" }', /^error 4:17 auth.jwt\[0\].issuer: Give an https/m],
  ['{ issuer: "http://127.evil.example" }', /jwt\[0\].issuer: Give an https address/],
  ['{ issuer: "ftp://localhost" }', /jwt\[0\].issuer: Give an https address/],
  ['{ issuer: "https://u:p@a.example" }', /jwt\[0\].issuer: There can be no login/],
  ['{ issuer: "https://a.example/?x" }', /jwt\[0\].issuer: Give the address without "\?"/],
  ['{ issuer: "https://a", jwksUri: "http://a/keys" }', /jwt\[0\].jwksUri: Give an https address/],
  ['{ issuer: "https://a", algorithms: [none] }', /algorithms\[0\]: This is no signature/],
  [
    '{ issuer: "https://a", algorithms: [RS256, HS256] }',
    /algorithms\[1\]: This signs with a secret/,
  ],
  ['{ issuer: "https://a", algorithms: [RS257] }', /algorithms\[0\]: Give one of: RS256, /],
  ['{ issuer: "https://a", algorithms: [] }', /jwt\[0\].algorithms: This list is empty/],
  ['{ issuer: "https://a", audience: [] }', /jwt\[0\].audience: This list is empty/],
  ['{ issuer: "https://a", audience: 5 }', /jwt\[0\].audience: Give a text or a list of texts/],
  ['{ issuer: "https://a", clockToleranceSec: 301 }', /clockToleranceSec: The greatest value/],
  ['{ issuer: "https://a", requiredScopes: ["a b"] }', /requiredScopes\[0\]: Give one scope/],
  ['{ issuer: "https://a", claim: sub }', /jwt\[0\].claim: "claim" is no key known here/],
  [
    '{ issuer: "https://a" }\n    - { issuer: "https://a" }',
    /^error 5:17 auth.jwt\[1\].issuer: .*line 4/m,
  ],
];

for (const [issuer, expected] of BAD) {
  test(`an issuer ${JSON.stringify(issuer)} is an error in its place`, () => {
    const result = load({ app: `${PUBLIC}auth:\n  jwt:\n    - ${issuer}` });
    assert.equal(result.plan, undefined);
    assert.match(lines(result).join('\n'), expected);
  });
}

const BAD_AUTH: readonly [app: string, expected: RegExp][] = [
  ['auth: { header: "x key" }', /^error 1:17 auth.header: Give the name of an HTTP header/m],
  ['auth: { header: Authorization }', /auth.header: This header has another meaning/],
  ['auth: { header: x-lunar-consumer-tag }', /auth.header: This header has another meaning/],
  ['auth: { enable: true }', /auth.enable: .*Did you mean "enabled"/],
  ['auth: { admins: [ops] }', /auth.admins: Expected a mapping/],
];

for (const [app, expected] of BAD_AUTH) {
  test(`${JSON.stringify(app)} is an error in its place`, () => {
    const result = load({ app });
    assert.equal(result.plan, undefined);
    assert.match(lines(result).join('\n'), expected);
  });
}
