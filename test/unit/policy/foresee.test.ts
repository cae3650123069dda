import assert from 'node:assert/strict';
import test from 'node:test';
import { allow, bearer, caller, child, policyOf, rule, target, tool, type Parts } from './plans.ts';

const READ = tool('files/read');
const SHUT: Parts = { default: { base: 'block' } };
const dev = caller({ consumer: 'dev', name: 'dev' });
const NOTHING = { args: undefined, hasClaims: false };

function foreseen(
  parts: Parts,
  known: Parameters<ReturnType<typeof policyOf>['foresee']>[2],
): string {
  const { decision, rule: id } = policyOf(parts).foresee(dev, READ, known);
  return `${decision} ${id}`;
}

test('what does not depend on arguments is foreseen without them', () => {
  assert.equal(foreseen({}, NOTHING), 'allow permissions.default');
  assert.equal(foreseen(SHUT, NOTHING), 'deny permissions.default');
  const rules = [
    allow('a', { when: 'args.x == 1' }),
    allow('b'),
    rule('c', { when: 'claims.x == 1 && false' }),
  ];
  assert.equal(foreseen({ ...SHUT, rules }, NOTHING), 'allow b');
  const denied = [
    rule('a', { when: 'args.x == 1' }),
    rule('b', { when: 'args.x == 2 || now.hour > 22' }),
  ];
  assert.equal(foreseen({ rules: denied }, NOTHING), 'deny b');
});

test('what does is undecidable, and names the rule and what was not recorded', () => {
  const rules = [allow('sure', { when: 'false' }), allow('open', { when: 'args.x == 1' })];
  const policy = policyOf({ ...SHUT, rules });
  assert.deepEqual(policy.foresee(dev, READ, NOTHING), {
    decision: 'undecidable',
    rule: 'open',
    why: 'open depends on arguments, which were not recorded.',
  });
  const both = policyOf({ rules: [rule('r', { when: 'args.x == claims.x' })] });
  assert.match(
    both.foresee(dev, READ, NOTHING).why,
    /^r depends on arguments and claims, which were/,
  );
  const claims = { args: { x: 1 }, hasClaims: false };
  assert.match(both.foresee(dev, READ, claims).why, /^r depends on claims, which were/);
});

test('with arguments and claims it is what the decision is', () => {
  const rules = [rule('r', { when: 'args.x == claims.x && request.method == "tools/call"' })];
  const policy = policyOf({ rules });
  const by = bearer({ claims: { x: 1 } });
  const known = { args: { x: 1 }, hasClaims: true };
  assert.equal(policy.foresee(by, READ, known).decision, 'deny');
  assert.equal(policy.foresee(by, READ, { ...known, args: { x: 2 } }).decision, 'allow');
  assert.equal(
    policy.foresee(by, READ, { ...known, method: 'completion/complete' }).decision,
    'allow',
  );
});

test('a custom tool that may be allowed by its own name is undecidable', () => {
  const rules = [
    rule('parent', { tools: ['files/read'] }),
    allow('named', { tools: ['files/kid'], when: 'args.x == 1' }),
  ];
  const { decision, rule: id } = policyOf({ rules }).foresee(
    dev,
    child('kid', 'files/read'),
    NOTHING,
  );
  assert.equal(`${decision} ${id}`, 'undecidable named');
});

test('whether a server is reached may depend on claims that were not recorded', () => {
  const task = target('task', 'files/1');
  const way = policyOf({ ...SHUT, rules: [allow('way', { tools: ['*'], when: 'claims.x == 1' })] });
  assert.equal(way.foresee(dev, task, { args: {}, hasClaims: false }).decision, 'undecidable');
  assert.equal(way.foresee(dev, task, { args: {}, hasClaims: true }).decision, 'deny');
  const closed = policyOf({ rules: [rule('c', { when: 'claims.x == 1' })] });
  assert.equal(closed.foresee(dev, task, { args: {}, hasClaims: false }).decision, 'undecidable');
  const open = policyOf({ ...SHUT, rules: [allow('way', { tools: ['*'], when: 'args.x == 1' })] });
  assert.equal(open.foresee(dev, task, { args: {}, hasClaims: false }).decision, 'allow');
});
