import assert from 'node:assert/strict';
import test from 'node:test';
import { Denial } from '../../../src/kernel/permit.ts';
import type { Principal } from '../../../src/kernel/principal.ts';
import {
  allow,
  bearer,
  caller,
  isPermitted,
  policyOf,
  rule,
  target,
  told,
  tool,
  type Parts,
} from './plans.ts';

const READ = tool('files/read_text', { readOnlyHint: true });
const DELETE = tool('files/delete', { destructiveHint: true });
const PLAIN = tool('files/plain');
const SHUT: Parts = { default: { base: 'block' } };
const dev = caller({ consumer: 'dev' });

test('a rule that denies wins over permissions and over every rule that allows', () => {
  const policy = policyOf({
    default: { allow: ['g'] },
    groups: { g: { files: '*' } },
    rules: [allow('open'), rule('closed', { tools: ['files/delete'] })],
  });
  assert.equal(told(policy.decide(dev, DELETE)), 'deny closed');
  assert.equal(told(policy.decide(dev, READ)), 'allow permissions.default');
});

test('a rule that allows opens what nothing allowed, and not what a group blocks', () => {
  const rules = [allow('open', { tools: ['files/*'] })];
  assert.equal(told(policyOf({ ...SHUT, rules }).decide(dev, READ)), 'allow open');
  const blocked = { groups: { g: { files: ['read_text'] } }, default: { block: ['g'] }, rules };
  assert.equal(told(policyOf(blocked).decide(dev, READ)), 'deny permissions.default');
  assert.equal(told(policyOf(SHUT).decide(dev, READ)), 'deny permissions.default');
});

test('of several rules the first in order is recorded', () => {
  const denials = [rule('a', { consumers: ['other'] }), rule('b'), rule('c')];
  assert.equal(told(policyOf({ rules: denials }).decide(dev, READ)), 'deny b');
  const openers = [allow('a', { when: 'false' }), allow('b'), allow('c')];
  assert.equal(told(policyOf({ ...SHUT, rules: openers }).decide(dev, READ)), 'allow b');
});

const SELECTED: readonly [
  what: string,
  fields: Parameters<typeof rule>[1],
  by: Principal,
  is: boolean,
][] = [
  ['a consumer by name', { consumers: ['x', 'dev'] }, dev, true],
  ['another consumer', { consumers: ['x'] }, dev, false],
  ['a consumer by name, exactly', { consumers: ['Dev'] }, dev, false],
  ['any consumer', { consumers: ['*'] }, dev, true],
  ['any consumer, where there is none', { consumers: ['*'] }, caller(), false],
  [
    'a consumer by the group it is a member of',
    { consumers: ['team'] },
    caller({ consumer: 'member' }),
    true,
  ],
  [
    'no consumer by a group of its token',
    { consumers: ['team'] },
    bearer({ groups: ['team'] }),
    false,
  ],
  ['a group of the token', { groups: ['x', 'ops'] }, bearer({ groups: ['ops'] }), true],
  [
    'the group the consumer is a member of',
    { groups: ['team'] },
    caller({ consumer: 'member' }),
    true,
  ],
  ['no group', { groups: ['ops'] }, dev, false],
  ['a client by name', { clients: ['Cursor'] }, caller({}, 'Cursor'), true],
  ['another client', { clients: ['Cursor'] }, caller({}, 'cursor'), false],
  ['an unknown client', { clients: ['Cursor'] }, caller(), false],
  ['all scopes', { scopes: ['a', 'b'] }, bearer({ scopes: ['b', 'c', 'a'] }), true],
  ['not all scopes', { scopes: ['a', 'b'] }, bearer({ scopes: ['a'] }), false],
  ['scopes without a token', { scopes: ['a'] }, dev, false],
  [
    'all selectors at once',
    { consumers: ['dev'], groups: ['g'] },
    caller({ consumer: 'dev', groups: ['g'] }),
    true,
  ],
  [
    'one selector of two',
    { consumers: ['dev'], groups: ['h'] },
    caller({ consumer: 'dev', groups: ['g'] }),
    false,
  ],
];

for (const [what, fields, by, is] of SELECTED) {
  test(`a rule selects callers: ${what}`, () => {
    const consumers = { member: { memberOf: 'team' } };
    const policy = policyOf({ consumers, rules: [rule('r', fields)] });
    assert.equal(!isPermitted(policy.decide(by, READ)), is);
  });
}

const FILE = target('resource', 'files/file:///srv/a');
const TEMPLATE = target('template', 'files/file:///srv/{name}');
const PROMPT = target('prompt', 'files/plain');
const TASK = target('task', 'files/');
const ASK = target('ask', 'files/elicitation');
const KINDS = { PLAIN, READ, DELETE, PROMPT, FILE, TEMPLATE, TASK, ASK };
type Kind = keyof typeof KINDS;
const EVERY = Object.keys(KINDS) as Kind[];

