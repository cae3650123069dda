import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { errorOf, kindOf, notification, request } from '../../../src/kernel/json-rpc.ts';

const KINDS: readonly (readonly [unknown, ReturnType<typeof kindOf>])[] = [
  [{ jsonrpc: '2.0', id: 1, method: 'a' }, 'request'],
  [{ jsonrpc: '2.0', id: '', method: 'a', params: {} }, 'request'],
  [{ jsonrpc: '2.0', id: 0, method: '' }, 'request'],
  [{ jsonrpc: '2.0', id: 1, method: 'a', result: {} }, 'request'],
  [{ jsonrpc: '2.0', method: 'a' }, 'notification'],
  [{ jsonrpc: '2.0', method: 'a', params: { b: 1 } }, 'notification'],
  [{ jsonrpc: '2.0', id: 1, result: {} }, 'response'],
  [{ jsonrpc: '2.0', id: 'x', error: { code: 1, message: '' } }, 'response'],
  [{ jsonrpc: '2.0', id: null, error: { code: 1, message: '' } }, 'response'],
  [{ jsonrpc: '2.0', error: { code: 1, message: '' } }, 'response'],
  [{ jsonrpc: '2.0', id: Number.MAX_SAFE_INTEGER, method: 'a' }, 'request'],
  [{ jsonrpc: '2.0', id: null, method: 'a' }, undefined],
  [{ jsonrpc: '2.0', id: undefined, method: 'a' }, undefined],
  [{ jsonrpc: '2.0', id: true, method: 'a' }, undefined],
  [{ jsonrpc: '2.0', id: {}, method: 'a' }, undefined],
  [{ jsonrpc: '2.0', id: [1], method: 'a' }, undefined],
  [{ jsonrpc: '2.0', id: Number.NaN, method: 'a' }, undefined],
  [{ jsonrpc: '2.0', id: Number.POSITIVE_INFINITY, method: 'a' }, undefined],
  [{ jsonrpc: '2.0', id: 2 ** 53, method: 'a' }, undefined],
  [{ jsonrpc: '2.0', id: 1, method: 'a', params: [] }, undefined],
  [{ jsonrpc: '2.0', id: 1, method: 'a', params: null }, undefined],
  [{ jsonrpc: '2.0', id: 1, method: 'a', params: 'b' }, undefined],
  [{ jsonrpc: '2.0', id: 1, method: null }, undefined],
  [{ jsonrpc: '2.0', id: 1, method: -1, result: {} }, undefined],
  [{ jsonrpc: '2.0', id: 1, method: null, error: { code: 1, message: '' } }, undefined],
  [{ jsonrpc: '2.0', id: 1, result: {}, error: null }, 'response'],
  [{ jsonrpc: '2.0', id: null, result: {} }, undefined],
  [{ jsonrpc: '2.0', result: {} }, undefined],
  [{ jsonrpc: '2.0', id: 1, result: [] }, undefined],
  [{ jsonrpc: '2.0', id: 1, result: null }, undefined],
  [{ jsonrpc: '2.0', id: 1 }, undefined],
  [{ jsonrpc: '2.0' }, undefined],
  [{ jsonrpc: 2, id: 1, method: 'a' }, undefined],
  [{ id: 1, method: 'a' }, undefined],
  [[], undefined],
  [null, undefined],
  [undefined, undefined],
  ['text', undefined],
  [7, undefined],
];

test('a value is a request, a notification, a response or no message at all', () => {
  for (const [value, kind] of KINDS) assert.equal(kindOf(value), kind, JSON.stringify(value));
});

test('no JSON value makes kindOf throw, and what it takes for a message says jsonrpc 2.0', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      if (kindOf(value) === undefined) return true;
      return (value as { jsonrpc?: unknown }).jsonrpc === '2.0';
    }),
  );
});

test('what is made as a request or a notification is one, with params only where there are some', () => {
  assert.equal(kindOf(request(1, 'a')), 'request');
  assert.equal(kindOf(request('1', 'a', { b: 1 })), 'request');
  assert.equal(kindOf(notification('a', {})), 'notification');
  assert.equal('params' in request(1, 'a'), false);
  assert.equal('params' in notification('a'), false);
});

test('a response with a null error is a success, and every error has a code and a message', () => {
  const of = (error: unknown) => errorOf({ jsonrpc: '2.0', id: 1, error: error as never });
  for (const none of [undefined, null, 'text', 7, []]) assert.equal(of(none), undefined);
  const sound = { code: -1, message: 'no', data: [1] };
  assert.equal(of(sound), sound);
  const message = 'The error came without a message.';
  assert.deepEqual(of({}), { code: -32_603, message });
  assert.deepEqual(of({ code: 1.5, data: 2 }), { code: -32_603, message, data: 2 });
  assert.deepEqual(of({ code: '5', message: 'm' }), { code: -32_603, message: 'm' });
  assert.deepEqual(of({ code: 5, message: {} }), { code: 5, message });
});
