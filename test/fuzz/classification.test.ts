import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { errorOf, kindOf, type Message, type Response } from '../../src/kernel/json-rpc.ts';
import { Refusal, type RefusalCode } from '../../src/kernel/refusals.ts';
import { eraOf, isModernBatch, messageOf, parseBody } from '../../src/listen/classify.ts';
import { senderOf } from '../../src/listen/modern-checks.ts';
import { mutateBytes } from './mutate-bytes.ts';
import { mutateJson } from './mutate-json.ts';
import { Random } from './random.ts';

const RUNS = { seed: 20_260_728, numRuns: 2000 };

/** Messages as clients send them; what is judged is what becomes of them. */
const MODERN = {
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: {
    name: 'a__b',
    arguments: { x: 1 },
    _meta: {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': {},
      'io.modelcontextprotocol/logLevel': 'info',
    },
  },
};
const EXAMPLES = [
  MODERN,
  { jsonrpc: '2.0', id: 'x', method: 'tools/list', params: {} },
  { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } },
  { jsonrpc: '2.0', id: 1, result: { content: [] } },
  { jsonrpc: '2.0', id: 1, error: { code: -32_600, message: 'no', data: {} } },
  [MODERN, { jsonrpc: '2.0', id: 2, method: 'ping' }],
].map((value) => JSON.stringify(value));

const member = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom('2.0', 1, 'a', {}, null));
const nearly = fc
  .dictionary(fc.constantFrom('jsonrpc', 'id', 'method', 'params', 'result', 'error'), member)
  .map((value) => JSON.stringify({ jsonrpc: '2.0', ...value }));
const mutated = fc.tuple(fc.nat(), fc.constantFrom(...EXAMPLES)).map(([seed, text]) => {
  const random = new Random(seed);
  return random.chance(0.8)
    ? mutateJson(text, random, EXAMPLES)
    : mutateBytes(text, random, EXAMPLES);
});
const texts = fc.oneof(nearly, mutated, fc.json(), fc.string());

/** What a step gives, or the code of its refusal; anything else thrown fails the test. */
function attempt<T>(step: () => T): T | RefusalCode {
  try {
    return step();
  } catch (error) {
    assert.ok(error instanceof Refusal, String(error));
    return error.code;
  }
}

test('any text is a message or one of two refusals, and a message is what its kind says', () => {
  fc.assert(
    fc.property(texts, (text) => {
      const message = attempt(() => messageOf(parseBody(text)));
      if (typeof message === 'string') {
        assert.ok(['MALFORMED_JSON', 'MALFORMED_MESSAGE'].includes(message), message);
        return;
      }
      check(message);
    }),
    RUNS,
  );
});

function check(message: Message): void {
  const kind = kindOf(message);
  assert.equal('method' in message, kind !== 'response');
  assert.equal('method' in message && 'id' in message, kind === 'request');
  if ('method' in message) {
    assert.ok('method' in message && typeof message.method === 'string');
    return;
  }
  const response: Response = message;
  const error = errorOf(response);
  if (error === undefined) assert.equal(typeof response.result, 'object');
  else assert.ok(Number.isSafeInteger(error.code) && typeof error.message === 'string');
}

test('every message has an era, whatever its version header says, and so has every batch', () => {
  fc.assert(
    fc.property(texts, fc.option(fc.string(), { nil: undefined }), (text, header) => {
      const value = attempt(() => parseBody(text));
      if (Array.isArray(value)) assert.equal(typeof isModernBatch(value, header), 'boolean');
      const message = attempt(() => messageOf(parseBody(text)));
      if (typeof message === 'object')
        assert.ok(['legacy', 'modern'].includes(eraOf(message, header)));
    }),
    RUNS,
  );
});

const SENDER_REFUSALS = [
  'PARAMS_INVALID',
  'METHOD_UNKNOWN',
  'HEADER_MISMATCH',
  'VERSION_UNSUPPORTED',
];

test('what a modern request says of its sender is taken, or refused for a reason of its own', () => {
  const headers = fc.dictionary(
    fc.constantFrom('mcp-protocol-version', 'mcp-method', 'mcp-name'),
    fc.oneof(fc.string(), fc.constantFrom('2026-07-28', 'tools/call', 'a__b', '=?base64?_?=')),
  );
  fc.assert(
    fc.property(mutated, headers, (text, given) => {
      const message = attempt(() => messageOf(parseBody(text)));
      if (typeof message === 'string' || !('method' in message) || !('id' in message)) return;
      const sender = attempt(() => senderOf(message, (name) => given[name]));
      if (typeof sender === 'string') assert.ok(SENDER_REFUSALS.includes(sender), sender);
      else assert.equal(sender.version, '2026-07-28');
    }),
    RUNS,
  );
});
