import assert from 'node:assert/strict';
import test from 'node:test';
import type { RulePlan } from '../../../src/kernel/access.ts';
import { Denial } from '../../../src/kernel/permit.ts';
import {
  allow,
  bearer,
  caller,
  child,
  policyOf,
  rule,
  target,
  told,
  tool,
  type Parts,
} from './plans.ts';

const dev = caller({ consumer: 'dev' });
const SHUT: Parts = { default: { base: 'block' } };
const GROUPS: NonNullable<Parts['groups']> = {
  all: { Files: '*' },
  some: { files: ['read'] },
  none: { files: [] },
  other: { other: '*' },
};

function open(id: string, fields: Partial<RulePlan> = {}): Parts {
  return { ...SHUT, rules: [allow(id, fields)] };
}

const REACHED: readonly [what: string, parts: Parts, reached: boolean, by: string][] = [
  ['where all is allowed', {}, true, 'permissions.default'],
  ['where all is blocked', SHUT, false, 'permissions.default'],
  ['where it is blocked as a whole', { default: { block: ['all'] } }, false, 'permissions.default'],
  ['where a part is blocked', { default: { block: ['some'] } }, true, 'permissions.default'],
  ['where a group has a part of it', { default: { allow: ['some'] } }, true, 'permissions.default'],
  [
    'where a group has nothing of it',
    { default: { base: 'block', allow: ['none', 'other'] } },
    false,
    'permissions.default',
  ],
  [
    'where a group has it and another blocks it',
    { default: { allow: ['some'], block: ['all'] } },
    false,
    'permissions.default',
  ],
  ['where a rule may open something', open('r', { tools: ['FILES/x'] }), true, 'r'],
  ['where a rule may open a resource', open('r', { resources: ['f*/x'] }), true, 'r'],
  ['where a rule may open a group', open('r', { toolGroups: ['some'] }), true, 'r'],
  [
    'where a rule may open by annotation',
    open('r', { annotations: { readOnlyHint: true } }),
    true,
    'r',
  ],
  [
    'where a rule opens another server',
    open('r', { tools: ['other/*'] }),
    false,
    'permissions.default',
  ],
  [
    'where a rule is narrowed to another server',
    open('r', { servers: ['other'] }),
    false,
    'permissions.default',
  ],
  ['where a rule opens questions alone', open('r', { asks: ['*'] }), false, 'permissions.default'],
  [
    'where a rule may open by arguments',
    open('r', { when: 'args.x == 1 && tool.name == "a"' }),
    true,
    'r',
  ],
  [
    'where a rule opens at another hour',
    open('r', { when: 'now.hour < 5' }),
    false,
    'permissions.default',
  ],
  ['where a rule is for others', open('r', { consumers: ['x'] }), false, 'permissions.default'],
  [
    'where a rule in shadow mode would open',
    open('r', { mode: 'shadow' }),
    false,
    'permissions.default',
  ],
  ['where a rule denies all of it', { rules: [rule('d', { servers: ['files'] })] }, false, 'd'],
  [
    'where a rule denies all of another',
    { rules: [rule('d', { servers: ['x'] })] },
    true,
    'permissions.default',
  ],
  [
    'where a rule denies all tools',
    { rules: [rule('d', { tools: ['files/*'] })] },
    true,
    'permissions.default',
  ],
  [
    'where a rule denies by annotation',
    { rules: [rule('d', { annotations: { readOnlyHint: false } })] },
    true,
    'permissions.default',
  ],
  [
    'where a rule in shadow mode would deny',
    { rules: [rule('d', { mode: 'shadow' })] },
    true,
    'permissions.default',
  ],
];

for (const [what, parts, reached, by] of REACHED) {
  test(`a server is ${reached ? '' : 'not '}reached ${what}, and its tasks and questions with it`, () => {
    const policy = policyOf({ groups: GROUPS, ...parts });
    assert.equal(policy.reaches(dev, 'Files'), reached);
    for (const kind of ['task', 'ask'] as const) {
      const decision = policy.decide(dev, target(kind, 'Files/elicitation'));
      assert.equal(told(decision), `${reached ? 'allow' : 'deny'} ${by}`);
      assert.equal(policy.sight(dev, target(kind, 'Files/x')), reached ? 'seen' : 'hidden');
    }
  });
}

