import assert from 'node:assert/strict';
import test from 'node:test';
import type { Json } from '../../../src/kernel/json.ts';
import { request, notification } from '../../../src/kernel/json-rpc.ts';
import { eraOf, messageOf, parseBody } from '../../../src/listen/classify.ts';

const MODERN = { _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' } };

test('the body decides the era of a request, whatever its headers say (R8)', () => {
  for (const header of [undefined, '2025-11-25', '2026-07-28', 'x'])
    assert.equal(eraOf(request(1, 'a', MODERN), header), 'modern');
  for (const header of [undefined, '2024-11-05', '2025-11-25', 'x', '', '2026-07-27'])
    assert.equal(eraOf(request(1, 'a', { _meta: { progressToken: 1 } }), header), 'legacy');
});

test('a version of any type in _meta makes a request modern, so that it is answered as one (R8)', () => {
  for (const version of [7, null, '', '1999-01-01', {}]) {
    const params = { _meta: { 'io.modelcontextprotocol/protocolVersion': version } };
    assert.equal(eraOf(request(1, 'a', params), undefined), 'modern');
  }
});

test('a modern version header without _meta makes a request modern, to be refused for what it lacks (R8)', () => {
  for (const header of ['2026-07-28', '2026-12-01', '2030-01-01'])
    assert.equal(eraOf(request(1, 'a'), header), 'modern');
});

test('of a notification the header decides (R8)', () => {
  assert.equal(eraOf(notification('notifications/cancelled'), '2026-07-28'), 'modern');
  assert.equal(eraOf(notification('notifications/cancelled'), '2025-11-25'), 'legacy');
  assert.equal(eraOf(notification('notifications/cancelled'), undefined), 'legacy');
});

test('an answer is legacy: modern clients answer by asking again (R8)', () => {
  assert.equal(eraOf({ jsonrpc: '2.0', id: 1, result: {} }, '2026-07-28'), 'legacy');
});

test('a _meta by way of the prototype is none', () => {
  const params = JSON.parse(`{"__proto__":${JSON.stringify(MODERN)}}`) as { [key: string]: Json };
  assert.equal(eraOf(request(1, 'a', params), undefined), 'legacy');
});

test('what is no JSON, no message or nested too deep is refused as what it is', () => {
  for (const text of ['', '{', 'x', '{"a":1}}']) {
    assert.throws(() => parseBody(text), { code: 'MALFORMED_JSON' });
  }
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
  assert.throws(() => parseBody(deep), { code: 'MALFORMED_MESSAGE' });
  for (const value of [null, 1, 'x', [], {}, { jsonrpc: '2.0' }] as Json[])
    assert.throws(() => messageOf(value), { code: 'MALFORMED_MESSAGE' });
});

test('nesting that tools need is no refusal, however long the text around it', () => {
  const nested = `${'{"a":'.repeat(300)}1${'}'.repeat(300)}`;
  assert.ok(parseBody(nested));
  assert.ok(
    parseBody(
      JSON.stringify({
        text: 'x'.repeat(1_000_000),
        list: Array.from({ length: 10_000 }, () => [1]),
      }),
    ),
  );
});
