import assert from 'node:assert/strict';
import test from 'node:test';
import type { RulePlan } from '../../../src/kernel/access.ts';
import { allow, bearer, caller, isPermitted, policyOf, rule, target, told } from './plans.ts';
import type { Parts } from './plans.ts';

/** Methods that only their server knows: allowed where all of the server is, denied where any part of it is. */

const METHOD = target('extension', 'Lab/x/do');

function isAllowed(parts: Parts): boolean {
  return isPermitted(policyOf(parts).decide(caller(), METHOD, { a: 1 }, 'x/do'));
}

const groups = {
  all: { lab: '*' },
  some: { lab: ['t'] },
  none: { lab: [] },
  other: { else: '*' },
} as const;

test('an extension is allowed where nothing is restricted, and where its whole server is', () => {
  assert.equal(isAllowed({}), true);
  assert.equal(isAllowed({ groups, default: { block: [] } }), true);
});

const entries: readonly (readonly [NonNullable<Parts['default']>, boolean])[] = [
  [{ allow: ['all'] }, true],
  [{ allow: ['some'] }, false],
  [{ allow: ['other'] }, false],
  [{ allow: ['some', 'all'] }, true],
  [{ block: ['all'] }, false],
  [{ block: ['some'] }, false],
  [{ block: ['none'] }, true],
  [{ block: ['other'] }, true],
  [{ base: 'block' }, false],
];
for (const [entry, expected] of entries) {
  test(`permissions ${JSON.stringify(entry)} ${expected ? 'allow' : 'deny'} an extension of the server "lab"`, () => {
    assert.equal(isAllowed({ groups, default: entry }), expected);
  });
}

const denials: readonly (readonly [Partial<RulePlan>, boolean])[] = [
  [{ servers: ['lab'] }, false],
  [{ servers: ['other'] }, true],
  [{ tools: ['lab/drop'] }, false],
  [{ tools: ['other/*'] }, true],
  [{ resources: ['lab/x:*'] }, false],
  [{ annotations: { destructiveHint: true } }, false],
  [{ toolGroups: ['some'] }, false],
  [{ asks: ['sampling'] }, true],
  [{ when: 'tool.name == "drop"' }, false],
  [{ when: 'args.a == 2' }, false],
  [{ when: 'request.method == "tools/call"' }, false],
  [{ when: 'principal.name == "other"' }, true],
];
for (const [fields, expected] of denials) {
  test(`a rule that denies by ${JSON.stringify(fields)} ${expected ? 'leaves' : 'closes'} an extension of the server`, () => {
    assert.equal(isAllowed({ groups, rules: [rule('r', fields)] }), expected);
  });
}

const grants: readonly (readonly [Partial<RulePlan>, boolean])[] = [
  [{ servers: ['lab'] }, true],
  [{}, true],
  [{ servers: ['lab'], tools: ['*'] }, false],
  [{ tools: ['lab/*'] }, false],
  [{ toolGroups: ['all'] }, true],
  [{ toolGroups: ['some'] }, false],
  [{ servers: ['lab'], annotations: { readOnlyHint: true } }, false],
  [{ servers: ['lab'], when: 'args.a == 1' }, false],
  [{ servers: ['lab'], when: 'principal.proof == "api-key"' }, true],
];
for (const [fields, expected] of grants) {
  test(`under a plan that blocks the rest, a rule that allows ${JSON.stringify(fields)} ${expected ? 'opens' : 'does not open'} an extension`, () => {
    assert.equal(
      isAllowed({ groups, default: { base: 'block' }, rules: [allow('r', fields)] }),
      expected,
    );
  });
}

test('at the endpoint of a group there are the extensions of servers that it has as a whole', () => {
  const decide = (endpoint: string): string =>
    told(policyOf({ groups }).decide(caller({ endpoint }), METHOD));
  assert.match(decide('all'), /^allow/u);
  assert.match(decide('some'), /^deny endpoint some/u);
});

test('an extension that is denied is hidden, and one that a scope would open says so (R5, R6)', () => {
  const closed = policyOf({ rules: [rule('r', { tools: ['lab/drop'] })] });
  assert.equal(closed.sight(caller(), METHOD), 'hidden');
  const opened = policyOf({
    default: { base: 'block' },
    rules: [allow('r', { servers: ['lab'], scopes: ['lab:all'] })],
  });
  assert.equal(opened.sight(bearer(), METHOD), 'by-scope');
  assert.equal(opened.sight(bearer({ scopes: ['lab:all'] }), METHOD), 'seen');
});
