import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { fromHeader, toHeader } from '../../../src/kernel/header-text.ts';
import type { JsonObject } from '../../../src/kernel/json.ts';
import { paramHeaders, paramValue } from '../../../src/kernel/param-headers.ts';
import { modernHeaders } from '../../../src/upstream/modern-headers.ts';

const tool = (properties: JsonObject): JsonObject => ({
  name: 't',
  inputSchema: { type: 'object', properties },
});

test('every request says its version and method, and its name where the protocol has one', () => {
  for (const [method, params, name] of [
    ['tools/call', { name: 'a' }, 'a'],
    ['prompts/get', { name: 'b' }, 'b'],
    ['resources/read', { uri: 'x://y' }, 'x://y'],
    ['tasks/get', { taskId: 't' }, 't'],
    ['tasks/update', { taskId: 't' }, 't'],
    ['tasks/cancel', { taskId: 't' }, 't'],
    ['tools/list', { name: 'a' }, undefined],
    ['completion/complete', { ref: { name: 'a' } }, undefined],
    ['tools/call', { name: 7 }, undefined],
  ] as const) {
    const headers = modernHeaders(method, params, undefined);
    assert.deepEqual(headers, {
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': method,
      ...(name === undefined ? {} : { 'mcp-name': name }),
    });
  }
});

test('arguments are mirrored as the schema says, nested ones too, and only scalars (R21)', () => {
  const item = tool({
    region: { type: 'string', 'x-mcp-header': 'Region' },
    count: { type: 'integer', 'x-mcp-header': 'Count' },
    on: { type: 'boolean', 'x-mcp-header': 'On' },
    gone: { type: 'string', 'x-mcp-header': 'Gone' },
    list: { type: 'string', 'x-mcp-header': 'List' },
    inner: { type: 'object', properties: { deep: { type: 'string', 'x-mcp-header': 'Deep' } } },
    plain: { type: 'string' },
  });
  const args = { region: 'eu', count: 0, on: false, list: ['x'], inner: { deep: 'd' }, plain: 'p' };
  const headers = modernHeaders('tools/call', { name: 't', arguments: args }, item);
  const mirrored = Object.entries(headers).filter(([name]) => name.startsWith('mcp-param-'));
  assert.deepEqual(Object.fromEntries(mirrored), {
    'mcp-param-region': 'eu',
    'mcp-param-count': '0',
    'mcp-param-on': 'false',
    'mcp-param-deep': 'd',
  });
});

test('arguments of anything but a tool call are not mirrored', () => {
  const item = tool({ region: { type: 'string', 'x-mcp-header': 'Region' } });
  const params = { name: 't', arguments: { region: 'eu' } };
  assert.equal('mcp-param-region' in modernHeaders('prompts/get', params, item), false);
});

test('an annotation that cannot be a header makes the tool one that must not be offered', () => {
  const annotated = (name: unknown, type = 'string'): JsonObject =>
    ({ type, 'x-mcp-header': name }) as JsonObject;
  for (const property of [
    annotated(''),
    annotated('a b'),
    annotated('a\r\nb: c'),
    annotated('é'),
    annotated('a:'),
    annotated(7),
    annotated(null),
    annotated('Fine', 'object'),
    annotated('Fine', 'array'),
  ]) {
    assert.equal(paramHeaders(tool({ a: property })), undefined, JSON.stringify(property));
  }
  const twice = tool({ a: annotated('Same'), b: annotated('sAME') });
  assert.equal(paramHeaders(twice), undefined, 'two arguments in one header');
  const unreachable = tool({ a: { type: 'array', items: annotated('X') } });
  assert.equal(paramHeaders(unreachable), undefined, 'no argument leads there');
});

test('tools without annotations, or with a property of that name, are offered as they are', () => {
  for (const item of [
    {},
    { inputSchema: null },
    tool({}),
    tool({ a: { type: 'string' } }),
    tool({ 'x-mcp-header': { type: 'string' } }),
    tool({ a: true }),
  ]) {
    assert.deepEqual(paramHeaders(item), []);
  }
});

test('an argument is found by its own keys alone', () => {
  assert.equal(paramValue({ a: { b: 1 } }, ['a', 'b']), 1);
  for (const path of [['toString'], ['__proto__'], ['constructor', 'name'], ['a', 'length']])
    assert.equal(paramValue({ a: 'text' }, path), undefined, path.join('.'));
  assert.equal(paramValue(undefined, ['a']), undefined);
});

test('any text comes back from its header value, and the value is one HTTP can carry', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 100 }), (text) => {
      const value = toHeader(text.toWellFormed());
      assert.match(value, /^[\x20-\x7e\t]*$/u);
      assert.equal(value.trim(), value);
      assert.equal(fromHeader(value), text.toWellFormed());
    }),
  );
});

test('a text that looks wrapped is wrapped, so that nobody unwraps it by mistake', () => {
  const text = '=?base64?eA==?=';
  assert.notEqual(toHeader(text), text);
  assert.equal(fromHeader(toHeader(text)), text);
  assert.equal(fromHeader(text), 'x');
});

test('a value wrapped badly has no text, one that is not wrapped is its own', () => {
  for (const value of ['=?base64?eA=?=', '=?base64?e?=', '=?base64?e!==?=', '=?base64?e A=?='])
    assert.equal(fromHeader(value), undefined, value);
  for (const value of ['plain', '=?utf-8?eA==?=', '=?base64?eA==', ''])
    assert.equal(fromHeader(value), value);
  assert.equal(fromHeader(undefined), undefined);
});
