import assert from 'node:assert/strict';
import test from 'node:test';
import { RemoteError } from '../../../src/kernel/answer.ts';
import { isModernError, versionsNamedIn } from '../../../src/upstream/modern-errors.ts';

const error = (code: number, data?: object): RemoteError =>
  new RemoteError({ code, message: 'no', ...(data === undefined ? {} : { data: { ...data } }) });

test('an error that only modern servers give is no reason to take a server for legacy', () => {
  assert.ok(isModernError(error(-32020)));
  assert.ok(isModernError(error(-32021)));
  assert.ok(isModernError(error(-32022, { supported: ['2026-07-28'] })));
  assert.ok(isModernError(error(-32022)), 'whatever it supports it does not say');
});

test('an error that leads to a legacy version, or that any server gives, is one', () => {
  assert.ok(!isModernError(error(-32022, { supported: ['2025-11-25', '2026-07-28'] })));
  for (const code of [-32601, -32600, -32602, -32000]) assert.ok(!isModernError(error(code)));
  assert.ok(!isModernError(new Error('broken')));
});

test('the versions a rejection names are found, whatever else it says', () => {
  assert.deepEqual(versionsNamedIn(error(-32022, { supported: ['a'] })), ['a']);
  assert.deepEqual(versionsNamedIn(error(-32022, { supported: 'a' })), []);
  assert.deepEqual(versionsNamedIn(error(-32022)), []);
  assert.equal(versionsNamedIn(error(-32601, { supported: ['a'] })), undefined);
});
