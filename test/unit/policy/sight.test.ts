import assert from 'node:assert/strict';
import test from 'node:test';
import { Denial } from '../../../src/kernel/permit.ts';
import type { Principal } from '../../../src/kernel/principal.ts';
import type { JsonObject } from '../../../src/kernel/json.ts';
import { allow, bearer, caller, NIGHT, policyOf, rule, told, tool, type Parts } from './plans.ts';

const dev = caller({ consumer: 'dev', name: 'dev' });
const READ = tool('files/read');
const SHUT: Parts = { default: { base: 'block' } };

function hiddenness(parts: Parts, args: JsonObject): string {
  const policy = policyOf(parts);
  const decision = policy.decide(dev, READ, args);
  const isHidden = decision instanceof Denial ? `hidden ${String(decision.hidden)}` : 'permitted';
  return `${policy.sight(dev, READ)}, ${isHidden}`;
}

test('what some arguments could be permitted is seen, and refused openly for others (R5)', () => {
  const byArgs = 'args.path.startsWith("/srv/" + principal.name + "/")';
  const own = { path: '/srv/dev/x' };
  const other = { path: '/srv/ops/x' };
  const opening = { ...SHUT, rules: [allow('r', { when: byArgs })] };
  assert.equal(hiddenness(opening, own), 'seen, permitted');
  assert.equal(hiddenness(opening, other), 'seen, hidden false');
  assert.equal(hiddenness(opening, {}), 'seen, hidden false');
  const closing = { rules: [rule('r', { when: byArgs })] };
  assert.equal(hiddenness(closing, own), 'seen, hidden false');
  assert.equal(hiddenness(closing, other), 'seen, permitted');
});

test('what no arguments could be permitted is hidden (R5)', () => {
  const never = 'now.hour < 5 && args.path == "x"';
  assert.equal(
    hiddenness({ ...SHUT, rules: [allow('r', { when: never })] }, {}),
    'hidden, hidden true',
  );
  const always = 'now.hour > 5 || args.path == "x"';
  assert.equal(hiddenness({ rules: [rule('r', { when: always })] }, {}), 'hidden, hidden true');
  const failing = 'claims.team == args.team';
  assert.equal(
    hiddenness({ ...SHUT, rules: [allow('r', { when: failing })] }, {}),
    'hidden, hidden true',
  );
  assert.equal(hiddenness({ rules: [rule('r', { when: failing })] }, {}), 'hidden, hidden true');
});

test('a condition on the method is one on what is called (R5)', () => {
  const parts = { rules: [rule('r', { when: 'request.method == "tools/call"' })] };
  assert.equal(hiddenness(parts, {}), 'seen, hidden false');
});

test('a view lasts until the finest unit of the clock that matters to its caller turns (R5)', () => {
  const at = (hour: number, minute: number): number =>
    new Date(2026, 6, 15, hour, minute).getTime();
  const until = (when: string, more = {}): number | undefined =>
    policyOf({ rules: [rule('r', { when, ...more })] }).viewUntil(dev);
  assert.equal(until('args.x == 1'), undefined);
  assert.equal(until('now.minute > 30'), at(23, 16));
  assert.equal(until('now.time > "12:00"'), at(23, 16));
  assert.equal(until('now == {}'), at(23, 16));
  assert.equal(until('now.hour > 22 && args.x == 1'), at(24, 0));
  assert.equal(until('now.weekday > 5 || now.date == "2026-07-15"'), at(24, 0));
  assert.equal(until('now.hour > 22', { consumers: ['x'] }), undefined);
  assert.equal(until('now.hour > 22', { mode: 'shadow' }), undefined);
  const noon = policyOf({ rules: [rule('h', { when: 'now.hour > 1' })] }, true, () => at(12, 5));
  assert.equal(noon.viewUntil(dev), at(13, 0));
  const day = policyOf({ rules: [rule('h', { when: 'now.day > 1' })] }, true, () => at(12, 5));
  assert.equal(day.viewUntil(dev), at(24, 0));
});

