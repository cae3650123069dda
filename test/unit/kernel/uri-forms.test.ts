import assert from 'node:assert/strict';
import test from 'node:test';
import { decodedUri, hasDotSegments, normalUri } from '../../../src/kernel/uri-forms.ts';

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
