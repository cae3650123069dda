import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test from 'node:test';
import type { AuditPlan } from '../../../src/kernel/access.ts';
import type { Entry } from '../../../src/kernel/entry.ts';
import type { JsonObject } from '../../../src/kernel/json.ts';
import { entryLine, turnedAwayLine } from '../../../src/record/audit-line.ts';
import { canonicalJson } from '../../../src/record/canonical-json.ts';
import { entryOf } from './entries.ts';

const AT = Date.UTC(2026, 10, 22, 15, 4, 5, 6);

function lineOf(
  changes: Partial<Entry> = {},
  mode: AuditPlan['arguments'] = 'redacted',
): JsonObject {
  return JSON.parse(entryLine(entryOf(changes), mode, AT)) as JsonObject;
}

test('a call is one flat line with its members in this order', () => {
  const line = entryLine(
    entryOf({
      shadows: ['no-writes'],
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
    }),
    'redacted',
    AT,
  );
  const expected =
    '{"at":"2026-11-22T15:04:05.006Z","method":"tools/call","outcome":"refused","code":"FORBIDDEN",' +
    '"rule":"permissions.default","shadows":["no-writes"],"server":"github","kind":"tool",' +
    '"target":"create_issue","custom":"file_bug","caller":{"proof":"token","name":"ann",' +
    '"consumer":"dev","groups":["g"],"scopes":["read"],"endpoint":"ro"},"client":"cursor",' +
    '"session":"s1","transport":"http","era":"legacy","durationMs":12.346,' +
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
  const text = entryLine(entryOf({ args: { a: 'b\nc\r\u2028' }, client: 'x\ny' }), 'full', AT);
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
