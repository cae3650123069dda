import assert from 'node:assert/strict';
import test from 'node:test';
import type { Principal } from '../../../src/kernel/principal.ts';
import type { Target } from '../../../src/kernel/target.ts';
import { access, caller, child, policyOf, target, told, tool, type Parts } from './plans.ts';
import { Policy } from '../../../src/policy/policy.ts';

const GROUPS: NonNullable<Parts['groups']> = {
  'read-only': { slack: ['list_channels', 'summary', 'note://week'], calendar: '*' },
  writes: { slack: ['post_message'] },
  admin: { slack: '*' },
};
const LIST = tool('Slack/list_channels');
const POST = tool('Slack/post_message');
const GENERAL = child('post_to_general', 'Slack/post_message');
const PROMPT = target('prompt', 'Slack/summary');
const NOTE = target('resource', 'Slack/note://week');
const OTHER_NOTE = target('resource', 'Slack/note://day');
const CALENDAR = tool('calendar/create_event');
const TARGETS = { LIST, POST, GENERAL, PROMPT, NOTE, OTHER_NOTE, CALENDAR } as const;

type Name = keyof typeof TARGETS;

interface Row {
  readonly what: string;
  readonly parts: Parts;
  readonly principal: Principal;
  readonly isAuthOn?: boolean;
  /** Targets that are allowed; every other one is denied. */
  readonly allowed: readonly Name[];
  /** Id of what decides about `LIST`. */
  readonly rule: string;
}

const EVERYTHING = Object.keys(TARGETS) as Name[];
const READING: readonly Name[] = ['LIST', 'PROMPT', 'NOTE', 'CALENDAR'];
const dev = caller({ consumer: 'dev' });
const nobody = caller();

const ROWS: readonly Row[] = [
  {
    what: 'newest: block nothing is allow all',
    parts: { default: { block: [] } },
    principal: nobody,
    allowed: EVERYTHING,
    rule: 'permissions.default',
  },
  {
    what: 'newest: allow nothing is block all',
    parts: { default: { base: 'block' } },
    principal: nobody,
    allowed: [],
    rule: 'permissions.default',
  },
  {
    what: 'newest: allow a group blocks all else, and names tools, prompts and resources alike',
    parts: { default: { allow: ['read-only'] } },
    principal: nobody,
    allowed: READING,
    rule: 'permissions.default',
  },
  {
    what: 'newest: block a group allows all else; blocking a tool blocks what was made from it',
    parts: { default: { block: ['writes'] } },
    principal: nobody,
    allowed: ['LIST', 'PROMPT', 'NOTE', 'OTHER_NOTE', 'CALENDAR'],
    rule: 'permissions.default',
  },
  {
    what: 'newest: a star blocks tools, custom tools, prompts and resources of a server',
    parts: { default: { block: ['admin'] } },
    principal: nobody,
    allowed: ['CALENDAR'],
    rule: 'permissions.default',
  },
  {
    what: "the consumer's entry goes before the client's and the default",
    parts: {
      default: { base: 'block' },
      clientNames: { Cursor: { base: 'block' } },
      consumers: { dev: { allow: ['read-only'] } },
    },
    principal: caller({ consumer: 'dev' }, 'Cursor'),
    allowed: READING,
    rule: 'consumers.dev',
  },
  {
    what: "without authentication the client's entry goes before the default (R20)",
    parts: { default: { base: 'block' }, clientNames: { Cursor: { block: ['admin'] } } },
    principal: caller({ proof: 'local', credential: 'local' }, 'Cursor'),
    isAuthOn: false,
    allowed: ['CALENDAR'],
    rule: 'clients.Cursor',
  },
  {
    what: 'a client name is compared exactly',
    parts: { default: { base: 'block' }, clientNames: { Cursor: { block: [] } } },
    principal: caller({ proof: 'local', credential: 'local' }, 'cursor'),
    isAuthOn: false,
    allowed: [],
    rule: 'permissions.default',
  },
  {
    what: 'with authentication a client name gives nothing (R20)',
    parts: { default: { base: 'block' }, clientNames: { Cursor: { block: [] } } },
    principal: caller({}, 'Cursor'),
    allowed: [],
    rule: 'permissions.default',
  },
  {
    what: 'with authentication a client name narrows the default (R20)',
    parts: { default: { allow: ['read-only'] }, clientNames: { Cursor: { block: ['admin'] } } },
    principal: caller({}, 'Cursor'),
    allowed: ['CALENDAR'],
    rule: 'clients.Cursor',
  },
  {
    what: 'with authentication a client that allows less narrows the default (R20)',
    parts: { default: { block: ['writes'] }, clientNames: { Cursor: { allow: ['read-only'] } } },
    principal: caller({}, 'Cursor'),
    allowed: READING,
    rule: 'clients.Cursor',
  },
  {
    what: 'consumerGroupKey: the entry of the group holds for its members',
    parts: {
      default: { base: 'block' },
      consumers: { dev: { memberOf: 'team' }, team: { allow: ['read-only'] } },
    },
    principal: dev,
    allowed: READING,
    rule: 'consumers.team',
  },
  {
    what: 'consumerGroupKey: its own entry and that of the group are united',
    parts: {
      consumers: {
        dev: { memberOf: 'team', allow: ['writes'] },
        team: { base: 'block', allow: ['read-only'] },
      },
    },
    principal: dev,
    allowed: [...READING, 'POST'],
    rule: 'consumers.team',
  },
  {
    what: 'consumerGroupKey: a block in the entry of the group wins over its own allow',
    parts: {
      consumers: { dev: { memberOf: 'team', allow: ['admin'] }, team: { block: ['writes'] } },
    },
    principal: dev,
    allowed: ['LIST', 'PROMPT', 'NOTE', 'OTHER_NOTE'],
    rule: 'consumers.dev',
  },
  {
    what: 'consumerGroupKey: membership does not chain',
    parts: {
      default: { base: 'block' },
      consumers: {
        dev: { memberOf: 'team' },
        team: { memberOf: 'company' },
        company: { block: [] },
      },
    },
    principal: dev,
    allowed: [],
    rule: 'permissions.default',
  },
  {
    what: 'consumerGroupKey: without an entry of that name nothing is said, and the default holds',
    parts: { default: { allow: ['read-only'] }, consumers: { dev: { memberOf: 'gone' } } },
    principal: dev,
    allowed: READING,
    rule: 'permissions.default',
  },
  {
    what: 'groups of a token have entries under their names, which are united',
    parts: {
      default: { base: 'block' },
      consumers: { readers: { allow: ['read-only'] }, writers: { allow: ['writes'] } },
    },
    principal: caller({ proof: 'token', groups: ['readers', 'unknown', 'writers'], scopes: [] }),
    allowed: [...READING, 'POST'],
    rule: 'consumers.readers',
  },
  {
    what: 'of several entries one that blocks by default makes the whole block by default',
    parts: { consumers: { dev: { memberOf: 'team', block: [] }, team: { base: 'block' } } },
    principal: dev,
    allowed: [],
    rule: 'consumers.team',
  },
  {
    what: 'first generation: base allow with a blocked profile',
    parts: { default: { base: 'block' }, consumers: { dev: { base: 'allow', block: ['writes'] } } },
    principal: dev,
    allowed: ['LIST', 'PROMPT', 'NOTE', 'OTHER_NOTE', 'CALENDAR'],
    rule: 'consumers.dev',
  },
  {
    what: 'first generation: base block with an allowed profile',
    parts: { consumers: { dev: { base: 'block', allow: ['read-only'] } } },
    principal: dev,
    allowed: READING,
    rule: 'consumers.dev',
  },
  {
    what: 'first generation: both profiles count, and the block wins',
    parts: { consumers: { dev: { base: 'block', allow: ['admin'], block: ['writes'] } } },
    principal: dev,
    allowed: ['LIST', 'PROMPT', 'NOTE', 'OTHER_NOTE'],
    rule: 'consumers.dev',
  },
  {
    what: 'a consumer that no entry is for goes by the default',
    parts: { default: { base: 'block' }, consumers: { dev: { block: [] } } },
    principal: caller({ consumer: 'Dev' }),
    allowed: [],
    rule: 'permissions.default',
  },
  {
    what: 'names of everything in JavaScript are names of nothing here',
    parts: { default: { base: 'block' } },
    principal: caller({ consumer: 'constructor', groups: ['__proto__', 'toString'] }),
    allowed: [],
    rule: 'permissions.default',
  },
];

