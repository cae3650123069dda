import assert from 'node:assert/strict';
import test from 'node:test';
import { Environment } from '@marcbachmann/cel-js';
import * as fc from 'fast-check';
import { Fuel } from '../../../src/policy/cel/fuel.ts';
import { FALSE, TRUE } from '../../../src/policy/cel/value.ts';
import type { Json } from '../../../src/kernel/json.ts';
import { Condition } from '../../../src/policy/condition.ts';

const environment = new Environment({ homogeneousAggregateLiterals: false }).registerVariable(
  'args',
  'map<string, dyn>',
);

function byLibrary(text: string, args: Record<string, Json>): string {
  const evaluate = environment.parse(text);
  try {
    const value: unknown = evaluate({ args });
    return typeof value === 'boolean' ? String(value) : 'failed';
  } catch {
    return 'failed';
  }
}

function byPolicy(text: string, args: Record<string, Json>): string {
  const outcomes = Condition.compile(text).outcomes({
    roots: { root: () => args },
    fuel: new Fuel(),
    locals: [],
  });
  if (outcomes === TRUE) return 'true';
  return outcomes === FALSE ? 'false' : 'failed';
}

const numbers = fc.constantFrom(
  'args.n',
  'args.m',
  'args.gone',
  '1',
  '2',
  '2.5',
  'size(args.l)',
  'args.l[0]',
);
const texts = fc.constantFrom(
  'args.s',
  'args.t',
  '"a"',
  '"ab"',
  '""',
  'args.s + "b"',
  'args.gone',
  'args.l',
);
const lists = fc.constantFrom(
  'args.l',
  '[1, 2, 3]',
  'args.l.map(i, i)',
  'args.l.filter(i, i > 1)',
  'args.o',
);

const leaves = fc
  .oneof(
    fc.tuple(numbers, fc.constantFrom('<', '<=', '>', '>='), numbers),
    fc
      .tuple(texts, fc.constantFrom('.startsWith', '.endsWith', '.contains', '.matches'), texts)
      .map(([text, method, other]) => [`${text}${method}(${other})`]),
    fc.tuple(numbers, fc.constantFrom('==', '!='), numbers),
    fc.tuple(numbers, fc.constant('in'), fc.constantFrom('args.l', '[1, 2]', '[2.5]')),
    fc
      .tuple(
        lists,
        fc.constantFrom('.all', '.exists', '.exists_one'),
        fc.constantFrom('<', '>', '=='),
      )
      .map(([list, macro, operator]) => [`${list}${macro}(i, i ${operator} 2)`]),
    fc.constantFrom(
      ['has(args.n)'],
      ['has(args.gone)'],
      ['"s" in args'],
      ['args.b'],
      ['args.gone'],
      ['true'],
    ),
  )
  .map((parts) => parts.join(' '));

const { condition: conditions } = fc.letrec<{ condition: string }>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 4 },
    leaves,
    fc.tuple(tie('condition'), tie('condition')).map(([a, b]) => `(${a}) && (${b})`),
    fc.tuple(tie('condition'), tie('condition')).map(([a, b]) => `(${a}) || (${b})`),
    tie('condition').map((a) => `!(${a})`),
    fc
      .tuple(tie('condition'), tie('condition'), tie('condition'))
      .map(([a, b, c]) => `(${a}) ? (${b}) : (${c})`),
  ),
}));

const callers = fc.record(
  {
    n: fc.constantFrom<Json>(0, 1, 2, 2.5, 'x', null),
    m: fc.constantFrom<Json>(1, 3),
    s: fc.constantFrom<Json>('a', 'abc', ''),
    t: fc.constantFrom<Json>('b', 'ab', 4),
    l: fc.constantFrom<Json>([1, 2, 3], [], [2], [2.5, 1], ['x', 2]),
    o: fc.constantFrom<Json>({ k: 1 }, {}),
    b: fc.constantFrom<Json>(true, false, 'true'),
  },
  { requiredKeys: ['l', 's', 't', 'o', 'm'] },
);

test('conditions come to what the CEL library makes of them, where both are told everything', () => {
  fc.assert(
    fc.property(conditions, callers, (text, args) => {
      // What the library refuses for its types, the configuration refuses too.
      fc.pre(environment.check(text).valid);
      assert.equal(byPolicy(text, args), byLibrary(text, args), text);
    }),
    { numRuns: 5_000 },
  );
});