test('a rule denies tasks and questions without naming anything, and questions by their feature (R7)', () => {
  const task = target('task', 'files/1');
  const elicit = target('ask', 'files/elicitation');
  const sample = target('ask', 'files/sampling');
  const decided = (fields: Partial<RulePlan>): string => {
    const policy = policyOf({ rules: [rule('d', fields)] });
    return [task, elicit, sample]
      .map((each) => told(policy.decide(dev, each)).split(' ')[0])
      .join(' ');
  };
  assert.equal(decided({}), 'deny deny deny');
  assert.equal(decided({ asks: ['sampling'] }), 'allow allow deny');
  assert.equal(decided({ asks: ['*'], servers: ['files'] }), 'allow deny deny');
  assert.equal(decided({ tools: ['*'], prompts: ['*'], resources: ['*'] }), 'allow allow allow');
  assert.equal(decided({ annotations: { destructiveHint: true } }), 'allow allow allow');
  assert.equal(decided({ when: 'args.nope == 1' }), 'deny deny deny');
  assert.equal(
    decided({ when: 'request.method == "sampling/createMessage"' }),
    'allow allow allow',
  );
  const limited = policyOf({
    rules: [rule('d', { asks: ['sampling'], when: 'args.maxTokens > 1000' })],
  });
  assert.equal(told(limited.decide(dev, sample, { maxTokens: 2000 })), 'deny d');
  assert.equal(told(limited.decide(dev, sample, { maxTokens: 10 })), 'allow permissions.default');
});

test('a rule that allows questions opens none where the server is not reached otherwise (R7)', () => {
  const ask = target('ask', 'files/sampling');
  const rules = [allow('ask', { asks: ['sampling'] })];
  assert.equal(told(policyOf({ ...SHUT, rules }).decide(dev, ask)), 'deny permissions.default');
  const reached = [...rules, allow('way', { tools: ['files/read'] })];
  assert.equal(told(policyOf({ ...SHUT, rules: reached }).decide(dev, ask)), 'allow way');
});

test('whether a server is reached is asked anew each time', () => {
  let now = new Date(2026, 6, 15, 3).getTime();
  const policy = policyOf(open('night', { tools: ['*'], when: 'now.hour < 5' }), true, () => now);
  const task = target('task', 'files/1');
  assert.equal(told(policy.decide(dev, task)), 'allow night');
  now = new Date(2026, 6, 15, 12).getTime();
  assert.equal(told(policy.decide(dev, task)), 'deny permissions.default');
  assert.equal(policy.sight(dev, task), 'hidden');
});

test('with authentication on, a client name can only take the way to a server (R20)', () => {
  const client = caller({}, 'Cursor');
  const shut: Parts = { ...SHUT, clientNames: { Cursor: { base: 'allow' } } };
  assert.equal(policyOf(shut).reaches(client, 'files'), false);
  assert.equal(policyOf(shut, false).reaches(client, 'files'), true);
  const narrowed: Parts = { clientNames: { Cursor: { base: 'block' } } };
  assert.equal(policyOf(narrowed).reaches(client, 'files'), false);
});

test('at the endpoint of a group nothing else exists, whatever permissions and rules say', () => {
  const groups = { g: { files: ['read', 'file:///a'], all: '*' } } as const;
  const policy = policyOf({ groups, rules: [allow('r')] });
  const at = caller({ endpoint: 'g' });
  const outside = policy.decide(at, tool('files/write'));
  assert.ok(outside instanceof Denial && outside.hidden);
  assert.equal(outside.rule, 'endpoint g');
  assert.equal(policy.sight(at, tool('files/write')), 'hidden');
  assert.equal(told(policy.decide(at, tool('files/read'))), 'allow permissions.default');
  assert.equal(
    told(policy.decide(at, target('resource', 'files/file:///a'))),
    'allow permissions.default',
  );
  assert.equal(
    told(policy.decide(at, target('resource', 'files/file:///b/../a'))),
    'deny endpoint g',
  );
  assert.equal(told(policy.decide(at, child('kid', 'files/read'))), 'deny endpoint g');
  assert.equal(told(policy.decide(at, child('kid', 'all/read'))), 'allow permissions.default');
  assert.deepEqual(
    ['files', 'all', 'other'].map((each) => policy.reaches(at, each)),
    [true, true, false],
  );
  assert.equal(told(policy.decide(at, target('task', 'files/1'))), 'allow permissions.default');
  assert.equal(told(policy.decide(at, target('ask', 'other/sampling'))), 'deny endpoint g');
});

test('at the endpoint of a group that does not exist there is nothing', () => {
  const policy = policyOf({});
  for (const name of ['gone', 'constructor']) {
    const at = caller({ endpoint: name });
    assert.equal(told(policy.decide(at, tool('files/read'))), `deny endpoint ${name}`);
    assert.equal(policy.reaches(at, 'files'), false);
  }
});

test('an endpoint gives nothing that the same caller has not elsewhere', () => {
  const groups = { g: { files: '*' } } as const;
  const rules = [
    rule('d', { tools: ['files/write'] }),
    allow('s', { scopes: ['x'], tools: ['other/*'] }),
  ];
  const policy = policyOf({ groups, default: { base: 'block', allow: ['g'] }, rules });
  const at = bearer({ endpoint: 'g' });
  assert.equal(told(policy.decide(at, tool('files/write'))), 'deny d');
  assert.equal(policy.sight(at, tool('other/x')), 'hidden');
  assert.equal(policy.sight(bearer(), tool('other/x')), 'by-scope');
});
