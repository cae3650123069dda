import assert from 'node:assert/strict';
import test from 'node:test';
import { performance } from 'node:perf_hooks';
import type { Json, JsonObject } from '../../../src/kernel/json.ts';
import type { Target } from '../../../src/kernel/target.ts';
import { allow, caller, isPermitted, policyOf, rule, told, tool } from './plans.ts';

const READ = tool('files/read');
const dev = caller();
const MILLION = 1_000_000;

/** What a decision with a condition comes to under a rule that denies and one that allows, and how long the longer took. */
function decided(when: string, args: JsonObject): { outcome: string; ms: number } {
  const policies = [
    policyOf({ rules: [rule('r', { when })] }),
    policyOf({ default: { base: 'block' }, rules: [allow('r', { when })] }),
  ];
  const times: number[] = [];
  const [denied, allowed] = policies.map((policy) => {
    const started = performance.now();
    const decision = policy.decide(dev, READ, args);
    times.push(performance.now() - started);
    return isPermitted(decision);
  });
  const ms = Math.max(...times);
  // A condition that fails is the one that denies and does not allow.
  if (!denied && !allowed) return { outcome: 'failed', ms };
  return { outcome: String(allowed), ms };
}

function nested(depth: number): Json {
  let value: Json = 1;
  for (let level = 0; level < depth; level += 1) value = [value];
  return value;
}

const longList = Array.from({ length: 100_000 }, (_, index) => index);
const text = 'a'.repeat(MILLION);
const manyKeys = Object.fromEntries(longList.map((index) => [`k${index}`, index]));
const squares = Array.from({ length: 2_000 }, (_, index) => `/srv/${index}`);

const HOSTILE: readonly [what: string, when: string, args: JsonObject, outcome: string][] = [
  ['a long list, once through', 'args.l.all(i, i >= 0)', { l: longList }, 'true'],
  [
    'a long list in a long list',
    'args.l.exists(i, args.l.exists(j, j > i + 200000))',
    { l: longList },
    'failed',
  ],
  [
    'a long list in itself, by "in"',
    'args.l.all(i, !((i + 0.5) in args.l))',
    { l: longList },
    'failed',
  ],
  ['a long list, each item failing', 'args.l.all(i, i.x == 1)', { l: longList }, 'failed'],
  [
    'nested macros, each item failing',
    'args.l.all(i, args.l.all(j, j.x == i))',
    { l: longList },
    'failed',
  ],
  [
    'macros nested four deep',
    'args.l.exists(a, args.l.exists(b, args.l.exists(c, args.l.exists(d, a + b + c + d < 0))))',
    { l: longList.slice(0, 500) },
    'failed',
  ],
  [
    'lists that grow',
    'size(args.l.map(i, args.l)) + size((args.l + args.l).map(i, args.l + args.l)) < 0',
    { l: longList },
    'failed',
  ],
  [
    'keys of a large map, in a loop',
    'args.l.all(i, !args.o.exists(k, k == "none"))',
    { l: squares, o: manyKeys },
    'failed',
  ],
  [
    'sizes of a large map, in a loop',
    'args.l.all(i, size(args.o) > 1)',
    { l: squares, o: manyKeys },
    'failed',
  ],
  [
    'two large values that are alike',
    'args.a == args.b',
    { a: [longList, manyKeys], b: [[...longList], { ...manyKeys }] },
    'true',
  ],
  [
    'values nested deeper than the stack',
    'args.a == args.b',
    { a: nested(100_000), b: nested(100_000) },
    'failed',
  ],
  [
    'a pattern that backtracking engines die of',
    'args.t.matches("^(a+)+$")',
    { t: `${text}!` },
    'false',
  ],
  ['another one', 'args.t.matches("(x+x+)+y")', { t: 'x'.repeat(MILLION) }, 'false'],
  [
    'a pattern in a loop',
    'args.l.all(i, !args.t.matches("(a|b)*c"))',
    { l: longList, t: text },
    'failed',
  ],
  [
    'a pattern that came with the arguments',
    'args.t.matches(args.p)',
    { t: text, p: '(a*)*b|(a|aa)+$' },
    'failed',
  ],
  [
    'a large pattern that came with the arguments',
    'args.t.matches(args.p)',
    { t: 'x', p: '(?i)[^b]{999}'.repeat(50) },
    'failed',
  ],
  ['a pattern of a million characters', 'args.t.matches(args.p)', { t: 'x', p: text }, 'failed'],
  ['many patterns', 'args.l.all(i, !"x".matches(i))', { l: squares }, 'failed'],
  [
    'a long text that is looked for in a longer one',
    'args.t.contains(args.n)',
    { t: text, n: `${'a'.repeat(50_000)}b${'a'.repeat(50_000)}` },
    'failed',
  ],
  [
    'a short text that is looked for in a long one',
    'args.t.contains("aaaaab")',
    { t: text },
    'false',
  ],
  [
    'a long separator',
    'size(args.t.split(args.n)) == 1',
    { t: text, n: `${'a'.repeat(50_000)}b${'a'.repeat(50_000)}` },
    'failed',
  ],
  ['text that grows', `size(${'args.t + '.repeat(200)}"") < 0`, { t: text }, 'failed'],
  [
    'text that grows in loops',
    'args.l.map(i, args.l.map(j, args.t + args.t)).size() < 0',
    { l: squares, t: text },
    'failed',
  ],
  [
    'text that is compared in a loop',
    'args.l.all(i, args.t + "x" != args.t + "y")',
    { l: longList, t: text },
    'failed',
  ],
  [
    'text that is cut up in a loop',
    'args.l.all(i, args.t.split("").size() > 1)',
    { l: squares, t: text },
    'failed',
  ],
  [
    'text that is measured in a loop',
    'args.l.all(i, size(args.t) > 1)',
    { l: squares, t: text },
    'failed',
  ],
  [
    'a path of a million dots',
    'args.p.within("/srv")',
    { p: `/srv${'/.'.repeat(MILLION / 2)}` },
    'true',
  ],
  [
    'a number of a million digits',
    'double(args.t) > 1 || int(args.t) > 1',
    { t: '9'.repeat(MILLION) },
    'failed',
  ],
  ['a whole number that grows', 'int(1e300) > 1', {}, 'failed'],
];

