import assert from 'node:assert/strict';
import test from 'node:test';
import {
  allow,
  caller,
  child,
  isPermitted,
  policyOf,
  rule,
  told,
  tool,
  type Parts,
} from './plans.ts';

const PARENT = tool('slack/post');
const CHILD = child('post_general', 'slack/post');
const SIBLING = child('post_random', 'slack/post');
const dev = caller({ consumer: 'dev' });
const SHUT: Parts = { default: { base: 'block' } };
const GROUPS: NonNullable<Parts['groups']> = {
  parent: { slack: ['post'] },
  child: { slack: ['post_general'] },
  all: { slack: '*' },
};

/** Which of the three are allowed. */
function allowed(parts: Parts): string {
  const policy = policyOf({ groups: GROUPS, ...parts });
  const named = { parent: PARENT, child: CHILD, sibling: SIBLING };
  return Object.entries(named)
    .filter(([, target]) => isPermitted(policy.decide(dev, target)))
    .map(([name]) => name)
    .join(' ');
}

const CASES: readonly [what: string, parts: Parts, allowed: string][] = [
  ['blocking the parent blocks its children', { default: { block: ['parent'] } }, ''],
  ['blocking a child leaves the others', { default: { block: ['child'] } }, 'parent sibling'],
  ['a star blocks parents and children', { default: { block: ['all'] } }, ''],
  ['a star allows parents and children', { default: { allow: ['all'] } }, 'parent child sibling'],
  [
    'allowing the parent by name does not allow its children',
    { default: { allow: ['parent'] } },
    'parent',
  ],
  [
    'allowing a child allows neither parent nor sibling',
    { default: { allow: ['child'] } },
    'child',
  ],
  [
    'a child allowed by name outweighs a block of its parent',
    { default: { allow: ['child'], block: ['parent'] } },
    'child',
  ],
  [
    'a child allowed by a star does not outweigh a block of its parent',
    { default: { allow: ['all'], block: ['parent'] } },
    '',
  ],
  [
    'a child allowed by name outweighs a block of its parent, also where a star allows it too',
    { default: { allow: ['all', 'child'], block: ['parent'] } },
    'child',
  ],
  [
    'a block by star is a block of the child itself, whatever allows it by name',
    {
      default: { allow: ['child'], block: ['all'] },
      rules: [allow('r', { tools: ['slack/post_general'] })],
    },
    '',
  ],
  [
    'a block of the child itself stands, whatever allows it by name',
    { default: { block: ['child'] }, rules: [allow('r', { tools: ['slack/post_general'] })] },
    'parent sibling',
  ],
  [
    'names of one applicable entry outweigh a block of another one',
    {
      consumers: {
        dev: { memberOf: 'team', base: 'allow', block: ['parent'] },
        team: { base: 'allow', allow: ['child'] },
      },
    },
    'child',
  ],
  [
    'a rule that denies the parent denies its children',
    { rules: [rule('r', { tools: ['slack/post'] })] },
    '',
  ],
  [
    'a rule that denies a group denies the children of what is in it',
    { rules: [rule('r', { toolGroups: ['parent'] })] },
    '',
  ],
  [
    'a child allowed by name in a group outweighs a rule about its parent',
    { default: { allow: ['child'], base: 'allow' }, rules: [rule('r', { tools: ['slack/post'] })] },
    'child',
  ],
  [
    'a child allowed by name in a rule outweighs a rule about its parent',
    {
      rules: [rule('r', { tools: ['slack/post'] }), allow('n', { tools: ['*/post_general'] })],
    },
    'child',
  ],
  [
    'a child allowed by a pattern does not outweigh a rule about its parent',
    { rules: [rule('r', { tools: ['slack/post'] }), allow('n', { tools: ['slack/post_*'] })] },
    '',
  ],
  [
    'a name in a rule that is not for the caller outweighs nothing',
    {
      rules: [
        rule('r', { tools: ['slack/post'] }),
        allow('n', { tools: ['slack/post_general'], consumers: ['x'] }),
      ],
    },
    '',
  ],
  [
    'a name in a rule whose condition does not hold outweighs nothing',
    {
      rules: [
        rule('r', { tools: ['slack/post'] }),
        allow('n', { tools: ['slack/post_general'], when: 'now.hour < 12' }),
      ],
    },
    '',
  ],
  [
    'a name in a rule in shadow mode outweighs nothing',
    {
      rules: [
        rule('r', { tools: ['slack/post'] }),
        allow('n', { tools: ['slack/post_general'], mode: 'shadow' }),
      ],
    },
    '',
  ],
  [
    'a rule that denies the child itself stands, whatever allows it by name',
    {
      default: { allow: ['child'], base: 'allow' },
      rules: [rule('r', { tools: ['slack/post*'] })],
    },
    '',
  ],
  [
    'a rule by name opens a child whose parent permissions block',
    { default: { block: ['parent'] }, rules: [allow('n', { tools: ['slack/post_general'] })] },
    'child',
  ],
  [
    'a rule that allows the parent by name does not allow its children',
    { ...SHUT, rules: [allow('r', { tools: ['slack/post'] })] },
    'parent',
  ],
];

