import assert from 'node:assert/strict';
import test from 'node:test';

import type { Entry } from '../../../../src/kernel/entry.ts';
import type { JsonObject } from '../../../../src/kernel/json.ts';
import { definitionsIn } from '../../../../src/record/tokens/definitions.ts';
import { estimateTexts, isWithin } from '../../../../src/record/tokens/sizes.ts';
import { textsOf, type Texts } from '../../../../src/record/tokens/texts.ts';
import { entryOf } from '../entries.ts';

function partsOf(method: string, result: JsonObject, changes: Partial<Entry> = {}): Texts['parts'] {
  return textsOf(entryOf({ method, result, ...changes }))?.parts ?? [];
}

test('of a tool result the model reads texts, texts of embedded resources, and links as JSON', () => {
  const link = { type: 'resource_link', uri: 'file:///a', name: 'a' };
  const content = [
    { type: 'text', text: 'one' },
    { type: 'resource', resource: { uri: 'file:///b', text: 'two' } },
    link,
    { type: 'image', data: '', mimeType: 'image/png' },
  ];
  const texts = textsOf(entryOf({ result: { content, structuredContent: { a: 1 } } }));
  assert.deepEqual(texts?.parts, ['one', 'two', link]);
  assert.deepEqual(texts?.args, { title: 'A bug' });
  assert.equal(texts?.media, 1000);
});

test('structured content counts where there is no other', () => {
  assert.deepEqual(partsOf('tools/call', { content: [], structuredContent: { a: 1 } }), [{ a: 1 }]);
  assert.deepEqual(partsOf('tools/call', { structuredContent: { a: 1 } }), [{ a: 1 }]);
});

test('results of tasks, prompts, resources and completions are read by what is in them', () => {
  const content = [{ type: 'text', text: 'done' }];
  assert.deepEqual(partsOf('tasks/result', { content }), ['done']);
  assert.deepEqual(partsOf('tasks/get', { status: 'completed', result: { content } }), ['done']);
  assert.deepEqual(partsOf('tasks/get', { status: 'working' }), []);
  const messages = [
    { role: 'user', content: { type: 'text', text: 'a' } },
    { role: 'user', content: [{ type: 'text', text: 'b' }] },
  ];
  assert.deepEqual(partsOf('prompts/get', { messages }), ['a', 'b']);
  const contents = [{ uri: 'a:b', text: 'text' }, { uri: 'a:c', blob: 'AAAA' }, { uri: 'a:d' }];
  const read = textsOf(
    entryOf({ method: 'resources/read', result: { contents }, args: undefined }),
  );
  assert.deepEqual([read?.parts, read?.media], [['text'], 1]);
  const completion = { values: ['one', 'two', 3], hasMore: false };
  assert.deepEqual(partsOf('completion/complete', { completion }), ['one', 'two']);
});

test('a list counts by its definitions: what of them reaches a model', () => {
  const tool = {
    name: 'x__echo',
    title: 'Echo',
    description: 'Says it again.',
    inputSchema: { type: 'object' },
    outputSchema: { type: 'object' },
    annotations: { readOnlyHint: true },
    _meta: { a: 1 },
  };
  const list = JSON.stringify({ tools: [tool, { name: 'y' }], nextCursor: 'c' });
  const texts = textsOf(entryOf({ method: 'tools/list', result: list, args: undefined }));
  assert.equal(texts?.list, list);
  assert.deepEqual(definitionsIn(list), [
    '{"name":"x__echo","title":"Echo","description":"Says it again.","inputSchema":{"type":"object"}}',
    '{"name":"y"}',
  ]);
  const prompts = [{ name: 'p', arguments: [{ name: 'a' }], _meta: {} }];
  assert.deepEqual(definitionsIn(JSON.stringify({ prompts })), [
    '{"name":"p","arguments":[{"name":"a"}]}',
  ]);
  assert.deepEqual(definitionsIn('{"resources":[{"uri":"a:b","name":"n","size":9}]}'), [
    '{"uri":"a:b","name":"n"}',
  ]);
  assert.deepEqual(definitionsIn('{"resourceTemplates":[{"uriTemplate":"a:{b}"}]}'), [
    '{"uriTemplate":"a:{b}"}',
  ]);
  assert.deepEqual(definitionsIn('{}'), []);
});

