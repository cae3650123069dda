import assert from 'node:assert/strict';
import test from 'node:test';
import { objectAt, type JsonObject } from '../../../src/kernel/json.ts';
import { questionFor } from '../../../src/kernel/question-shapes.ts';

/** Questions in the shape each legacy revision knows (docs/decisions/0028). */

const TITLED = {
  type: 'string',
  title: 'Colour',
  oneOf: [
    { const: '#f00', title: 'Red' },
    { const: '#0f0', title: 'Green, dark' },
  ],
  default: '#f00',
};
const SEVERAL = {
  type: 'array',
  title: 'Colours',
  description: 'Pick.',
  minItems: 1,
  items: { anyOf: TITLED.oneOf },
  default: ['#0f0'],
};
const NAMES = { type: 'array', items: { type: 'string', enum: ['a', 'b'] } };

function form(properties: JsonObject): { method: string; params: JsonObject } {
  const requestedSchema = { type: 'object', properties, required: ['x'] };
  return { method: 'elicitation/create', params: { mode: 'form', message: 'm', requestedSchema } };
}

function asked(properties: JsonObject, version: string): JsonObject {
  const { params } = questionFor(form(properties), version, 'q1').question;
  return objectAt(objectAt(params, 'requestedSchema'), 'properties') ?? {};
}

function answered(property: JsonObject, value: string | number): unknown {
  const { read } = questionFor(form({ x: property, y: { type: 'string' } }), '2025-06-18', 'q1');
  const content = { x: value, y: 'a, b' };
  const { content: got, ...rest } = read({ action: 'accept', content, future: 1 });
  assert.deepEqual(rest, { action: 'accept', future: 1 });
  assert.equal((got as JsonObject)['y'], 'a, b', 'only what was asked in another form is read');
  return (got as JsonObject)['x'];
}

test('a choice with titles is asked of clients before 2025-11-25 in the form they know', () => {
  const { oneOf: _titled, ...rest } = TITLED;
  assert.deepEqual(asked({ x: TITLED }, '2025-06-18'), {
    x: { ...rest, enum: ['#f00', '#0f0'], enumNames: ['Red', 'Green, dark'] },
  });
  assert.deepEqual(asked({ x: TITLED, y: SEVERAL }, '2025-11-25'), { x: TITLED, y: SEVERAL });
  assert.equal(answered(TITLED, '#f00'), '#f00');
});

test('several choices are written down by clients before 2025-11-25, and read for the server', () => {
  assert.deepEqual(asked({ x: SEVERAL, y: NAMES }, '2025-06-18'), {
    x: {
      type: 'string',
      title: 'Colours',
      description: 'Pick. Any of these, with commas between them: Red, Green, dark.',
      default: 'Green, dark',
    },
    y: { type: 'string', description: 'Any of these, with commas between them: a, b.' },
  });
  assert.deepEqual(answered(SEVERAL, 'Red, Green, dark'), ['#f00', '#0f0']);
  assert.deepEqual(answered(SEVERAL, ' green, dark ,#f00,red'), ['#0f0', '#f00']);
  assert.deepEqual(answered(SEVERAL, ''), []);
  assert.deepEqual(
    answered(NAMES, 'b,mauve,, a'),
    ['b', 'mauve', 'a'],
    'what is none of them stays',
  );
  assert.equal(answered(NAMES, 7), 7);
});

test('a question that its client can take is the very same', () => {
  const properties = {
    x: { type: 'string', enum: ['a'], enumNames: ['A'] },
    n: { type: 'number' },
  };
  const question = form(properties);
  assert.equal(questionFor(question, '2025-06-18', 'q1').question, question);
  const roots = { method: 'roots/list' };
  assert.equal(questionFor(roots, '2024-11-05', 'q1').question, roots);
});

test('a URL has the id that 2025-11-25 wants, its own or one of ours', () => {
  const params = { mode: 'url', url: 'https://x', message: 'm' };
  const question = { method: 'elicitation/create', params };
  assert.deepEqual(questionFor(question, '2025-11-25', 'q1').question.params, {
    ...params,
    elicitationId: 'q1',
  });
  const own = { ...question, params: { ...params, elicitationId: 'e' } };
  assert.deepEqual(questionFor(own, '2025-11-25', 'q1').question.params, own.params);
});

test('messages for a model have one piece of content each before 2025-11-25, and no audio before 2025-03-26', () => {
  const text = { type: 'text', text: 't' };
  const audio = { type: 'audio', data: 'QQ==', mimeType: 'audio/wav' };
  const messages = [
    { role: 'user', content: [text, audio] },
    { role: 'assistant', content: text },
  ];
  const params = { messages, maxTokens: 1, future: 1 } as unknown as JsonObject;
  const shaped = (version: string): unknown =>
    questionFor({ method: 'sampling/createMessage', params }, version, 'q1').question.params;
  const apart = (second: JsonObject): unknown => ({
    maxTokens: 1,
    future: 1,
    messages: [
      { role: 'user', content: text },
      { role: 'user', content: second },
      { role: 'assistant', content: text },
    ],
  });
  assert.equal(shaped('2025-11-25'), params);
  assert.deepEqual(shaped('2025-06-18'), apart(audio));
  assert.deepEqual(shaped('2024-11-05'), apart({ type: 'text', text: JSON.stringify(audio) }));
});
