import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { Pattern, TargetGlob } from '../../../src/kernel/glob.ts';

test('a star stands for any run of characters, also none, and nothing else is special', () => {
  const cases: readonly [pattern: string, text: string, matches: boolean][] = [
    ['*', '', true],
    ['*', 'anything', true],
    ['read_*', 'read_', true],
    ['read_*', 'read_file', true],
    ['read_*', 'Read_file', false],
    ['*_file', 'read_file', true],
    ['a*b*c', 'aXbYc', true],
    ['a*b*c', 'abc', true],
    ['a*b*c', 'acb', false],
    ['ab*ba', 'aba', false],
    ['a*a', 'a', false],
    ['a**b', 'ab', true],
    ['*ab*ab*', 'abab', true],
    ['*ab*ab*', 'abXa', false],
    ['a.c', 'abc', false],
    ['a?c', 'abc', false],
    ['[ab]', 'a', false],
    ['a\\*', 'a\\x', true],
    ['', '', true],
    ['', 'a', false],
  ];
  for (const [pattern, text, matches] of cases)
    assert.equal(new Pattern(pattern).matches(text), matches, `${pattern} / ${text}`);
});

test('a pattern matches what trying every split would match', () => {
  const slow = (parts: readonly string[], text: string): boolean => {
    const [first = '', ...rest] = parts;
    if (!text.startsWith(first)) return false;
    const after = text.slice(first.length);
    if (rest.length === 0) return after === '';
    return Array.from({ length: after.length + 1 }, (_, skipped) => after.slice(skipped)).some(
      (tail) => slow(rest, tail),
    );
  };
  const letters = (...all: string[]): fc.Arbitrary<string> =>
    fc.array(fc.constantFrom(...all), { maxLength: 8 }).map((each) => each.join(''));
  fc.assert(
    fc.property(letters('a', 'b', '*'), letters('a', 'b'), (pattern, text) => {
      assert.equal(new Pattern(pattern).matches(text), slow(pattern.split('*'), text));
    }),
    { numRuns: 2_000 },
  );
});

test('a selector is split at its first slash, and only its server is in any case', () => {
  const cases: readonly [glob: string, server: string, name: string, matches: boolean][] = [
    ['*', 'github', 'x', true],
    ['GitHub/*', 'github', 'x', true],
    ['github/create_*', 'github', 'create_issue', true],
    ['github/Create_*', 'github', 'create_issue', false],
    ['files/file:///srv/*', 'files', 'file:///srv/a/b', true],
    ['*/x', 'any', 'x', true],
    ['git*/x', 'github', 'x', true],
    ['github', 'github', 'x', false],
    ['/x', 'github', 'x', false],
  ];
  for (const [text, server, name, matches] of cases) {
    const glob = new TargetGlob(text);
    assert.equal(glob.covers(server) && glob.names(name), matches, `${text} / ${server} ${name}`);
  }
});