const TARGETED: readonly [
  what: string,
  fields: Parameters<typeof rule>[1],
  denied: readonly Kind[],
][] = [
  ['everything without selectors', {}, EVERY],
  ['everything of a server, in any case', { servers: ['FIL*'] }, EVERY],
  ['nothing of another server', { servers: ['other', 'file'] }, []],
  ['tools by name', { tools: ['Files/pl*'] }, ['PLAIN']],
  ['prompts by name', { prompts: ['files/pl*'] }, ['PROMPT']],
  ['resources and templates by URI', { resources: ['files/file:///srv/*'] }, ['FILE', 'TEMPLATE']],
  ['questions by feature', { asks: ['elicitation'] }, ['ASK']],
  ['other questions not', { asks: ['sampling'] }, []],
  ['all questions', { asks: ['*'] }, ['ASK']],
  [
    'one of several naming selectors',
    { tools: ['files/read*'], prompts: ['*'] },
    ['READ', 'PROMPT'],
  ],
  ['a group', { toolGroups: ['g'] }, ['PLAIN', 'PROMPT', 'FILE']],
  ['a template of a group', { toolGroups: ['t'] }, ['TEMPLATE']],
  ['servers narrow what is named', { servers: ['other'], tools: ['*'] }, []],
  ['an annotation, tools only', { annotations: { readOnlyHint: true } }, ['READ']],
  [
    'an annotation that is absent by its default, which for a tool that only reads is harmless',
    { annotations: { destructiveHint: true } },
    ['PLAIN', 'DELETE'],
  ],
  [
    'an annotation that narrows what is named',
    { annotations: { readOnlyHint: false }, tools: ['*'] },
    ['PLAIN', 'DELETE'],
  ],
  [
    'several annotations, all of them',
    { annotations: { readOnlyHint: true, openWorldHint: false } },
    [],
  ],
  ['an annotation no tool has', { annotations: { constructor: true } }, []],
];

for (const [what, fields, denied] of TARGETED) {
  test(`a rule selects targets: ${what}`, () => {
    const groups = {
      g: { files: ['plain', 'file:///srv/a'] },
      t: { files: ['file:///srv/{name}'] },
    };
    const policy = policyOf({ groups, rules: [rule('r', fields)] });
    const found = EVERY.filter((name) => !isPermitted(policy.decide(dev, KINDS[name])));
    assert.deepEqual(
      found,
      EVERY.filter((name) => denied.includes(name)),
    );
  });
}

test('a hint of another type than a truth value counts as absent', () => {
  const lying = tool('files/x', { destructiveHint: 'no', readOnlyHint: null });
  const policy = policyOf({ rules: [rule('r', { annotations: { destructiveHint: true } })] });
  assert.equal(told(policy.decide(dev, lying)), 'deny r');
});

test('an annotation of any type is compared by value', () => {
  const labelled = tool('files/x', { labels: ['a', { b: 1 }] });
  const policy = policyOf({ rules: [rule('r', { annotations: { labels: ['a', { b: 1 }] } })] });
  assert.equal(told(policy.decide(dev, labelled)), 'deny r');
  assert.equal(
    told(policy.decide(dev, tool('files/x', { labels: ['a'] }))),
    'allow permissions.default',
  );
});

test('what cannot be evaluated denies, and does not allow; the record names the rule', () => {
  const broken = [
    'args.path == "x"',
    'args.size > 3',
    'this is no CEL',
    'args.list[9] == 1',
    '1 / 0 == 1',
  ];
  const args = { size: 'large', list: [] };
  for (const when of broken) {
    const denying = policyOf({ rules: [rule('deny', { when })] });
    assert.equal(told(denying.decide(dev, READ, args)), 'deny deny', when);
    const allowing = policyOf({ ...SHUT, rules: [allow('allow', { when })] });
    assert.equal(told(allowing.decide(dev, READ, args)), 'deny allow', when);
  }
});

test('a rule that fails to allow stands in nobody else’s way', () => {
  const rules = [allow('fails', { when: 'args.nope == 1' }), allow('opens', { tools: ['*'] })];
  assert.equal(told(policyOf({ ...SHUT, rules }).decide(dev, READ)), 'allow opens');
  assert.equal(told(policyOf({ rules }).decide(dev, READ)), 'allow permissions.default');
});

test('conditions are about principal, claims, client, tool, args, request and now', () => {
  const principal = bearer({
    consumer: 'member',
    name: 'al',
    groups: ['ops'],
    scopes: ['s'],
    claims: { dept: 'x' },
    endpoint: undefined,
  }).withClient('Cursor');
  const shown = tool('Files/move', { title: 'Move it', readOnlyHint: false });
  const holds = [
    'principal.name == "al" && principal.consumer == "member" && principal.proof == "token"',
    'principal.groups == ["team", "ops"] && principal.scopes == ["s"] && principal.endpoint == ""',
    'claims.dept == "x" && !has(claims.other)',
    'client == "Cursor"',
    'tool.name == "move" && tool.server == "Files" && tool.kind == "tool" && tool.title == "Move it"',
    'tool.annotations.destructiveHint && !tool.annotations.idempotentHint && tool.annotations.openWorldHint',
    'args.deep.list[1] == 2',
    'request.method == "tools/call"',
    'now.hour == 23 && now.minute == 15 && now.day == 15 && now.month == 7 && now.year == 2026',
    'now.weekday == 3 && now.date == "2026-07-15" && now.time == "23:15"',
  ];
  const consumers = { member: { memberOf: 'team' } };
  for (const when of holds) {
    const policy = policyOf({ consumers, rules: [rule('r', { when })] });
    assert.equal(told(policy.decide(principal, shown, { deep: { list: [1, 2] } })), 'deny r', when);
    const refuted = policyOf({ consumers, rules: [rule('r', { when: `!(${when})` })] });
    assert.ok(isPermitted(refuted.decide(principal, shown, { deep: { list: [1, 2] } })), when);
  }
});