test('where there is no result the model reads the message; of a crash what callers are told, not what the log is', () => {
  const refused = entryOf({ outcome: 'refused', result: undefined, failure: 'Not allowed.' });
  assert.deepEqual(textsOf(refused)?.parts, ['Not allowed.']);
  const crashed = entryOf({ outcome: 'crashed', result: undefined, failure: 'x at secret.ts:1' });
  assert.deepEqual(textsOf(crashed)?.parts, ['Something went wrong inside the gateway.']);
  const failed = entryOf({ outcome: 'error', result: { code: -32602, message: 'No such thing' } });
  assert.deepEqual(textsOf(failed)?.parts, ['No such thing']);
  const cancelled = entryOf({ outcome: 'cancelled', result: undefined });
  assert.deepEqual(textsOf(cancelled)?.parts, []);
});

test('what no model writes or reads has nothing to count', () => {
  for (const method of ['ping', 'initialize', 'resources/subscribe', 'tasks/cancel', 'other'])
    assert.equal(textsOf(entryOf({ method })), undefined, method);
  assert.equal(textsOf(entryOf({ args: undefined, result: {} })), undefined);
  assert.equal(textsOf(entryOf({ args: undefined, result: { content: [] } })), undefined);
});

test('results of any shape are read without harm', () => {
  const odd: JsonObject[] = [
    { content: 'text' },
    { content: [null, 1, 'x', []] },
    { content: [{ type: 'text', text: 5 }, { type: 'resource' }, {}] },
    { content: [{ type: 'resource', resource: { blob: 7 } }] },
    { messages: [{}, { content: null }], contents: {}, completion: [] },
  ];
  for (const result of odd)
    for (const method of ['tools/call', 'prompts/get', 'resources/read', 'completion/complete'])
      assert.doesNotThrow(() => textsOf(entryOf({ method, result })));
});

test('R23: texts are within the bound by the bytes of all of them together', () => {
  const within = (entry: Partial<Entry>, max: number): boolean => {
    const texts = textsOf(entryOf(entry));
    return texts !== undefined && isWithin(texts, max);
  };
  const text = (length: number, char = 'x'): Partial<Entry> => ({
    args: undefined,
    result: { content: [{ type: 'text', text: char.repeat(length) }] },
  });
  assert.equal(within(text(100), 100), true);
  assert.equal(within(text(101), 100), false);
  assert.equal(within(text(33, '界'), 100), true);
  assert.equal(within(text(34, '界'), 100), false);
  assert.equal(within({ ...text(60), args: { a: 'y'.repeat(60) } }, 100), false);
  assert.equal(within({ args: { list: Array.from({ length: 50 }, () => 1) } }, 100), false);
});

test('arguments nested without end are not followed to it', () => {
  let args: JsonObject = {};
  for (let depth = 0; depth < 50_000; depth += 1) args = { a: args };
  const texts = textsOf(entryOf({ args }));
  assert.ok(texts !== undefined);
  assert.equal(isWithin(texts, 1_000_000), false);
  assert.ok(estimateTexts(texts, 'o200k_base', undefined).arguments > 0);
});

test('more items than are looked at are made up for by the size of the result', () => {
  const content = Array.from({ length: 5000 }, () => ({
    type: 'text',
    text: 'four little words here',
  }));
  const result = { content };
  const texts = textsOf(entryOf({ result, args: undefined }));
  assert.ok(texts !== undefined && texts.isCut);
  assert.equal(isWithin(texts, 10_000_000), false);
  const whole = JSON.stringify(result).length;
  const estimate = estimateTexts(texts, 'o200k_base', whole).result;
  assert.ok(estimate > 4 * 5000 && estimate < 16 * 5000, String(estimate));
});

test('what a model wrote counts in the first round of a call; what a retry says again does not (R3)', () => {
  const asked = { resultType: 'input_required', inputRequests: {}, requestState: 's' };
  const first = textsOf(entryOf({ outcome: 'input-required', result: asked }));
  assert.deepEqual([first?.args, first?.parts], [{ title: 'A bug' }, []]);
  const last = textsOf(entryOf({ callId: 'run-0' }));
  assert.deepEqual([last?.args, last?.parts], [undefined, ['done']]);
  const none = textsOf(entryOf({ callId: 'run-0', result: { content: [] } }));
  assert.deepEqual([none?.args, none?.parts], [undefined, []], 'its tokens are known: none');
});
