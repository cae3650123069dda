import assert from 'node:assert/strict';
import test from 'node:test';
import { load, lines, planOf } from './plan-from.ts';

const NEWEST = `
permissions:
  default: { block: [] }
  consumers:
    developers: { consumerGroupKey: dev-team, allow: [read-only] }
    dev-team: { block: [read-only] }
    guests: { consumerGroupKey: dev-team }
  clientNames:
    Cursor: { block: [admin] }
toolGroups:
  - { name: read-only, services: { slack: [list_channels], calendar: "*" } }
  - { name: admin, services: { slack: "*" } }
auth: { enabled: true, header: x-lunar-api-key }
toolExtensions:
  services:
    slack:
      post_message:
        childTools:
          - name: post_to_general
            description: { action: rewrite, text: Posts to general. }
            overrideParams: { channel: { value: general } }
targetServerAttributes: { slack: { inactive: false } }
`;

const FIRST = `
permissions:
  base: allow
  consumers:
    admin: { base: allow, profiles: { block: [writes] } }
    dev: { base: block, profiles: { allow: [read-only] } }
    guest: { profiles: { block: [writes] } }
toolGroups:
  - { name: read-only, services: { slack: [list_channels] } }
  - { name: writes, services: { slack: [post_message] } }
toolExtensions:
  services:
    slack:
      post_message:
        childTools:
          - { name: a, overrideParams: { channel: general } }
          - { name: b, description: { append: Only to general. } }
`;

const slack = { mcpServers: { slack: { command: 'x' } } };

test('the newest generation is understood, and every rule not enforced yet refuses to start (R19)', () => {
  const result = load({ app: NEWEST, servers: slack });
  assert.equal(result.plan, undefined);
  assert.deepEqual(placesOfRefusals(result.problems), [
    [4, 'permissions.consumers'],
    [8, 'permissions.clientNames'],
    [10, 'toolGroups'],
    [13, 'auth.enabled'],
    [14, 'toolExtensions'],
  ]);
});

test('the first generation is understood, and every rule not enforced yet refuses to start (R19)', () => {
  const result = load({ app: FIRST, servers: slack });
  assert.equal(result.plan, undefined);
  assert.deepEqual(placesOfRefusals(result.problems), [
    [4, 'permissions.consumers'],
    [8, 'toolGroups'],
    [11, 'toolExtensions'],
  ]);
});

const OPEN: readonly string[] = [
  'auth: { enabled: false }',
  'auth: { header: x-key }',
  'permissions: {}',
  'permissions: { default: { block: [] } }',
  'permissions: { base: allow, consumers: {} }',
  'permissions: { default: { block: [] }, consumers: {}, clientNames: {} }\ntoolGroups: []',
  'toolExtensions: { services: {} }',
  'targetServerAttributes: { slack: { inactive: false } }',
];

for (const app of OPEN) {
  test(`${JSON.stringify(app)} closes nothing and starts (R19)`, () => {
    assert.ok(planOf({ app, servers: slack }));
  });
}

const CLOSED: readonly [app: string, path: string][] = [
  ['permissions: { default: { allow: [] } }', 'permissions.default'],
  ['permissions: { base: block }', 'permissions.base'],
  ['permissions: { consumers: { a: { consumerGroupKey: b } } }', 'permissions.consumers'],
  ['permissions: { clientNames: { a: { block: [] } } }', 'permissions.clientNames'],
  ['auth: { enabled: true }', 'auth.enabled'],
  ['toolGroups: [{ name: a, services: {} }]', 'toolGroups'],
  ['toolExtensions: { services: { a: {} } }', 'toolExtensions'],
  ['server: { tls: { cert: a.pem, key: b.pem } }', 'server.tls'],
];

for (const [app, path] of CLOSED) {
  test(`${JSON.stringify(app)} is not enforced yet and refuses to start (R19)`, () => {
    const result = load({ app });
    assert.equal(result.plan, undefined);
    assert.deepEqual(placesOfRefusals(result.problems), [[1, path]]);
  });
}