test('what is missing is empty, and Sunday is the seventh day', () => {
  const sunday = new Date(2026, 6, 19, 4, 5).getTime();
  const when =
    'principal.consumer == "" && client == "" && claims == {} && principal.scopes == [] && ' +
    'tool.title == "" && now.weekday == 7 && now.time == "04:05"';
  const policy = policyOf({ rules: [rule('r', { when })] }, true, () => sunday);
  assert.equal(told(policy.decide(caller(), PLAIN)), 'deny r');
});

test('a decision asked for without a method is about the usual one of its kind', () => {
  const when = 'request.method == "resources/read"';
  const policy = policyOf({ rules: [rule('r', { when })] });
  assert.equal(told(policy.decide(dev, FILE)), 'deny r');
  assert.ok(isPermitted(policy.decide(dev, FILE, {}, 'resources/subscribe')));
});

test('with authentication on no rule allows by what a client calls itself (R20)', () => {
  const client = caller({}, 'Cursor');
  for (const fields of [{ clients: ['Cursor'] }, { when: 'client == "Cursor"' }]) {
    const opening = { ...SHUT, rules: [allow('open', fields)] };
    assert.ok(!isPermitted(policyOf(opening).decide(client, READ)));
    assert.equal(policyOf(opening).sight(client, READ), 'hidden');
    assert.ok(isPermitted(policyOf(opening, false).decide(client, READ)));
    const closing = policyOf({ rules: [rule('close', fields)] });
    assert.equal(told(closing.decide(client, READ)), 'deny close');
  }
});

test('a rule in shadow mode changes nothing, and is recorded where it would have', () => {
  const shadow = { mode: 'shadow' } as const;
  const rules = [
    rule('would-deny', { ...shadow, tools: ['files/read_text'] }),
    rule('would-fail', { ...shadow, when: 'args.nope' }),
    rule('would-not', { ...shadow, when: 'has(args.nope)' }),
    allow('would-open', shadow),
  ];
  const open = policyOf({ rules }).decide(dev, READ);
  assert.equal(told(open), 'allow permissions.default');
  assert.deepEqual(open.shadows, ['would-deny', 'would-fail']);
  const shut = policyOf({ ...SHUT, rules }).decide(dev, READ);
  assert.equal(told(shut), 'deny permissions.default');
  assert.deepEqual(shut.shadows, ['would-open']);
  const denied = policyOf({ ...SHUT, rules: [...rules, rule('deny')] }).decide(dev, READ);
  assert.equal(told(denied), 'deny deny');
  assert.deepEqual(denied.shadows, []);
});

test('a rule whose only lack is scopes makes a target obtainable by a token that has them (R6)', () => {
  const rules = [
    allow('other', { consumers: ['x'], scopes: ['z'] }),
    allow('first', { scopes: ['read', 'write'], tools: ['files/*'] }),
    allow('second', { scopes: ['admin'] }),
  ];
  const policy = policyOf({ ...SHUT, rules });
  const poor = bearer({ scopes: ['read'] });
  const denial = policy.decide(poor, READ);
  assert.ok(denial instanceof Denial);
  assert.equal(policy.sight(poor, READ), 'by-scope');
  assert.equal(denial.hidden, false);
  assert.deepEqual(denial.scopes, ['read', 'write']);
  assert.equal(denial.rule, 'permissions.default');
  const rich = bearer({ scopes: ['read', 'write'] });
  assert.equal(told(policy.decide(rich, READ)), 'allow first');
  for (const other of [caller(), caller({ consumer: 'x' })]) {
    const hidden = policy.decide(other, READ);
    assert.ok(hidden instanceof Denial && hidden.hidden && hidden.scopes.length === 0);
    assert.equal(policy.sight(other, READ), 'hidden');
  }
});

test('scopes obtain nothing that something denies all the same (R6)', () => {
  const needs = allow('needs', { scopes: ['s'] });
  for (const deny of [rule('deny'), rule('deny-with-scope', { scopes: ['s'] })]) {
    const policy = policyOf({ ...SHUT, rules: [needs, deny] });
    assert.equal(policy.sight(bearer(), READ), 'hidden');
  }
  const never = policyOf({ ...SHUT, rules: [{ ...needs, when: 'principal.name == "x"' }] });
  assert.equal(never.sight(bearer({ name: 'al' }), READ), 'hidden');
  const late = policyOf({ ...SHUT, rules: [{ ...needs, when: 'args.x == 1' }] });
  assert.equal(late.sight(bearer(), READ), 'by-scope');
});
