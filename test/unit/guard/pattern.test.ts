import assert from 'node:assert/strict';
import test from 'node:test';
import { Pattern, patternFault } from '../../../src/guard/pattern.ts';

function patternOf(source: string): Pattern {
  const pattern = Pattern.read(source);
  return typeof pattern === 'string' ? assert.fail(pattern) : pattern;
}

test('patterns mean what they mean in JSON Schema: some part of the text matches, in Unicode', () => {
  const cases: readonly [string, string, boolean][] = [
    ['b', 'abc', true],
    ['^b$', 'abc', false],
    ['^/srv/', '/srv/a', true],
    ['^\\u00e9\\/$', 'é/', true],
    ['^\\p{L}+$', 'grün', true],
    ['^.$', '😀', true],
    ['^[^]]$', 'a]', true],
    ['[]', 'a', false],
    ['^(?<year>\\d{4})$', '2026', true],
    ['a$', 'a\nb', false],
    ['^\\\\k\\.$', '\\k.', true],
    ['', '', true],
  ];
  for (const [source, text, expected] of cases)
    assert.equal(patternOf(source).test(text), expected, `${source} on ${text}`);
});

test('patterns as people write them can be used', () => {
  const usual = [
    '^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\\.[a-z]{2,63})+$',
    '^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$',
    '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}(?::\\d{2}(?:\\.\\d+)?)?(?:Z|[+-]\\d{2}:\\d{2})$',
    '^[\\w.+-]{1,64}@[\\w-]{1,255}\\.[a-z]{2,}$',
    '^.{1,1000}$',
  ];
  for (const source of usual) assert.equal(patternFault(source), undefined, source);
});

test('what needs more than linear time is refused, with what to do', () => {
  for (const source of ['^(?!foo)', '(?<=a)b', '(a)\\1', '(?<x>a)\\k<x>', '(?=a)b']) {
    const fault = patternFault(source) ?? '';
    assert.match(
      fault,
      /^This pattern cannot be used \(.+\); write it in the syntax of RE2/u,
      source,
    );
  }
});

test('what is no pattern is refused', () => {
  for (const source of [
    '(',
    '[a',
    '*',
    'a{2,1}',
    'a**',
    '\\',
    '\\h',
    '^a\\Z',
    '\\Q(\\E',
    '\\\\\\k',
  ])
    assert.match(patternFault(source) ?? '', /cannot be used/u, source);
});

test('patterns that are long, or become long, are refused before they are compiled', () => {
  assert.match(
    patternFault('a'.repeat(1001)) ?? '',
    /more than 1000 characters; write a shorter one/u,
  );
  assert.equal(patternFault('a'.repeat(1000)), undefined);
  const swelling = [
    'a{1000}'.repeat(5),
    '(a?){1000}'.repeat(90),
    '((((a{10}){10}){10})b)'.repeat(40),
    '(?:[a-z]{30}[^0-9]{30}){30}'.repeat(3),
    '(\\pL\\x{1F600}[[:alpha:]]\\]{9}){400}',
    'a{900,}'.repeat(9),
  ];
  for (const source of swelling)
    assert.match(patternFault(source) ?? '', /repeats too much; lower the numbers/u, source);
  assert.equal(
    patternFault('\\x{1000}\\{1000}[{1000}]'.repeat(20)),
    undefined,
    'not all that looks so repeats',
  );
});

test('texts that would keep a backtracking engine busy for ages are answered', () => {
  const text = `${'a'.repeat(20_000)}!`;
  for (const source of ['^(a+)+$', '^(a|aa)+$', '^(a|a)*$', '^(.*a){20}$', '^(?:a?){20}a{20}b$'])
    assert.equal(patternOf(source).test(text), false, source);
});
