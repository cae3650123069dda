import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test from 'node:test';
import type { AuditPlan } from '../../../../src/kernel/record-plan.ts';
import type { Entry } from '../../../../src/kernel/entry.ts';
import type { JsonObject } from '../../../../src/kernel/json.ts';
import {
  entryLine,
  eventLine,
  lossLine,
  turnedAwayLine,
} from '../../../../src/record/audit/audit-line.ts';
import { canonicalJson } from '../../../../src/record/canonical-json.ts';
import { entryOf } from '../entries.ts';

const AT = Date.UTC(2026, 10, 22, 15, 4, 5, 6);
/** The exchange of `entryOf` takes 12.34567 ms. */
const STARTED = AT - 12;

function textOf(changes: Partial<Entry>, mode: AuditPlan['arguments'] = 'redacted'): string {
  return entryLine(
    { entry: entryOf({ startedAt: STARTED, ...changes }), spending: undefined },
    mode,
  );
}

function lineOf(
  changes: Partial<Entry> = {},
  mode: AuditPlan['arguments'] = 'redacted',
): JsonObject {
  return JSON.parse(textOf(changes, mode)) as JsonObject;
}

test('a call is one flat line with its members in this order', () => {
  const line = textOf({
    shadows: ['no-writes'],
    warnings: ['near daily'],
    custom: 'file_bug',
    judgedArgs: { title: 'A bug', repo: 'x' },
    outcome: 'refused',
    code: 'FORBIDDEN',
    caller: {
      proof: 'token',
      name: 'ann',
      consumer: 'dev',
      groups: ['g'],
      scopes: ['read'],
      endpoint: 'ro',
    },
  });
  const expected =
    '{"at":"2026-11-22T15:04:05.006Z","id":"run-1","method":"tools/call","outcome":"refused","code":"FORBIDDEN",' +
    '"rule":"permissions.default","shadows":["no-writes"],"warnings":["near daily"],"server":"github","kind":"tool",' +
    '"target":"create_issue","custom":"file_bug","caller":{"proof":"token","name":"ann",' +
    '"consumer":"dev","groups":["g"],"scopes":["read"],"endpoint":"ro"},"client":"cursor",' +
    '"session":"s1","transport":"http","era":"legacy","durationMs":12.346,"upstreamMs":11.7,' +
    '"requestBytes":120,"resultChars":64,' +
    '"argumentsMode":"redacted","arguments":{"title":"A bug"},' +
    '"judgedArguments":{"title":"A bug","repo":"x"},"isWhole":true}';
  assert.equal(line, expected);
});

test('what addresses nothing has no word of arguments', () => {
  const line = lineOf({
    method: 'tools/list',
    kind: undefined,
    target: undefined,
    args: undefined,
  });
  assert.equal('argumentsMode' in line, false);
  assert.equal(line['method'], 'tools/list');
});

test('a URI that holds a key is not written, unless all is to be kept in full', () => {
  const target = 'https://user:hunter2@example.com/';
  for (const mode of ['none', 'hash', 'redacted'] as const)
    assert.equal(lineOf({ kind: 'resource', target }, mode)['target'], '[redacted]');
  assert.equal(lineOf({ kind: 'resource', target }, 'full')['target'], target);
  assert.equal(lineOf({ kind: 'resource', target: 'file:///a' }, 'none')['target'], 'file:///a');
});

test('neither the message of a failure nor the key of the caller is written', () => {
  const text = JSON.stringify(lineOf({ failure: 'Error: at line 1', principal: 'the principal' }));
  assert.doesNotMatch(text, /at line 1|the principal/u);
});

test('arguments are kept as the plan says: not at all, as a hash, redacted, or in full', () => {
  const args = { b: 1, a: { password: 'hunter2' } };
  const hash = createHash('sha256').update('{"a":{"password":"hunter2"},"b":1}').digest('hex');
  const kept = (mode: AuditPlan['arguments']): unknown[] => {
    const { argumentsMode, arguments: given, isWhole } = lineOf({ args }, mode);
    return [argumentsMode, given, isWhole];
  };
  assert.deepEqual(kept('none'), ['none', undefined, undefined]);
  assert.deepEqual(kept('hash'), ['hash', `sha256:${hash}`, undefined]);
  assert.deepEqual(kept('redacted'), ['redacted', { b: 1, a: { password: '[redacted]' } }, false]);
  assert.deepEqual(kept('full'), ['full', args, true]);
});

test('a secret that a custom tool puts into the arguments is taken out, and leaves those of the caller whole', () => {
  const line = lineOf({ custom: 'c', judgedArgs: { title: 'A bug', token: 'abc' } });
  assert.deepEqual(line['judgedArguments'], { title: 'A bug', token: '[redacted]' });
  assert.equal(line['isWhole'], true);
});

test('a call without arguments is told from one whose arguments were not kept', () => {
  const line = lineOf({ args: undefined });
  assert.deepEqual(
    [line['argumentsMode'], 'arguments' in line, line['isWhole']],
    ['redacted', false, true],
  );
});

