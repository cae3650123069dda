import assert from 'node:assert/strict';
import test from 'node:test';
import type { JsonObject } from '../../../src/kernel/json.ts';
import type { Principal } from '../../../src/kernel/principal.ts';
import type { Target } from '../../../src/kernel/target.ts';
import { allow, bearer, caller, child, policyOf, rule, target, tool, type Parts } from './plans.ts';

const READ = tool('files/read');
const dev = caller({ consumer: 'dev', name: 'dev' });

/** Every entry and rule considered, a line each. */
function lines(parts: Parts, by: Principal, about: Target, args?: JsonObject): string[] {
  return policyOf(parts)
    .explain(by, about, args)
    .considered.map(({ id, kind, effect, mode, verdict, why }) =>
      [`${id} (${kind}, ${effect}, ${mode})`, verdict, why].join(' | '),
    );
}

test('an explanation names every entry and rule in order, and why each matters or does not', () => {
  const rules = [
    rule('others', { consumers: ['ops', 'qa'] }),
    rule('elsewhere', { servers: ['git*'] }),
    rule('names', { tools: ['files/write'], toolGroups: ['g'] }),
    rule('hints', { annotations: { readOnlyHint: true } }),
    rule('day', { when: 'tool.name == "read" && now.hour < 22' }),
    rule('seen', { mode: 'shadow' }),
    allow('fails', { when: 'args.path == "x"' }),
    allow('opens', { when: 'principal.name == "dev"' }),
    allow('late'),
  ];
  const groups = { g: { files: ['write'] } };
  assert.deepEqual(lines({ groups, default: { allow: ['g'] }, rules }, dev, READ), [
    'permissions.default (permissions, deny, enforce) | holds | It holds because no entry is for its consumer, its groups or its client; it allows nothing that no group names.',
    'others (rule, deny, enforce) | does not select the caller | It is for the consumers ops, qa, and the caller is dev.',
    'elsewhere (rule, deny, enforce) | does not select the target | Its servers are git*, not files.',
    'names (rule, deny, enforce) | does not select the target | None of its tools files/write and toolGroups g is files/read.',
    'hints (rule, deny, enforce) | does not select the target | Its annotations {"readOnlyHint":true} are not those of files/read.',
    'day (rule, deny, enforce) | condition false | "now.hour < 22" is false.',
    'seen (rule, deny, shadow) | holds | Its selectors hold and it has no condition.',
    'fails (rule, allow, enforce) | condition failed | "args.path == "x"" cannot be evaluated: args has no "path".',
    'opens (rule, allow, enforce) | decides | Its selectors hold and its condition is true.',
    'late (rule, allow, enforce) | holds | Its selectors hold and it has no condition.',
  ]);
});

test('an explanation says why a caller is not selected', () => {
  const rules = [
    allow('claimed', { when: 'client == "x"' }),
    rule('groups', { groups: ['a'] }),
    rule('clients', { clients: ['a', 'b'] }),
    allow('scopes', { scopes: ['s', 't'] }),
  ];
  const by = bearer({ groups: ['b', 'c'], scopes: ['s'] });
  assert.deepEqual(lines({ default: { base: 'block' }, rules }, by, READ).slice(1), [
    'claimed (rule, allow, enforce) | does not select the caller | It allows by what a client calls itself, which counts for nothing while authentication is on.',
    'groups (rule, deny, enforce) | does not select the caller | It is for the groups a, and the caller is in b, c.',
    "clients (rule, deny, enforce) | does not select the caller | It is for the clients a, b, and the caller's is unknown.",
    'scopes (rule, allow, enforce) | lacks scopes | It needs the scopes s, t, and the caller has s.',
  ]);
});