for (const name of ['API_KEY', 'AUTH_KEY']) {
  for (const value of ['secret', '']) {
    test(`${name} set to ${JSON.stringify(value)} refuses to start (R19)`, () => {
      const { plan, problems } = load({ env: { [name]: value } });
      assert.equal(plan, undefined);
      assert.deepEqual(
        problems.map(({ file, severity }) => [file, severity]),
        [[name, 'error']],
      );
    });
  }

  test(`${name} beside auth.enabled: false is an error of its own (R19)`, () => {
    const { plan, problems } = load({ env: { [name]: 'secret' }, app: 'auth:\n  enabled: false' });
    assert.equal(plan, undefined);
    const own = problems.find(({ path }) => path === 'auth.enabled');
    assert.equal(own?.line, 2);
    assert.match(own?.message ?? '', new RegExp(`switched off here, but ${name} is set`));
  });
}

for (const host of ['0.0.0.0', '::', '192.168.1.5', 'mcp.example.com', '127.evil.example']) {
  test(`listening on ${host} refuses to start while callers are not checked (R19)`, () => {
    const { plan, problems } = load({ env: { MCPX_HOST: host } });
    assert.equal(plan, undefined);
    assert.equal(problems[0]?.file, 'MCPX_HOST');
  });
}

for (const host of ['127.0.0.1', '127.8.8.8', '::1', '[::1]', 'localhost']) {
  test(`listening on ${host} is for this machine alone and starts (R19)`, () => {
    assert.ok(planOf({ env: { MCPX_HOST: host } }));
  });
}

const BAD: readonly [app: string, expected: RegExp][] = [
  [
    'permissions:\n  consumers:\n    a: { allow: [], block: [] }',
    /^error 3:5 permissions.consumers.a: Both/m,
  ],
  ['permissions: { default: { allow: [], block: [] } }', /^error 1:16 permissions.default: Both/m],
  ['permissions: { default: {} }', /permissions.default: Nothing is said here/],
  [
    'permissions: { consumers: { a: { base: allow, block: [] } } }',
    /consumers.a: .*one of the two forms/,
  ],
  [
    'permissions: { base: allow, default: { block: [] } }',
    /permissions.base: .*keep one of the two/,
  ],
  ['permissions: { clientNames: { a: { base: allow } } }', /clientNames.a.base: "base" is no key/],
  ['permissions: { consumers: { a: { alow: [] } } }', /consumers.a.alow: .*Did you mean "allow"/],
  [
    'permissions: { consumers: { a: { allow: } } }',
    /consumers.a.allow: This is empty; give a list/,
  ],
  ['permissions: { base: deny }', /permissions.base: Give one of: allow, block/],
  [
    'permissions: { default: { block: [reed] } }\ntoolGroups: [{ name: read, services: {} }]',
    /default.block\[0\]: No tool group is named "reed". Did you mean "read"/,
  ],
  [
    'permissions: { consumers: { a: { profiles: { allow: [x] } } } }',
    /profiles.allow\[0\]: No tool group is named "x"/,
  ],
  [
    'toolGroups:\n- { name: a, services: {} }\n- { name: a, services: {} }',
    /^error 3:11 toolGroups\[1\].name: .*line 2/m,
  ],
  [
    'toolGroups: [{ name: a, services: { slack: all } }]',
    /services.slack: Give "\*" or a list of names/,
  ],
  ['toolGroups: [{ services: {} }]', /toolGroups\[0\].name: This is missing/],
  ['auth: { header: "x key" }', /auth.header: Give the name of an HTTP header/],
  [
    'toolExtensions: { services: { s: { t: { childTools: [{ nam: x }] } } } }',
    /childTools\[0\].name: This is missing/,
  ],
  [
    'toolExtensions: { services: { s: { t: { childTools: [{ name: x, description: { action: drop, text: a } }] } } } }',
    /description: Give an action/,
  ],
  [
    'targetServerAttributes: { s: { inactive: "true" } }',
    /s.inactive: Write true or false, without quotes/,
  ],
];

for (const [app, expected] of BAD) {
  test(`${JSON.stringify(app)} is an error in its place`, () => {
    assert.match(lines(load({ app })).join('\n'), expected);
  });
}

test('with the groups themselves in error, references to them are not', () => {
  const result = load({
    app: 'permissions: { default: { block: [a] } }\ntoolGroups: [{ name: a }]',
  });
  assert.doesNotMatch(lines(result).join('\n'), /No tool group/);
});

type Problems = ReturnType<typeof load>['problems'];

/** Where rules that are not enforced yet were refused; any other problem fails the test. */
function placesOfRefusals(problems: Problems): [number | undefined, string][] {
  return problems.map(({ severity, line, path, message }) => {
    assert.equal(severity, 'error');
    assert.match(message, /not enforced yet/);
    return [line, path];
  });
}
