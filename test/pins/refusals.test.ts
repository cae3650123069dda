import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { Refusal, REFUSALS, type RefusalCode } from '../../src/kernel/refusals.ts';
import { ROOT } from '../support/conformance-processes.ts';

/** What clients can build on: a refusal's name, its HTTP status and its JSON-RPC code. A change here is a change for them. */
const PINNED: Readonly<Record<RefusalCode, readonly [http: number, rpc: number]>> = {
  MALFORMED_JSON: [400, -32700],
  MALFORMED_HTTP: [400, -32600],
  MALFORMED_MESSAGE: [400, -32600],
  BATCH_UNSUPPORTED: [400, -32600],
  BATCH_TOO_LONG: [400, -32600],
  BODY_TOO_LARGE: [413, -32600],
  RECEIVE_TIMEOUT: [408, -32600],
  HEADERS_TOO_LARGE: [431, -32600],
  CONTENT_TYPE_UNSUPPORTED: [415, -32600],
  NOT_ACCEPTABLE: [406, -32600],
  PATH_UNKNOWN: [404, -32600],
  HTTP_METHOD_UNSUPPORTED: [405, -32600],
  HOST_REFUSED: [403, -32600],
  ORIGIN_REFUSED: [403, -32600],
  ADDRESS_REFUSED: [403, -32600],
  UNAUTHENTICATED: [401, 1401],
  CONSUMER_REFUSED: [403, 1402],
  INSUFFICIENT_SCOPE: [403, 1407],
  ADMIN_REFUSED: [403, 1405],
  FORBIDDEN: [200, 1403],
  ASK_FORBIDDEN: [200, 1406],
  GUESSING: [429, 1428],
  LIMITED: [429, 1429],
  RESULT_TOO_LARGE: [200, 1430],
  RECORD_UNAVAILABLE: [200, 1530],
  SESSION_REQUIRED: [400, -32600],
  SESSION_UNKNOWN: [404, 1404],
  SESSION_UNINITIALIZED: [400, -32600],
  DUPLICATE_INITIALIZE: [400, -32600],
  DUPLICATE_ID: [400, -32600],
  VERSION_HEADER_UNSUPPORTED: [400, -32600],
  VERSION_UNSUPPORTED: [400, -32022],
  HEADER_MISMATCH: [400, -32020],
  CAPABILITY_MISSING: [400, -32021],
  METHOD_UNKNOWN: [404, -32601],
  PARAMS_INVALID: [400, -32602],
  TARGET_UNKNOWN: [200, -32602],
  RESOURCE_UNKNOWN: [200, -32602],
  UPSTREAM_UNAVAILABLE: [200, 1503],
  UPSTREAM_LOST: [200, 1502],
  UPSTREAM_TIMEOUT: [200, 1504],
  UPSTREAM_BUSY: [200, 1505],
  UPSTREAM_PROTOCOL: [200, 1506],
  CLIENT_UNREACHABLE: [200, 1510],
  INPUT_DECLINED: [200, 1511],
  OVERLOADED: [503, 1521],
  SHUTTING_DOWN: [503, 1520],
  INTERNAL: [500, -32603],
};

/** Codes that JSON-RPC 2.0 or MCP define; nothing else of that range may be ours. */
const DEFINED = [-32700, -32600, -32601, -32602, -32603, -32002, -32020, -32021, -32022];

const CODES = Object.keys(REFUSALS) as RefusalCode[];

/** The rows of the reference page: code, HTTP, JSON-RPC, sentence, remedy. */
function documented(): string[][] {
  return readFileSync(join(ROOT, 'docs/reference/refusals.md'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split(/(?<!\\)\|/u).slice(1, -1))
    .map((cells) => cells.map((cell) => cell.trim().replaceAll(/^`|`$/gu, '')));
}

test('every refusal has the status and the code it always had, and none has come or gone unseen', () => {
  const actual = Object.fromEntries(
    CODES.map((code) => [code, [REFUSALS[code].http, REFUSALS[code].rpc]]),
  );
  assert.deepEqual(actual, PINNED);
});

test('our own codes lie outside -32768..-32000, but for those that JSON-RPC or MCP define (R8)', () => {
  for (const code of CODES) {
    const { rpc } = REFUSALS[code];
    const isReserved = rpc >= -32768 && rpc <= -32000;
    assert.equal(isReserved, DEFINED.includes(rpc), code);
  }
});

test('codes of our own stand for one refusal each', () => {
  const own = CODES.map((code) => REFUSALS[code].rpc).filter((rpc) => !DEFINED.includes(rpc));
  assert.equal(new Set(own).size, own.length);
});

test('the reference page has every refusal as the code has it, and no other', () => {
  const expected = CODES.map((code) => {
    const { http, rpc, sentence, remedy } = REFUSALS[code];
    return [code, String(http), String(rpc), sentence, remedy];
  });
  assert.deepEqual(documented(), expected);
});

test('every refusal says what happened and what to do about it, in whole sentences without secrets or internals', () => {
  for (const code of CODES) {
    for (const text of [REFUSALS[code].sentence, REFUSALS[code].remedy]) {
      assert.match(text, /^[A-Z].*[.)]$/u, code);
      assert.doesNotMatch(text, /undefined|null|src\/|stack/u, code);
    }
    assert.equal(new Refusal(code).message, REFUSALS[code].sentence);
  }
});

test('no refusal is answered with a status that means success, but for what a server behind did and what policy said', () => {
  for (const code of CODES) {
    const { http } = REFUSALS[code];
    const isOfCall =
      /^(?:UPSTREAM_|TARGET_|RESOURCE_|CLIENT_|INPUT_|FORBIDDEN$|ASK_FORBIDDEN$|RESULT_|RECORD_)/u.test(
        code,
      );
    assert.equal(http === 200, isOfCall, code);
    assert.ok(http === 200 || (http >= 400 && http < 600), code);
  }
});