test('an explanation says which entries hold and which of their groups decides', () => {
  const parts: Parts = {
    groups: { g: { files: ['read'] }, all: { files: '*' } },
    consumers: {
      dev: { memberOf: 'team', allow: ['all'] },
      team: { block: ['g'] },
      t: { block: [] },
    },
  };
  const by = caller({ consumer: 'dev', groups: ['t'] });
  assert.deepEqual(lines(parts, by, READ), [
    'consumers.dev (permissions, allow, enforce) | holds | It holds because the caller is the consumer dev; it allows the group all, which has files/read.',
    'consumers.team (permissions, deny, enforce) | decides | It holds because the consumer dev is a member of team; it blocks the group g, which has files/read.',
    'consumers.t (permissions, allow, enforce) | holds | It holds because its token names the group t; it allows all that it does not block.',
  ]);
  assert.match(
    lines(parts, by, child('kid', 'files/read'))[1] ?? '',
    /decides.*blocks the group g, which has files\/read\.$/,
  );
  const narrowed = { clientNames: { Cursor: { base: 'block' } } } as const;
  assert.deepEqual(lines(narrowed, caller({}, 'Cursor'), READ), [
    'permissions.default (permissions, allow, enforce) | holds | It holds because no entry is for its consumer or its groups, and its client may only narrow it; it allows all that it does not block.',
    'clients.Cursor (permissions, deny, enforce) | decides | It holds because its client calls itself Cursor; it allows nothing that no group names.',
  ]);
});

test('the reasons are those of this very caller, also where another one is decided alike', () => {
  const parts: Parts = { consumers: { dev: { block: [] } } };
  const policy = policyOf(parts);
  const byConsumer = policy.explain(dev, READ).considered[0]?.why ?? '';
  const byGroup = policy.explain(bearer({ groups: ['dev'] }), READ).considered[0]?.why ?? '';
  assert.match(byConsumer, /the consumer dev/);
  assert.match(byGroup, /its token names the group dev/);
});

test('an explanation of a custom tool tells when a rule is about the tool it was made from', () => {
  const [, line] = lines(
    { rules: [rule('r', { tools: ['files/read'] })] },
    dev,
    child('kid', 'files/read'),
  );
  assert.equal(
    line,
    'r (rule, deny, enforce) | decides | It is for the tool this one was made from and it has no condition.',
  );
});

test('an explanation of tasks and questions tells what leads to the server, or closes it', () => {
  const shut: Parts = { default: { base: 'block' }, rules: [allow('way', { tools: ['files/x'] })] };
  const [entry, way] = lines(shut, dev, target('task', 'files/1'));
  assert.match(entry ?? '', /holds .* it allows nothing that no group names/);
  assert.equal(way, 'way (rule, allow, enforce) | decides | It opens a way to the server files.');
  const closed: Parts = { rules: [rule('closed'), allow('any', { tools: ['*'] })] };
  const [, deny, other] = lines(closed, dev, target('ask', 'files/sampling'));
  assert.match(deny ?? '', /closed .* decides/);
  assert.match(other ?? '', /does not select the target/);
});

test('an explanation starts with the endpoint in use', () => {
  const groups = { g: { files: ['read'] } };
  const at = caller({ endpoint: 'g' });
  assert.match(
    lines({ groups }, at, READ)[0] ?? '',
    /^endpoint g \(endpoint, allow, enforce\) \| holds \| .* it has files\/read\.$/,
  );
  const outside = lines({ groups }, at, tool('files/write'));
  assert.match(
    outside[0] ?? '',
    /^endpoint g \(endpoint, deny, enforce\) \| decides \| .* it has not files\/write\.$/,
  );
  assert.ok(outside.slice(1).every((line) => !line.includes('decides')));
});

test('an explanation has all of the decision: what is hidden, scopes and shadows', () => {
  const parts: Parts = {
    default: { base: 'block' },
    rules: [allow('s', { scopes: ['x'] }), allow('shadow', { mode: 'shadow' })],
  };
  const { considered, ...decision } = policyOf(parts).explain(bearer(), READ);
  assert.equal(considered.length, 3);
  assert.deepEqual(decision, {
    isAllowed: false,
    rule: 'permissions.default',
    hidden: false,
    scopes: ['x'],
    shadows: ['shadow'],
  });
});
