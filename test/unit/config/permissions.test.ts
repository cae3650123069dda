import assert from 'node:assert/strict';
import test from 'node:test';
import type { AccessPlan, GrantPlan } from '../../../src/kernel/access.ts';
import { lines, load, planOf, serversNamed } from './plan-from.ts';

const SERVERS = serversNamed('slack', 'calendar');

const GROUPS = `
toolGroups:
  - { name: read-only, services: { slack: [list_channels], calendar: "*" } }
  - { name: writes, services: { slack: [post_message] } }
  - { name: admin, services: { slack: "*" } }
`;

const NEWEST = `
permissions:
  default: { block: [] }
  consumers:
    developers: { consumerGroupKey: dev-team, allow: [read-only] }
    dev-team: { block: [writes] }
    guests: { consumerGroupKey: dev-team }
  clientNames:
    Cursor: { block: [admin] }
${GROUPS}`;

const FIRST = `
permissions:
  base: block
  consumers:
    admin: { base: allow, profiles: { block: [writes] } }
    dev: { base: block, profiles: { allow: [read-only] } }
    both: { base: allow, profiles: { allow: [read-only], block: [writes] } }
    guest: { profiles: { allow: [read-only] } }
    plain: { base: allow }
${GROUPS}`;

test('the newest generation means what it says: allow blocks the rest, block allows the rest', () => {
  const { access } = planOf({ app: NEWEST, servers: SERVERS });
  assert.deepEqual(access.default, grant('default', 'allow'));
  assert.deepEqual(access.consumers, {
    developers: {
      grant: grant('consumers.developers', 'block', { allow: ['read-only'] }),
      memberOf: 'dev-team',
    },
    'dev-team': {
      grant: grant('consumers.dev-team', 'allow', { block: ['writes'] }),
      memberOf: undefined,
    },
    guests: { grant: undefined, memberOf: 'dev-team' },
  });
  assert.deepEqual(access.clientNames, {
    Cursor: grant('clientNames.Cursor', 'allow', { block: ['admin'] }),
  });
});

test('the first generation means what it says: base and profiles, and the global base where a consumer has none', () => {
  const { access } = planOf({ app: FIRST, servers: SERVERS });
  assert.deepEqual(access.default, grant('base', 'block'));
  assert.deepEqual(grantsOf(access), {
    admin: grant('consumers.admin', 'allow', { block: ['writes'] }),
    dev: grant('consumers.dev', 'block', { allow: ['read-only'] }),
    both: grant('consumers.both', 'allow', { allow: ['read-only'], block: ['writes'] }),
    guest: grant('consumers.guest', 'block', { allow: ['read-only'] }),
    plain: grant('consumers.plain', 'allow'),
  });
});

test('older and newer entries stand beside each other, and an older one without a base has that of the default', () => {
  const app = `
permissions:
  default: { allow: [read-only] }
  consumers:
    old: { profiles: { allow: [writes] } }
${GROUPS}`;
  const { access } = planOf({ app, servers: SERVERS });
  assert.deepEqual(access.default, grant('default', 'block', { allow: ['read-only'] }));
  assert.deepEqual(grantsOf(access), {
    old: grant('consumers.old', 'block', { allow: ['writes'] }),
  });
});

const DEFAULTS: readonly [app: string, expected: GrantPlan][] = [
  ['', grant('default', 'allow')],
  ['auth: { enabled: false }', grant('default', 'allow')],
  ['permissions:', grant('default', 'allow')],
  ['permissions: {}', grant('default', 'allow')],
  ['permissions: { consumers: {} }', grant('default', 'allow')],
  ['permissions: { default: { block: [] } }', grant('default', 'allow')],
  ['permissions: { default: { allow: [] } }', grant('default', 'block')],
  ['permissions: { base: allow }', grant('base', 'allow')],
  ['permissions: { base: block }', grant('base', 'block')],
];

for (const [app, expected] of DEFAULTS) {
  test(`${JSON.stringify(app)} gives the default ${expected.id} ${expected.base}`, () => {
    assert.deepEqual(planOf({ app }).access.default, expected);
  });
}

test('names that are no plain words stand in the id as they would be looked for in the file', () => {
  const app =
    'permissions: { consumers: { "dev team": { block: [] }, constructor: { allow: [] } } }';
  const { access } = planOf({ app });
  assert.deepEqual(grantsOf(access), {
    'dev team': grant('consumers["dev team"]', 'allow'),
    constructor: grant('consumers.constructor', 'block'),
  });
});

