import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { UriTemplate } from '../../src/catalog/uri-template.ts';
import { Pattern as SchemaPattern } from '../../src/guard/pattern.ts';
import { Pattern, TargetGlob } from '../../src/kernel/glob.ts';
import {
  decodedUri,
  hasDotSegments,
  isOddUri,
  normalUri,
  plainUri,
} from '../../src/kernel/uri-forms.ts';
import { Fuel } from '../../src/policy/cel/fuel.ts';
import { Condition, conditionFault } from '../../src/policy/condition.ts';
import { mutateBytes } from './mutate-bytes.ts';
import { Random } from './random.ts';

const RUNS = { seed: 20_260_728, numRuns: 1500 };
/** Far above what anything here takes, also on a machine that is busy; far below what a bad pattern can take. */
const CEILING_MS = 5000;
const LONG = 20_000;

function soon<T>(work: () => T): T {
  const started = performance.now();
  const value = work();
  assert.ok(performance.now() - started < CEILING_MS, 'it took too long');
  return value;
}

const globText = fc.string({ unit: fc.constantFrom('a', 'b', '*', '/', '.', 'é'), maxLength: 14 });

test('a pattern matches what the same regular expression matches, and any text soon', () => {
  fc.assert(
    fc.property(globText, globText, (pattern, text) => {
      const source = pattern.replaceAll('.', '\\.').replaceAll('*', '.*');
      assert.equal(new Pattern(pattern).matches(text), new RegExp(`^${source}$`, 'su').test(text));
      const glob = new TargetGlob(pattern);
      assert.equal(typeof (glob.covers(text) && glob.names(text)), 'boolean');
    }),
    RUNS,
  );
  const hostile = new Pattern(`${'*a'.repeat(LONG)}b`);
  assert.equal(
    soon(() => hostile.matches('a'.repeat(LONG * 10))),
    false,
  );
});

const templateText = fc.string({
  unit: fc.constantFrom('a', '{', '}', '{x}', '{+y}', '{/z}', '{?q}', '/', '?', '&', ':', '{&r*}'),
  maxLength: 14,
});
const uriText = fc.oneof(
  fc.webUrl(),
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.string({
    unit: fc.constantFrom('a', '/', '.', '%2e', '%', '%252F', ':', '#', '?', '@', '\\'),
  }),
);

test('any template matches or does not match any URI, and what it takes out it can put in again', () => {
  fc.assert(
    fc.property(templateText, fc.oneof(uriText, templateText), (text, uri) => {
      const template = new UriTemplate(text);
      const values = template.match(uri);
      if (values !== undefined) assert.equal(template.fill(values), uri);
      assert.equal(
        template.mapText((part) => part),
        text,
      );
    }),
    RUNS,
  );
  const hostile = new UriTemplate('{a}a'.repeat(2000));
  soon(() => hostile.match('a'.repeat(8192)));
});

test('any text has its forms as a URI, each of which stays as it is when it is formed again', () => {
  fc.assert(
    fc.property(uriText, (text) => {
      const normal = normalUri(text);
      assert.equal(normalUri(normal), normal);
      const plain = plainUri(text);
      assert.equal(plainUri(plain), plain);
      assert.equal(typeof decodedUri(text), 'string');
      assert.equal(typeof (isOddUri(text) || hasDotSegments(text)), 'boolean');
    }),
    RUNS,
  );
  for (const part of ['%25', '%', '../', './', '%2e%2e/', '//', '%C3', 'a@'])
    soon(() => {
      const text = `http://${part.repeat(LONG)}`;
      return [normalUri(text), plainUri(text), decodedUri(text), hasDotSegments(text)];
    });
});

const SCHEMA_PATTERNS = ['^[a-z]+$', '(a+)+$', '^(?:a|aa)*b', '\\p{L}{1,20}', '(?<x>y)\\d'];

test('any pattern of a schema can be used or says why not, and none takes long for any text', () => {
  const sources = fc.oneof(
    fc.string({ maxLength: 30 }),
    fc
      .tuple(fc.nat(), fc.constantFrom(...SCHEMA_PATTERNS))
      .map(([seed, source]) => mutateBytes(source, new Random(seed), SCHEMA_PATTERNS)),
  );
  fc.assert(
    fc.property(sources, fc.string({ maxLength: 40 }), (source, text) => {
      const pattern = soon(() => SchemaPattern.read(source));
      if (typeof pattern === 'string') assert.match(pattern, /\S/u);
      else assert.equal(typeof soon(() => pattern.test(text)), 'boolean');
    }),
    { ...RUNS, numRuns: 600 },
  );
  for (const source of ['(a+)+$', '(a|aa)*$', '(.*)*x', '(a*)*b']) {
    const pattern = SchemaPattern.read(source);
    if (typeof pattern !== 'string') soon(() => pattern.test(`${'a'.repeat(LONG)}!`));
  }
});

const CONDITIONS = [
  'args.amount > 10 && args.count == 12',
  "args.path.within('/srv/' + principal.name)",
  "has(args.nested.deep) && args.list.exists(i, i > 2) || 'dev' in principal.groups",
  "args.list.all(x, args.list.exists(y, y == x)) ? size(args.tags) < 3 : claims.team.matches('^x+$')",
  'now.hour >= 22 || [1, 2, 3].map(i, i * 2).filter(j, j > 2).size() == 2',
  "{'a': 1, 'b': [true, null]}.b[0] && int('5') + 3 == 8 && 'x'.startsWith('')",
];
const ARGS = {
  amount: 12.5,
  count: 12,
  path: '/srv/al/x',
  list: [1, 2, 3],
  nested: { deep: 1 },
  tags: ['a'],
};
const ROOTS: Readonly<Record<string, unknown>> = {
  principal: {
    name: 'al',
    consumer: '',
    groups: ['dev'],
    scopes: [],
    proof: 'token',
    endpoint: '',
  },
  claims: { team: 'x' },
  client: '',
  tool: { name: 'read', annotations: {} },
  args: ARGS,
  request: { method: 'tools/call' },
  now: { hour: 23n },
};

test('any text as a condition says what is wrong with it, or comes to something for any call, soon', () => {
  const texts = fc
    .tuple(fc.nat(), fc.constantFrom(...CONDITIONS))
    .map(([seed, text]) => mutateBytes(text, new Random(seed), CONDITIONS));
  fc.assert(
    fc.property(fc.oneof(texts, fc.string()), (text) => {
      const fault = soon(() => conditionFault(text, { effect: 'deny', isAuthOn: false }));
      const condition = soon(() => Condition.orFailing(text));
      const roots = { root: (name: string) => ROOTS[name] as never };
      const outcomes = soon(() => condition.outcomes({ roots, fuel: new Fuel(), locals: [] }));
      // Some of: true, false, failed.
      assert.ok(outcomes >= 1 && outcomes <= 7, `${outcomes}`);
      assert.match(
        soon(() => condition.explain(roots, new Fuel())),
        /\S/u,
      );
      if (fault !== undefined) assert.match(fault, /\S/u);
    }),
    { ...RUNS, numRuns: 800 },
  );
});
