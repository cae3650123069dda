import assert from 'node:assert/strict';
import test from 'node:test';
import type { RulePlan } from '../../../src/kernel/access.ts';
import { lines, load, planOf, serversNamed } from './plan-from.ts';

const SERVERS = serversNamed('github', 'filesystem');
const ON = { API_KEY: 'a-key-of-sixteen-or-more' };

/** A rule that selects everything, for tests to differ from. */
const PLAIN: RulePlan = {
  id: 'r',
  effect: 'deny',
  mode: 'enforce',
  consumers: undefined,
  groups: undefined,
  clients: undefined,
  scopes: undefined,
  servers: undefined,
  annotations: undefined,
  tools: undefined,
  prompts: undefined,
  resources: undefined,
  asks: undefined,
  toolGroups: undefined,
  when: undefined,
};

test('rules keep their order, and what they do not say stays open', () => {
  const app = `
rules:
  - { id: no-writes-at-night, effect: deny, consumers: [agents], tools: ["github/*"], when: "tool.annotations.destructiveHint && now.hour >= 22", mode: enforce }
  - { id: own-folder, effect: allow, groups: [dev], tools: ["filesystem/read_*"], when: "args.path.startsWith('/srv/' + principal.name + '/')" }
  - { id: 1.0_a-b, effect: deny, mode: shadow }
`;
  const { plan, problems } = load({ app, servers: SERVERS });
  assert.deepEqual(lines({ problems }), []);
  assert.deepEqual(plan?.access.rules, [
    {
      ...PLAIN,
      id: 'no-writes-at-night',
      consumers: ['agents'],
      tools: ['github/*'],
      when: 'tool.annotations.destructiveHint && now.hour >= 22',
    },
    {
      ...PLAIN,
      id: 'own-folder',
      effect: 'allow',
      groups: ['dev'],
      tools: ['filesystem/read_*'],
      when: "args.path.startsWith('/srv/' + principal.name + '/')",
    },
    { ...PLAIN, id: '1.0_a-b', mode: 'shadow' },
  ]);
});

test('every selector is taken over as it is written', () => {
  const app = `
toolGroups: [{ name: g, services: {} }]
rules:
  - id: r
    effect: deny
    consumers: ["*", ci]
    clients: [Cursor]
    groups: [dev]
    scopes: ["repo:read", "https://a.example/all"]
    servers: [GitHub, "file*"]
    prompts: ["github/review", "*"]
    resources: ["filesystem/file:///srv/*", "*/mailto:a"]
    asks: [elicitation, "*"]
    toolGroups: [g]
  - { id: r2, effect: deny, annotations: { destructiveHint: true, tier: 1, title: x } }
`;
  const [first, second] = planOf({ app, servers: SERVERS }).access.rules;
  assert.deepEqual(first, {
    ...PLAIN,
    consumers: ['*', 'ci'],
    clients: ['Cursor'],
    groups: ['dev'],
    scopes: ['repo:read', 'https://a.example/all'],
    servers: ['GitHub', 'file*'],
    prompts: ['github/review', '*'],
    resources: ['filesystem/file:///srv/*', '*/mailto:a'],
    asks: ['elicitation', '*'],
    toolGroups: ['g'],
  });
  assert.deepEqual(second?.annotations, { destructiveHint: true, tier: 1, title: 'x' });
});

