import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import {
  decodeRest,
  parseQualified,
  publicName,
  qualifiedUri,
  sanitised,
} from '../../../src/catalog/names.ts';

test('a public name begins with the server in the characters that names may have, two lines between', () => {
  assert.equal(publicName('prefix', 'my server/1', 'do it'), 'my_server_1__do it');
  assert.equal(publicName('prefix', 'a.b-c_d', 'x'), 'a.b-c_d__x');
  assert.equal(publicName('flat', 'my server', 'do it'), 'do it');
});

test('whatever a server is called, its part of a name is of these characters, and no longer or shorter', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme-ascii' }), (server) => {
      assert.match(sanitised(server), /^[\w.-]*$/u);
      assert.equal(sanitised(server).length, server.length);
      assert.equal(sanitised(sanitised(server)), sanitised(server));
    }),
  );
});

test('any URI of any server comes back from its qualified form (R17)', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ minLength: 1 }), (given, server) => {
      const uri = given.toWellFormed();
      const qualified = qualifiedUri(server, uri);
      assert.match(qualified, /^mcpx:\/\/[\w.-]+\/[\w%.!~*'()-]*$/u);
      const parsed = parseQualified(qualified);
      assert.equal(parsed?.server, sanitised(server));
      assert.equal(decodeRest(parsed.rest), uri);
    }),
  );
});

test('a URI that is not qualified is not taken for one, and one badly encoded stands for nothing', () => {
  for (const uri of ['', 'mcpx:', 'mcpx://', 'mcpx://server', 'MCPX://server/x', 'x://server/y'])
    assert.equal(parseQualified(uri), undefined, uri);
  assert.deepEqual(parseQualified('mcpx:///x'), { server: '', rest: 'x' });
  assert.equal(decodeRest('%'), undefined);
  assert.equal(decodeRest('%ff'), undefined);
});
