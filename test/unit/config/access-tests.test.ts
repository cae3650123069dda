import assert from 'node:assert/strict';
import test from 'node:test';
import type { AccessCheck, AccessTest } from '../../../src/kernel/access.ts';
import { lines, load, planOf, serversNamed } from './plan-from.ts';

const SERVERS = serversNamed('slack', 'files');

test('tests keep their lines, and their items may be texts or mappings', () => {
  const app = `tests:
  - name: developers read
    consumer: alice
    may: [slack/list_channels, { tool: files/read, args: { path: /a, n: 1 } }]
    mayNot:
      - { prompt: slack/summary }
      - { resource: "slack://nothing/x", args: {} }
  - { mayNot: [slack/post_message] }
`.replace('slack://nothing/x', 'files/file:///*.md');
  const { plan, problems } = load({ app, servers: SERVERS });
  assert.deepEqual(lines({ problems }), []);
  assert.deepEqual(plan?.access.tests, [
    {
      ...NOBODY,
      name: 'developers read',
      line: 2,
      caller: { ...NOBODY.caller, consumer: 'alice' },
      checks: [
        check(true, 'tool', 'slack/list_channels'),
        { ...check(true, 'tool', 'files/read'), args: { path: '/a', n: 1 } },
        check(false, 'prompt', 'slack/summary'),
        { ...check(false, 'resource', 'files/file:///*.md'), args: {} },
      ],
    },
    {
      ...NOBODY,
      name: 'tests[1]',
      line: 8,
      checks: [check(false, 'tool', 'slack/post_message')],
    },
  ]);
});

test('a caller can have everything a token and a client can say', () => {
  const app = `
tests:
  - groups: [dev]
    scopes: [read]
    client: Cursor
    claims: { team: { id: 7 } }
    at: 2026-01-31T22:30:00+01:00
    may: [{ tool: slack/x, annotations: { destructiveHint: false } }]
`;
  const [only] = planOf({ app, servers: SERVERS }).access.tests;
  assert.deepEqual(only?.caller, {
    consumer: undefined,
    groups: ['dev'],
    scopes: ['read'],
    client: 'Cursor',
    claims: { team: { id: 7 } },
  });
  assert.equal(only?.at, Date.UTC(2026, 0, 31, 21, 30));
  assert.deepEqual(only?.checks[0]?.annotations, { destructiveHint: false });
});

test('a moment without an offset is one of local time', () => {
  const [only] = planOf({
    app: 'tests: [{ at: 2026-01-31T22:30, may: [slack/x] }]',
    servers: SERVERS,
  }).access.tests;
  assert.equal(only?.at, new Date(2026, 0, 31, 22, 30).getTime());
});

const BAD: readonly [test: string, expected: RegExp][] = [
  ['{}', /^error 2:5 tests\[0\]: Nothing is asserted here/m],
  ['{ may: [], mayNot: [] }', /tests\[0\]: Nothing is asserted here/],
  ['{ may: [x] }', /tests\[0\].may\[0\]: "x" names no server: write "<server>\/x"\./],
  ['{ may: [slack/] }', /tests\[0\].may\[0\]: "slack\/" names nothing of its server/],
  ['{ may: ["slack/*"] }', /tests\[0\].may\[0\]: A test asks about one thing/],
  ['{ may: [{ tool: "*/x" }] }', /tests\[0\].may\[0\].tool: A test asks about one thing/],
  ['{ may: [5] }', /tests\[0\].may\[0\]: Give "server\/tool", or a mapping/],
  ['{ mayNot: [{ args: {} }] }', /tests\[0\].mayNot\[0\]: Give exactly one of/],
  ['{ mayNot: [{ tool: a/b, prompt: a/b }] }', /tests\[0\].mayNot\[0\]: Give exactly one of/],
  ['{ may: [{ tol: a/b }] }', /tests\[0\].may\[0\].tol: .*Did you mean "tool"/],
  ['{ may: [{ tool: a/b, args: 5 }] }', /tests\[0\].may\[0\].args: Expected a mapping/],
  ['{ may: [a/b], at: tomorrow }', /tests\[0\].at: Give a date and a time, such as/],
  ['{ may: [a/b], at: 2026-02-30T10:00 }', /tests\[0\].at: Give a date and a time/],
  ['{ may: [a/b], consumers: [c] }', /tests\[0\].consumers: .*Did you mean "consumer"/],
];

for (const [text, expected] of BAD) {
  test(`a test ${text} is an error in its place`, () => {
    const result = load({ app: `tests:\n  - ${text}`, servers: serversNamed('slack', 'a') });
    assert.equal(result.plan, undefined);
    assert.match(lines(result).join('\n'), expected);
  });
}

test('a test about a server nobody configured is a warning', () => {
  const app = 'tests:\n- may: [slak/x]\n  mayNot: [{ tool: flies/x }]';
  const { plan, problems } = load({ app, servers: SERVERS });
  assert.ok(plan);
  assert.deepEqual(
    problems.map(({ severity, line, path }) => [severity, line, path]),
    [
      ['warning', 2, 'tests[0].may[0]'],
      ['warning', 3, 'tests[0].mayNot[0].tool'],
    ],
  );
});

const NOBODY: AccessTest = {
  name: '',
  line: undefined,
  caller: {
    consumer: undefined,
    groups: [],
    scopes: [],
    client: undefined,
    claims: undefined,
  },
  at: undefined,
  checks: [],
};

function check(isAllowed: boolean, kind: AccessCheck['kind'], target: string): AccessCheck {
  return { isAllowed, kind, target, args: undefined, annotations: undefined };
}