for (const [what, parts, expected] of CASES) {
  test(`custom tools: ${what}`, () => assert.equal(allowed(parts), expected));
}

test('what would outweigh a block is recorded when it is in shadow mode', () => {
  const rules = [
    rule('closed', { tools: ['slack/post'] }),
    allow('named', { tools: ['slack/post_general'], mode: 'shadow' }),
    allow('pattern', { tools: ['slack/post_*'], mode: 'shadow' }),
  ];
  const decision = policyOf({ rules }).decide(dev, CHILD);
  assert.equal(told(decision), 'deny closed');
  assert.deepEqual(decision.shadows, ['named']);
});

test('a client that is allowed a child by name does not undo what the default blocks (R20)', () => {
  const parts: Parts = {
    groups: GROUPS,
    default: { block: ['parent'] },
    clientNames: { Cursor: { base: 'allow', allow: ['child'] } },
  };
  const client = caller({}, 'Cursor');
  assert.ok(!isPermitted(policyOf(parts).decide(client, CHILD)));
  assert.ok(isPermitted(policyOf(parts, false).decide(client, CHILD)));
  const given: Parts = {
    ...parts,
    default: { base: 'allow', allow: ['child'] },
    clientNames: { Cursor: { block: [] } },
    rules: [rule('r', { tools: ['slack/post'] })],
  };
  assert.ok(isPermitted(policyOf(given).decide(client, CHILD)));
  const narrowed: Parts = {
    ...given,
    rules: [allow('r', { tools: ['slack/post_*'] })],
    clientNames: { Cursor: { block: ['parent'] } },
  };
  assert.ok(!isPermitted(policyOf(narrowed).decide(client, CHILD)));
  const claimed: Parts = {
    ...given,
    default: { base: 'allow' },
    clientNames: { Cursor: { base: 'allow', allow: ['child'] } },
  };
  assert.ok(!isPermitted(policyOf(claimed).decide(client, CHILD)));
});

test('a rule that denies is judged about the parent as well, with the annotations of either', () => {
  const tame = child('list', 'slack/post', { destructiveHint: false, readOnlyHint: true });
  const byAnnotation = policyOf({ rules: [rule('r', { annotations: { destructiveHint: true } })] });
  assert.equal(told(byAnnotation.decide(dev, tame)), 'deny r');
  const byCondition = policyOf({
    rules: [rule('r', { when: 'tool.annotations.destructiveHint' })],
  });
  assert.equal(told(byCondition.decide(dev, tame)), 'deny r');
  const byName = policyOf({ rules: [rule('r', { when: 'tool.name == "post"' })] });
  assert.equal(told(byName.decide(dev, tame)), 'deny r');
  const opened = policyOf({
    ...SHUT,
    rules: [allow('r', { annotations: { readOnlyHint: true } })],
  });
  assert.equal(told(opened.decide(dev, tame)), 'allow r');
  assert.equal(told(opened.decide(dev, PARENT)), 'deny permissions.default');
});

test('a custom tool of its parent’s name is blocked with it', () => {
  const same = child('post', 'slack/post');
  assert.ok(
    !isPermitted(policyOf({ groups: GROUPS, default: { block: ['parent'] } }).decide(dev, same)),
  );
});
