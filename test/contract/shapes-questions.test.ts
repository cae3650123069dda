import assert from 'node:assert/strict';
import test from 'node:test';
import { partOf, type JsonObject, type Rpc } from '../support/raw-http.ts';
import { RawSession } from '../support/raw-clients.ts';
import { sceneOf, scripted } from '../support/shapes-scene.ts';

/** Questions of modern servers in the shape that each legacy revision knows (docs/decisions/0028). */

const options = [
  { const: '#f00', title: 'Red' },
  { const: '#0f0', title: 'Green' },
];
const properties = {
  one: { type: 'string', oneOf: options },
  several: { type: 'array', items: { anyOf: options } },
};
const form = { mode: 'form', message: 'm', requestedSchema: { type: 'object', properties } };
const url = { mode: 'url', message: 'm', url: 'https://x' };
const asking = (params: JsonObject): JsonObject => ({
  ask: { q: { method: 'elicitation/create', params } },
});
const tool = (name: string): JsonObject => ({ name, inputSchema: { type: 'object' } });
const { port } = await sceneOf({
  servers: {
    it: scripted('modern', {
      capabilities: { tools: {} },
      lists: { tools: [tool('form'), tool('url')] },
      answers: { 'tools/call form': asking(form), 'tools/call url': asking(url) },
    }),
  },
});

/** Calls a tool that asks once, answers it, and returns what was asked and what the server got. */
async function asked(
  version: string,
  name: string,
  answer: JsonObject,
): Promise<{ readonly params: JsonObject; readonly got: JsonObject }> {
  const capabilities = { elicitation: { form: {}, url: {} } };
  const session = await RawSession.open(port, { version, capabilities });
  const body = session.body('tools/call', { name: `it__${name}` });
  const stream = await session.stream(body);
  const question = await stream.nextMessage(({ method }: Rpc) => method === 'elicitation/create');
  await session.post({ jsonrpc: '2.0', id: question.id, result: answer });
  const answered = await stream.nextMessage(({ id }: Rpc) => id === body.id);
  const [{ text }] = partOf<[{ text: string }]>(answered, 'content');
  return { params: question.params ?? {}, got: (JSON.parse(text) as { q: JsonObject }).q };
}

test('a client of 2025-06-18 is asked in forms it knows, and its server reads the answer in those it asked for', async () => {
  const content = { one: '#f00', several: 'Red, Green' };
  const { params, got } = await asked('2025-06-18', 'form', { action: 'accept', content });
  const { properties: shown } = params['requestedSchema'] as { properties: JsonObject };
  assert.deepEqual(shown, {
    one: { type: 'string', enum: ['#f00', '#0f0'], enumNames: ['Red', 'Green'] },
    several: { type: 'string', description: 'Any of these, with commas between them: Red, Green.' },
  });
  assert.deepEqual(got, {
    action: 'accept',
    content: { one: '#f00', several: ['#f00', '#0f0'] },
  });
});

test('a client of 2025-11-25 is asked as its server asks', async () => {
  const content = { one: '#f00', several: ['#f00'] };
  const { params, got } = await asked('2025-11-25', 'form', { action: 'accept', content });
  assert.deepEqual((params['requestedSchema'] as JsonObject)['properties'], properties);
  assert.deepEqual(got, { action: 'accept', content });
});

test('a client of 2025-11-25 gets an id with each URL to open', async () => {
  const { params, got } = await asked('2025-11-25', 'url', { action: 'accept' });
  assert.equal(params['url'], 'https://x');
  assert.match(String(params['elicitationId']), /./u);
  assert.notEqual(params['elicitationId'], undefined);
  assert.deepEqual(got, { action: 'accept' });
});
