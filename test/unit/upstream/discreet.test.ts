import assert from 'node:assert/strict';
import test from 'node:test';
import type { Json } from '../../../src/kernel/json.ts';
import type { Message } from '../../../src/kernel/json-rpc.ts';
import { discreet } from '../../../src/upstream/discreet.ts';

const mask = (text: string): string => text.replaceAll('hush', '***');
const shown = (message: object): object => discreet({ jsonrpc: '2.0', ...message }, mask);

test('errors, failed results and log messages are shown without what is masked, in names and values', () => {
  assert.deepEqual(
    shown({ id: 1, error: { code: -1, message: 'no hush', data: [{ hush: 'hush' }] } }),
    {
      jsonrpc: '2.0',
      id: 1,
      error: { code: -1, message: 'no ***', data: [{ '***': '***' }] },
    },
  );
  const failed = { isError: true, content: [{ type: 'text', text: 'hush' }], n: null, b: 1 };
  assert.deepEqual(shown({ id: 1, result: failed }), {
    jsonrpc: '2.0',
    id: 1,
    result: { ...failed, content: [{ type: 'text', text: '***' }] },
  });
  const log = { method: 'notifications/message', params: { level: 'info', data: 'hush' } };
  assert.match(JSON.stringify(shown(log)), /"data":"\*\*\*"/u);
});

test('everything else is the very message that came', () => {
  for (const message of [
    { jsonrpc: '2.0', id: 1, result: { content: [{ type: 'text', text: 'hush' }] } },
    { jsonrpc: '2.0', id: 1, method: 'elicitation/create', params: { message: 'hush' } },
    { jsonrpc: '2.0', method: 'notifications/progress', params: { message: 'hush' } },
    { jsonrpc: '2.0', method: 'notifications/message' },
  ] as Message[])
    assert.equal(discreet(message, mask), message);
});

test('what is nested too deep is cut', () => {
  let data: Json = 'hush';
  for (let depth = 0; depth < 10_000; depth += 1) data = [data];
  const text = JSON.stringify(shown({ id: 1, error: { code: -1, message: 'x', data } }));
  assert.match(text, /\[cut\]/u);
  assert.doesNotMatch(text, /hush/u);
});
