import assert from 'node:assert/strict';
import test from 'node:test';
import { Cancelled, RemoteError } from '../../../src/kernel/answer.ts';
import { Refusal, REFUSALS, type RefusalCode } from '../../../src/kernel/refusals.ts';
import { answerStatus, errorText, responseText, wireError } from '../../../src/listen/answer.ts';

const CODES = Object.keys(REFUSALS) as RefusalCode[];

test('every refusal is written with its status, code, sentence, name and remedy, in both eras', () => {
  for (const code of CODES) {
    for (const era of ['legacy', 'modern'] as const) {
      const row = REFUSALS[code];
      const wire = wireError(new Refusal(code), era);
      const isOldCode = code === 'RESOURCE_UNKNOWN' && era === 'legacy';
      assert.deepEqual(wire, {
        status: row.http,
        error: {
          code: isOldCode ? -32002 : row.rpc,
          message: row.sentence,
          data: { refusal: code, remedy: row.remedy },
        },
      });
    }
  }
});

test('what a refusal says of the case at hand stands in place of the sentence, its data beside the name', () => {
  const wire = wireError(
    new Refusal('BODY_TOO_LARGE', 'Too large by far.', { maxBytes: 7 }),
    'legacy',
  );
  assert.equal(wire?.error.message, 'Too large by far.');
  assert.deepEqual(wire?.error.data, {
    refusal: 'BODY_TOO_LARGE',
    remedy: REFUSALS.BODY_TOO_LARGE.remedy,
    maxBytes: 7,
  });
});

test('an error of a server is passed on as it is; modern HTTP gives some of them a status', () => {
  for (const [code, status] of [
    [-32601, 404],
    [-32020, 400],
    [-32021, 400],
    [-32022, 400],
    [-32602, 200],
    [-32603, 200],
    [42, 200],
  ] as const) {
    const error = { code, message: 'm', data: { future: [1] } };
    assert.deepEqual(wireError(new RemoteError(error), 'modern'), { status, error });
    assert.deepEqual(wireError(new RemoteError(error), 'legacy'), { status: 200, error });
    assert.equal(answerStatus({ error }, 'modern'), status);
    assert.equal(answerStatus({ error }, 'legacy'), 200);
  }
  assert.equal(answerStatus({ result: {} }, 'modern'), 200);
});

test('a cancelled request is not answered', () => {
  assert.equal(wireError(new Cancelled('x'), 'legacy'), undefined);
});

test('anything else that was thrown tells nothing of itself', () => {
  for (const error of [
    new TypeError('secret path /home/x'),
    new Error('secret'),
    'secret',
    undefined,
  ]) {
    const wire = wireError(error, 'modern');
    assert.ok(wire !== undefined);
    assert.doesNotMatch(JSON.stringify(wire), /secret|home/u);
  }
});

test('a response has its id as it came and its result as it is, text that is JSON already untouched', () => {
  assert.equal(responseText(7, { result: { a: 1 } }), '{"jsonrpc":"2.0","id":7,"result":{"a":1}}');
  assert.equal(
    responseText('"\n', { text: '{"a" : 1}' }),
    String.raw`{"jsonrpc":"2.0","id":"\"\n","result":{"a" : 1}}`,
  );
  const error = { code: 1, message: 'm' };
  assert.deepEqual(JSON.parse(responseText(0, { error })), { jsonrpc: '2.0', id: 0, error });
  assert.deepEqual(JSON.parse(errorText(null, error)), { jsonrpc: '2.0', id: null, error });
});