test('conditions cost no more than a decision may, whatever the arguments: what would fails', () => {
  // What it takes to use all of the work up on the plainest loop there is.
  const plain = decided('args.a.all(i, args.b.all(j, j >= 0))', { a: longList, b: longList });
  assert.equal(plain.outcome, 'failed');
  for (const [what, when, args, outcome] of HOSTILE) {
    const { outcome: found, ms } = decided(when, args);
    assert.equal(found, outcome, what);
    const ratio = ms / Math.max(plain.ms, 5);
    assert.ok(ratio < 12, `${what}: ${ratio.toFixed(1)} times the budget`);
    assert.ok(ratio < 12, `${what}: ${ratio.toFixed(1)} times the budget`);
  }
});

test('many rules together cost no more than one decision may', () => {
  const when = 'args.l.exists(i, args.l.exists(j, j > i + 200000))';
  const timed = (count: number): number => {
    const rules = Array.from({ length: count }, (_, index) =>
      allow(`r${index}`, { when: `${when} && ${index} == 0` }),
    );
    const policy = policyOf({ default: { base: 'block' }, rules });
    const started = performance.now();
    assert.equal(told(policy.decide(dev, READ, { l: longList })).split(' ')[0], 'deny');
    return performance.now() - started;
  };
  timed(1);
  const [one, hundred] = [timed(1), timed(100)];
  assert.ok(hundred < Math.max(one, 5) * 10, `${hundred} ms for a hundred, ${one} ms for one`);
});

test('rules in shadow mode take nothing from the work of those in force', () => {
  const costly = 'args.l.exists(i, args.l.exists(j, j > i + 200000))';
  const shadow = rule('shadow', { mode: 'shadow', when: costly });
  const open = allow('open', { when: 'args.l.all(i, i >= 0)' });
  const policy = policyOf({ default: { base: 'block' }, rules: [shadow, open] });
  const decision = policy.decide(dev, READ, { l: longList });
  assert.equal(told(decision), 'allow open');
  assert.deepEqual(decision.shadows, ['shadow']);
});

test('the selectors of rules are matched in linear time, whatever is called', () => {
  const rules = [
    rule('r', { tools: ['*/a*a*a*a*a*a*a*b'], resources: ['*/x*%2e*a*a*a*a*b', 'f*/*/../*/x'] }),
  ];
  const policy = policyOf({ rules });
  const timed = (size: number): number => {
    const names = [
      { kind: 'tool', name: 'a'.repeat(size) },
      { kind: 'resource', name: `x://${'%25'.repeat(size)}2e${'/..'.repeat(size)}` },
      { kind: 'resource', name: `x:${'/a'.repeat(size)}` },
    ] as const;
    const started = performance.now();
    for (const each of names) policy.decide(dev, { ...each, upstream: 'files', publicName: 'x' });
    return performance.now() - started;
  };
  timed(100_000);
  const [small, large] = [timed(50_000), timed(500_000)];
  assert.ok(large < Math.max(small, 2) * 50, `${large} ms for ten times what took ${small} ms`);
});

test('a decision by a hundred rules without conditions costs little more than a look-up', () => {
  const targets = Array.from({ length: 1_000 }, (_, index) => tool(`files/read_${index}`));
  const rules = Array.from({ length: 100 }, (_, index) =>
    rule(`r${index}`, { tools: [`*/drop_${index}*`] }),
  );
  const policy = policyOf({ rules });
  const names = new Map(targets.map((each) => [each.publicName, each]));
  const timed = (ask: (each: Target) => unknown): number => {
    const started = performance.now();
    for (let round = 0; round < 100; round += 1) for (const each of targets) assert.ok(ask(each));
    return performance.now() - started;
  };
  const decide = (each: Target): unknown => policy.decide(dev, each, {});
  const lookUp = (each: Target): unknown => names.get(each.publicName);
  for (const ask of [decide, lookUp]) timed(ask);
  const ratio = timed(decide) / timed(lookUp);
  assert.ok(ratio < 20, `${ratio.toFixed(1)} times a look-up in a Map`);
});