const BAD: readonly [rule: string, expected: RegExp][] = [
  ['{ effect: deny }', /^error 2:5 rules\[0\].id: This is missing/m],
  ['{ id: r }', /rules\[0\].effect: This is missing; give one of: allow, deny/],
  ['{ id: "a b", effect: deny }', /rules\[0\].id: Use letters, digits/],
  ['{ id: permissions.default, effect: deny }', /rules\[0\].id: Entries of permissions/],
  ['{ id: r, effect: block }', /rules\[0\].effect: Give one of: allow, deny/],
  ['{ id: r, effect: deny, mode: audit }', /rules\[0\].mode: Give one of: enforce, shadow/],
  ['{ id: r, effect: deny, consumer: [a] }', /rules\[0\].consumer: .*Did you mean "consumers"/],
  ['{ id: r, effect: deny, consumers: [] }', /rules\[0\].consumers: This list is empty; name/],
  ['{ id: r, effect: deny, tools: [] }', /rules\[0\].tools: This list is empty; name/],
  ['{ id: r, effect: deny, asks: [samplng] }', /asks\[0\]: Give one of: .*Did you mean "sampling"/],
  ['{ id: r, effect: deny, scopes: ["a b"] }', /scopes\[0\]: Give one scope/],
  ['{ id: r, effect: deny, annotations: {} }', /annotations: Nothing stands here/],
  ['{ id: r, effect: deny, annotations: { a: [1] } }', /annotations.a: Give true, false, a text/],
  [
    '{ id: r, effect: deny, annotations: { a: 1 }, prompts: ["*"] }',
    /rules\[0\].prompts: Only tools have annotations/,
  ],
  [
    '{ id: r, effect: deny, tools: [read_file] }',
    /^error 2:\d+ rules\[0\].tools\[0\]: "read_file" names no server: write "<server>\/read_file", or "\*\/read_file" for every server/m,
  ],
  [
    '{ id: r, effect: deny, tools: [/x] }',
    /tools\[0\]: "\/x" names no server: write "<server>\/x"/,
  ],
  ['{ id: r, effect: deny, tools: [""] }', /tools\[0\]: "" names no server/],
  [
    '{ id: r, effect: deny, prompts: [github/] }',
    /prompts\[0\]: "github\/" names nothing of its server: write "github\/<name>", or "github\/\*" for all of it/,
  ],
  [
    '{ id: r, effect: deny, resources: ["file:///srv/*"] }',
    /resources\[0\]: "file:\/\/\/srv\/\*" names no server: write "<server>\/file:\/\/\/srv\/\*"/,
  ],
  ['{ id: r, effect: deny, toolGroups: [grup] }', /toolGroups\[0\]: .*Did you mean "group"/],
  ['{ id: r, effect: deny, when: "" }', /rules\[0\].when: This must not be empty/],
];

for (const [rule, expected] of BAD) {
  test(`a rule ${rule} is an error in its place`, () => {
    const app = `rules:\n  - ${rule}\ntoolGroups: [{ name: group, services: {} }]`;
    const result = load({ app, servers: SERVERS });
    assert.equal(result.plan, undefined);
    assert.match(lines(result).join('\n'), expected);
  });
}

test('two rules of one id are an error that names the line of the first', () => {
  const app = 'rules:\n- { id: r, effect: deny }\n- { effect: allow, id: r }';
  assert.match(lines(load({ app })).join('\n'), /^error 3:24 rules\[1\].id: "r" .*line 2/m);
});

test('a condition that cannot be compiled is an error at the condition itself', () => {
  const app = 'rules:\n  - id: r\n    effect: deny\n    when: "args.path == && "';
  const result = load({ app });
  assert.equal(result.plan, undefined);
  assert.match(lines(result).join('\n'), /^error 4:11 rules\[0\].when: \S/m);
});

test('with authentication on, no allow rule rests on what a client calls itself (R20)', () => {
  const rule = (effect: string, more: string): string =>
    `rules:\n  - { id: r, effect: ${effect}, ${more} }`;
  const clients = 'clients: [Cursor]';
  const condition = 'when: "client == \'Cursor\'"';
  assert.match(
    lines(load({ app: rule('allow', clients), env: ON })).join('\n'),
    /^error 2:29 rules\[0\].clients: A client gives itself its name, which proves nothing/m,
  );
  assert.match(
    lines(load({ app: rule('allow', condition), env: ON })).join('\n'),
    /^error 2:35 rules\[0\].when: /m,
  );
  for (const more of [clients, condition]) {
    assert.ok(planOf({ app: rule('deny', more), env: ON }));
    assert.ok(planOf({ app: rule('allow', more) }));
  }
});

test('a rule for a server nobody configured, or for scopes nobody has, is a warning', () => {
  const app = `rules:
  - { id: a, effect: deny, servers: [githib, "x*"], tools: [filsystem/x, "y*/x", "*"] }
  - { id: b, effect: allow, scopes: [all] }`;
  const { plan, problems } = load({ app, servers: SERVERS });
  assert.ok(plan);
  assert.deepEqual(
    problems.map(({ severity, line, path }) => [severity, line, path]),
    [
      ['warning', 2, 'rules[0].servers[0]'],
      ['warning', 2, 'rules[0].tools[0]'],
      ['warning', 3, 'rules[1].scopes'],
    ],
  );
  assert.match(problems[0]?.message ?? '', /Did you mean "github"/);
});