test('arguments too long to be kept in full are kept as their hash', () => {
  const line = lineOf({ args: { text: 'x'.repeat(1_000_000) } }, 'full');
  assert.equal(line['argumentsMode'], 'hash');
  assert.match(String(line['arguments']), /^sha256:[0-9a-f]{64}$/u);
});

for (const mode of ['hash', 'full', 'redacted'] as const) {
  test(`arguments too deep for any text cost the line nothing else (${mode})`, () => {
    let args: JsonObject = {};
    for (let level = 0; level < 100_000; level += 1) args = { a: args };
    const line = lineOf({ args }, mode);
    assert.equal(line['target'], 'create_issue');
    assert.ok(JSON.stringify(line).length < 2000);
  });
}

test('what a client calls itself is cut', () => {
  assert.equal(String(lineOf({ client: 'x'.repeat(10_000) })['client']).length, 200);
});

test('a line is one line, whatever is in it', () => {
  const text = textOf({ args: { a: 'b\nc\r\u2028' }, client: 'x\ny' }, 'full');
  assert.equal(text.split(/[\n\r]/u).length, 1);
});

test('equal values have one canonical text, with keys in the order of RFC 8785', () => {
  const text = canonicalJson({ b: [{ z: 1, y: null }], a: undefined, '10': 1, '9': 2, é: 'ü' });
  assert.equal(text, '{"10":1,"9":2,"b":[{"y":null,"z":1}],"é":"ü"}');
});

test('callers turned away are a line with how often and when (R22)', () => {
  const record = {
    code: 'UNAUTHENTICATED',
    address: '10.0.0.1',
    count: 3,
    firstAt: AT - 5,
    lastAt: AT,
  };
  assert.equal(
    turnedAwayLine(record, AT),
    '{"at":"2026-11-22T15:04:05.006Z","outcome":"turned-away","code":"UNAUTHENTICATED","address":"10.0.0.1",' +
      '"count":3,"firstAt":"2026-11-22T15:04:05.001Z","lastAt":"2026-11-22T15:04:05.006Z"}',
  );
});

test('model, trace, tokens and cost stand in the line where they are known, and what came back never does', () => {
  const trace = {
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: 'b7ad6b7169203331',
    parentId: undefined,
    isSampled: true,
    upstreamSpanId: '00f067aa0ba902b7',
    onward: { traceparent: '00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01' },
  };
  const tokens = { arguments: 12, result: 340, isEstimate: false, encoding: 'o200k_base' };
  const result = { content: [{ type: 'text', text: 'what came back' }] };
  const entry = entryOf({ trace, result, model: { provider: 'openai', id: 'gpt-5' } });
  const text = entryLine({ entry, spending: { tokens, cost: 0.00125 } }, 'full');
  const line = JSON.parse(text) as JsonObject;
  assert.deepEqual(
    [line['model'], line['traceId'], line['tokens'], line['cost']],
    [{ provider: 'openai', id: 'gpt-5' }, trace.traceId, tokens, 0.00125],
  );
  assert.doesNotMatch(text, /what came back|b7ad6b7169203331/u);
  const plain = lineOf();
  for (const name of ['model', 'traceId', 'tokens', 'cost', 'warnings'])
    assert.equal(name in plain, false, name);
});

test('the model that tokens were priced for stands before the one the agent names', () => {
  const tokens = { arguments: 1, result: 1, isEstimate: true, encoding: 'o200k_base' };
  const entry = entryOf({ model: { provider: 'said', id: 'so' } });
  const model = { provider: 'known', id: 'better' };
  const text = entryLine({ entry, spending: { tokens, cost: undefined, model } }, 'none');
  assert.deepEqual((JSON.parse(text) as JsonObject)['model'], model);
});

test('an event says what, who and when, without what looks like a secret', () => {
  const details = {
    path: 'auth.header',
    token: 'hunter2-hunter2',
    note: 'ghp_0123456789abcdef0123',
  };
  assert.equal(
    eventLine({ event: 'config-changed', by: 'root', details }, AT),
    '{"at":"2026-11-22T15:04:05.006Z","event":"config-changed","by":"root",' +
      '"details":{"path":"auth.header","token":"[redacted]","note":"[redacted]"}}',
  );
});

test('lines that were lost are a line with how many and when (R22)', () => {
  assert.equal(
    lossLine({ count: 2, firstAt: AT - 5, lastAt: AT }, AT),
    '{"at":"2026-11-22T15:04:05.006Z","outcome":"lost","count":2,' +
      '"firstAt":"2026-11-22T15:04:05.001Z","lastAt":"2026-11-22T15:04:05.006Z"}',
  );
});

test('a line of a further round names the exchange that began its call, right after its own id (R3)', () => {
  const line = textOf({ callId: 'run-0', outcome: 'input-required' });
  assert.match(
    line,
    /"id":"run-1","callId":"run-0","method":"tools\/call","outcome":"input-required",/u,
  );
  assert.ok(!('callId' in lineOf()));
});