test('what depends on the clock is decided by the clock at each call', () => {
  let now = NIGHT;
  const rules = [
    rule('no-writes-at-night', { when: 'tool.annotations.destructiveHint && now.hour >= 22' }),
  ];
  const policy = policyOf({ rules }, true, () => now);
  assert.equal(told(policy.decide(dev, READ)), 'deny no-writes-at-night');
  assert.equal(policy.sight(dev, READ), 'hidden');
  now = new Date(2026, 6, 16, 9).getTime();
  assert.equal(told(policy.decide(dev, READ)), 'allow permissions.default');
  assert.equal(policy.sight(dev, READ), 'seen');
});

test('callers of one class have one key, and what no rule asks for does not part them', () => {
  const policy = policyOf({
    consumers: { dev: { block: [] } },
    rules: [
      rule('claims', { consumers: ['dev'], when: 'claims.team == "x"' }),
      rule('client', { clients: ['Cursor'] }),
      allow('scope', { groups: ['ops'], scopes: ['s'] }),
    ],
  });
  const key = (...given: Parameters<typeof caller>): string => policy.viewKey(caller(...given));
  const one = key({ name: 'al', claims: { a: 1 }, credential: 'key:1' });
  assert.equal(key({ name: 'bo', claims: { a: 2 }, credential: 'key:2', scopes: ['z'] }), one);
  assert.equal(key({}, 'Other'), one);
  assert.notEqual(key({}, 'Cursor'), one);
  assert.notEqual(key({ consumer: 'dev' }), one);
  assert.notEqual(key({ endpoint: 'g' }), one);
  const devs = key({ consumer: 'dev', claims: { team: 'x', other: 1 } });
  assert.equal(key({ consumer: 'dev', claims: { team: 'x', other: 2 } }), devs);
  assert.notEqual(key({ consumer: 'dev', claims: { team: 'y' } }), devs);
  assert.notEqual(
    key({ consumer: 'dev', claims: {} }),
    key({ consumer: 'dev', claims: { team: null } }),
  );
  const ops = policy.viewKey(bearer({ groups: ['ops'] }));
  assert.notEqual(ops, policy.viewKey(bearer({ groups: ['ops'], scopes: ['s'] })));
  assert.equal(ops, policy.viewKey(bearer({ groups: ['ops'], scopes: ['unrelated'] })));
});

test('callers who could obtain different things by scope have different keys (R6)', () => {
  const policy = policyOf({
    ...SHUT,
    rules: [
      allow('first', { scopes: ['a'], when: 'claims.team == "x"' }),
      rule('second', { scopes: ['a', 'b'] }),
    ],
  });
  const team = (name: string, ...scopes: string[]): Principal =>
    bearer({ claims: { team: name }, scopes });
  const cases = [team('x'), team('x', 'b'), team('y')];
  assert.deepEqual(
    cases.map((each) => policy.sight(each, READ)),
    ['by-scope', 'hidden', 'hidden'],
  );
  assert.equal(new Set(cases.map((each) => policy.viewKey(each))).size, 3);
});

test('a key says nothing of what is in claims, and stays the same for the same caller', () => {
  const policy = policyOf({ rules: [rule('r', { when: 'claims.secret == "x"' })] });
  const one = bearer({ claims: { secret: 'hunter2', long: 'x'.repeat(100_000) } });
  const key = policy.viewKey(one);
  assert.match(key, /^\d{1,9}$/);
  for (let index = 0; index < 3_000; index += 1)
    policy.viewKey(bearer({ claims: { secret: index } }));
  assert.equal(policy.viewKey(one), key);
});

test('no key is ever used for two classes, however many there are', () => {
  const policy = policyOf({ rules: [rule('r', { when: 'claims.id == "0"' })] });
  const keys = Array.from({ length: 3_000 }, (_, id) =>
    policy.viewKey(bearer({ claims: { id: String(id) } })),
  );
  assert.equal(new Set(keys).size, keys.length);
  const huge = (mark: string): string =>
    policy.viewKey(bearer({ claims: { id: `${mark}${'x'.repeat(20_000)}` } }));
  assert.notEqual(huge('a'), huge('b'));
});