test('groups know their servers in lower case, and keep names of things as they are', () => {
  const app = `
toolGroups:
  - { name: Mixed, services: { SLACK: [List_Channels, "slack://Channels"], Calendar: "*" } }
`;
  const { plan, problems } = load({ app, servers: serversNamed('Slack', 'calendar') });
  assert.deepEqual(lines({ problems }), []);
  assert.deepEqual(plan?.access.groups, {
    Mixed: {
      name: 'Mixed',
      services: { slack: ['List_Channels', 'slack://Channels'], calendar: '*' },
    },
  });
});

const NOTED: readonly [app: string, expected: string | RegExp][] = [
  [
    'permissions: { consumers: { a: { consumerGroupKey: dev-taem }, dev-team: { block: [] } } }',
    /^warning 1:34 permissions.consumers.a.consumerGroupKey: No entry of permissions.consumers is named "dev-taem".* Did you mean "dev-team"/,
  ],
  [
    'toolGroups:\n- { name: a, services: { slck: "*" } }',
    /^warning 2:26 toolGroups\[0\].services.slck: No server is named "slck". Did you mean "slack"/,
  ],
  [
    'targetServerAttributes: { calender: { inactive: true } }',
    /^warning 1:27 targetServerAttributes.calender: .*Did you mean "calendar"/,
  ],
];

for (const [app, expected] of NOTED) {
  test(`${JSON.stringify(app)} is a warning in its place`, () => {
    const { plan, problems } = load({ app, servers: SERVERS });
    assert.ok(plan);
    assert.equal(problems.length, 1);
    assert.match(lines({ problems })[0] ?? '', new RegExp(expected));
  });
}

test('with mcp.json itself in error, no server is called unknown', () => {
  const app = 'toolGroups: [{ name: a, services: { slack: "*" } }]';
  const servers = { mcpServers: { slack: { command: 1 } } };
  assert.doesNotMatch(lines(load({ app, servers })).join('\n'), /No server is named/);
});

test('two servers whose names differ in case alone are an error', () => {
  const servers =
    '{"mcpServers": {\n"Everything": {"command": "x"},\n"everything": {"command": "x"}}}';
  const result = load({ servers });
  assert.equal(result.plan, undefined);
  assert.match(lines(result)[0] ?? '', /^error 3:1 .*"everything" and "Everything" \(line 2\)/);
});

const BAD: readonly [app: string, expected: RegExp][] = [
  [
    'permissions:\n  consumers:\n    a: { allow: [], block: [] }',
    /^error 3:5 permissions.consumers.a: Both "allow" and "block"/m,
  ],
  ['permissions: { default: { allow: [], block: [] } }', /^error 1:16 permissions.default: Both/m],
  [
    'permissions:\n  clientNames:\n    Cursor:\n      allow: []\n      block: []',
    /^error 3:5 permissions.clientNames.Cursor: Both/m,
  ],
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
    'toolGroups:\n- name: a\n  services:\n    Slack: "*"\n    slack: [x]',
    /^error 5:5 toolGroups\[0\].services.slack: .*"Slack" \(line 4\) are the same server/m,
  ],
  [
    'toolGroups: [{ name: a, services: { slack: all } }]',
    /services.slack: Give "\*" or a list of names/,
  ],
  [
    'toolGroups: [{ name: a, services: { slack: [1] } }]',
    /services.slack\[0\]: Expected a text; put it in quotes/,
  ],
  ['toolGroups: [{ services: {} }]', /toolGroups\[0\].name: This is missing/],
  [
    'targetServerAttributes: { s: { inactive: "true" } }',
    /s.inactive: Write true or false, without quotes/,
  ],
];

for (const [app, expected] of BAD) {
  test(`${JSON.stringify(app)} is an error in its place`, () => {
    const result = load({ app, servers: SERVERS });
    assert.equal(result.plan, undefined);
    assert.match(lines(result).join('\n'), expected);
  });
}

test('with the groups themselves in error, references to them are not', () => {
  const result = load({
    app: 'permissions: { default: { block: [a] } }\ntoolGroups: [{ name: a }]',
  });
  assert.doesNotMatch(lines(result).join('\n'), /No tool group/);
});

function grant(
  place: string,
  base: GrantPlan['base'],
  groups: { readonly allow?: string[]; readonly block?: string[] } = {},
): GrantPlan {
  return { id: `permissions.${place}`, base, allow: [], block: [], ...groups };
}

function grantsOf({ consumers }: AccessPlan): Record<string, GrantPlan | undefined> {
  return Object.fromEntries(Object.entries(consumers).map(([name, { grant }]) => [name, grant]));
}