for (const { what, parts, principal, isAuthOn = true, allowed, rule } of ROWS) {
  test(what, () => {
    const policy = policyOf({ groups: GROUPS, ...parts }, isAuthOn);
    const decided = EVERYTHING.filter((name) =>
      told(policy.decide(principal, TARGETS[name])).startsWith('allow'),
    );
    assert.deepEqual(
      decided,
      EVERYTHING.filter((name) => allowed.includes(name)),
    );
    const seen = EVERYTHING.filter((name) => policy.sight(principal, TARGETS[name]) === 'seen');
    assert.deepEqual(seen, decided, 'lists and calls agree (R5)');
    assert.equal(told(policy.decide(principal, LIST)).split(' ')[1], rule);
  });
}

test('server names are compared in any case, names of tools exactly', () => {
  const policy = policyOf({ groups: { g: { EveryThing: ['echo'] } }, default: { block: ['g'] } });
  const refused = (label: string): boolean =>
    told(policy.decide(nobody, tool(label))).startsWith('deny');
  assert.ok(refused('everything/echo'));
  assert.ok(refused('EVERYTHING/echo'));
  assert.ok(!refused('everything/Echo'));
});

test('servers with names of JavaScript are in no group', () => {
  const policy = policyOf({ groups: { g: { a: '*' } }, default: { allow: ['g'] } });
  for (const label of ['constructor/x', '__proto__/x', 'toString/x'])
    assert.equal(told(policy.decide(nobody, tool(label))), 'deny permissions.default');
});

test('a denial by permissions hides, and names the entry for the record alone', () => {
  const policy = policyOf({ groups: GROUPS, default: { allow: ['read-only'] } });
  const denial = policy.decide(nobody, POST);
  assert.ok('hidden' in denial && denial.hidden);
  assert.equal(denial.rule, 'permissions.default');
  assert.deepEqual(denial.scopes, []);
});

test('the same target object is decided anew under every caller and policy', () => {
  const target_: Target = LIST;
  const open = policyOf({});
  const shut = policyOf({ default: { base: 'block' }, consumers: { dev: { block: [] } } });
  assert.equal(told(open.decide(nobody, target_)), 'allow permissions.default');
  assert.equal(told(shut.decide(nobody, target_)), 'deny permissions.default');
  assert.equal(told(shut.decide(dev, target_)), 'allow consumers.dev');
  assert.equal(told(shut.decide(nobody, target_)), 'deny permissions.default');
});

test('the permit is of the very caller and target that were asked about', () => {
  const policy = new Policy(access({}), { isOn: true }, { now: () => 0 });
  const first = policy.decide(nobody, LIST);
  const second = policy.decide(dev, LIST);
  assert.ok('principal' in first && 'principal' in second);
  assert.equal(first.principal, nobody);
  assert.equal(second.principal, dev);
  assert.equal(second.target, LIST);
});
