import assert from 'node:assert/strict';
import test from 'node:test';
import { LEGACY_VERSIONS } from '../../../src/kernel/era.ts';
import type { Json, JsonObject } from '../../../src/kernel/json.ts';
import { promptResultFor, toolResultFor } from '../../../src/spine/result-shapes.ts';

/** Results in the shape each protocol revision knows (docs/decisions/0028). */

const AUDIO = { type: 'audio', data: 'QQ==', mimeType: 'audio/wav', annotations: { priority: 1 } };
const LINK = { type: 'resource_link', uri: 'x:1', name: 'n', annotations: { priority: 1 } };
const PLAIN = [
  { type: 'text', text: 't' },
  { type: 'image', data: 'QQ==', mimeType: 'image/png' },
  { type: 'resource', resource: { uri: 'x:1', text: 't' } },
  { type: 'hologram', future: 1 },
];

function content(item: JsonObject, version: string): Json | undefined {
  const result = toolResultFor({ content: [...PLAIN, item] }, version, true);
  assert.deepEqual((result['content'] as Json[]).slice(0, -1), PLAIN, 'what is known stays');
  return (result['content'] as Json[]).at(-1);
}

for (const version of LEGACY_VERSIONS) {
  test(`audio and links are shown to clients of ${version} as that revision can`, () => {
    const blob = {
      type: 'resource',
      resource: { uri: 'mcpx-content:audio', mimeType: 'audio/wav', blob: 'QQ==' },
      annotations: { priority: 1 },
    };
    assert.deepEqual(content(AUDIO, version), version < '2025-03-26' ? blob : AUDIO);
    const { annotations, ...said } = LINK;
    const text = { type: 'text', text: JSON.stringify(said), annotations };
    assert.deepEqual(content(LINK, version), version < '2025-06-18' ? text : LINK);
  });

  test(`a result that clients of ${version} can read is the very same object`, () => {
    const result = { content: PLAIN, structuredContent: { a: 1 }, future: 1 };
    assert.equal(toolResultFor(result, version, true), result);
    const task = { task: { taskId: 't' } };
    assert.equal(toolResultFor(task, version, true), task);
  });

  for (const value of [[1, { a: 2 }], 'text', 7, false, null] as const) {
    test(`structured content ${JSON.stringify(value)} is a text to clients of ${version}, once`, () => {
      const shape = (items: Json[]): JsonObject =>
        toolResultFor(
          { content: items, structuredContent: value as Json, isError: false },
          version,
          true,
        );
      const text = { type: 'text', text: JSON.stringify(value) };
      const other = { type: 'text', text: 'other' };
      assert.deepEqual(shape([other]), { content: [other, text], isError: false });
      const spaced = { type: 'text', text: JSON.stringify(value, undefined, 2) };
      assert.deepEqual(shape([spaced]), { content: [spaced], isError: false });
    });
  }
}

test('a text that is the structured content as it stands is not repeated', () => {
  const said = [{ type: 'text', text: 'as it stands' }];
  const result = { content: said, structuredContent: 'as it stands' };
  assert.deepEqual(toolResultFor(result, '2025-11-25', true), { content: said });
});

test('clients that do not know structured content see it in text where there is nothing else', () => {
  const result = { content: [], structuredContent: { a: 1 } };
  const text = { type: 'text', text: '{"a":1}' };
  assert.deepEqual(toolResultFor(result, '2025-03-26', true), { ...result, content: [text] });
  assert.equal(toolResultFor(result, '2025-06-18', true), result);
});

test('a result without the content that every revision wants gets one (spec, CallToolResult)', () => {
  assert.deepEqual(toolResultFor({ isError: true }, '2026-07-28', false), {
    isError: true,
    content: [],
  });
  const structured = { structuredContent: [1] };
  const text = { type: 'text', text: '[1]' };
  assert.deepEqual(toolResultFor(structured, '2026-07-28', false), {
    ...structured,
    content: [text],
  });
  const asked = { resultType: 'input_required', inputRequests: {} };
  assert.equal(toolResultFor(asked, '2026-07-28', false), asked);
});

test('a modern client gets any structured content as it is', () => {
  const result = { content: [AUDIO, LINK], structuredContent: [1] };
  assert.equal(toolResultFor(result, '2026-07-28', false), result);
});

test('a prompt is shown as its client can read it', () => {
  const result = {
    messages: [
      { role: 'user', content: LINK },
      { role: 'user', content: PLAIN[0] },
    ],
  };
  const { annotations, ...said } = LINK;
  assert.deepEqual(promptResultFor(result as unknown as JsonObject, '2025-03-26'), {
    messages: [
      { role: 'user', content: { type: 'text', text: JSON.stringify(said), annotations } },
      { role: 'user', content: PLAIN[0] },
    ],
  });
  assert.equal(promptResultFor(result as unknown as JsonObject, '2025-06-18'), result);
});
