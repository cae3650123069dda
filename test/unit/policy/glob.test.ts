import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { Pattern, TargetGlob } from '../../../src/policy/glob.ts';
import { isWithin } from '../../../src/policy/path-within.ts';
import { decodedUri, hasDotSegments, normalUri } from '../../../src/kernel/uri-forms.ts';

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

test('URIs are compared in their normal form (RFC 3986, 6.2.2)', () => {
  const cases: readonly [uri: string, normal: string][] = [
    ['FILE:///srv/a.txt', 'file:///srv/a.txt'],
    ['https://Example.COM:8443/A/../b?Q=..#./', 'https://example.com:8443/b?Q=..#./'],
    ['https://User@Host/x', 'https://User@host/x'],
    ['file:///srv/%7Eal/%2e%2E/x', 'file:///srv/x'],
    ['file:///srv/a%2fb', 'file:///srv/a%2Fb'],
    ['file:///a/./b/', 'file:///a/b/'],
    ['file:///a/b/..', 'file:///a/'],
    ['file:///../../etc', 'file:///etc'],
    ['note:../x', 'note:x'],
    ['memo://host', 'memo://host'],
    ['no scheme/../x', 'no scheme/../x'],
  ];
  for (const [uri, normal] of cases) assert.equal(normalUri(uri), normal);
});

test('a URI is decoded until nothing is hidden in it, and what is no UTF-8 cannot stop that', () => {
  assert.equal(decodedUri('file:///%2e%2e%2fetc'), 'file:///../etc');
  assert.equal(decodedUri('file:///%252e%252e%252Fetc'), 'file:///../etc');
  assert.equal(decodedUri('file:///%ff%2e%2e/etc'), 'file:///%ff../etc');
  assert.equal(decodedUri('file:///caf%C3%A9'), 'file:///café');
  assert.ok(hasDotSegments('file:///logs/%2e%2e/x'));
  assert.ok(hasDotSegments('file:///logs/..%5cx'));
  assert.ok(!hasDotSegments('file:///logs/..x/a..b'));
});

test('a path is within a folder only if it is absolute and does not climb', () => {
  const cases: readonly [path: string, folder: string, within: boolean][] = [
    ['/srv/al/x', '/srv/al', true],
    ['/srv/al', '/srv/al', true],
    ['/srv/al/', '/srv/al/', true],
    ['/srv//al/./x', '/srv/al', true],
    ['/srv/alice', '/srv/al', false],
    ['/srv', '/srv/al', false],
    ['/srv/al/../bo', '/srv/al', false],
    ['/srv/al/x/../y', '/srv/al', false],
    ['/srv/al/%2e%2E/bo', '/srv/al', false],
    ['/srv/al\\..\\bo', '/srv/al', false],
    ['/srv/al/\0', '/srv/al', false],
    ['srv/al/x', '/srv/al', false],
    ['', '/', false],
    ['/x', '/', true],
    ['/srv/AL/x', '/srv/al', false],
    ['C:\\srv\\al\\x', 'c:/srv/al', true],
    ['C:\\srv\\..\\x', 'C:\\srv', false],
    ['/srv/x', 'srv', false],
  ];
  for (const [path, folder, within] of cases)
    assert.equal(isWithin(path, folder), within, `${path} in ${folder}`);
});
