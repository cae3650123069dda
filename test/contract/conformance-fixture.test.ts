import assert from 'node:assert/strict';
import { once } from 'node:events';
import test, { type TestContext } from 'node:test';
import { Client as ModernClient } from '@modelcontextprotocol/client';
import { StdioClientTransport as ModernStdio } from '@modelcontextprotocol/client/stdio';
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { LineClient, type LineMessage } from '../support/conformance-line-client.ts';
import { FIXTURE, freePort, startNode, stop, until } from '../support/conformance-processes.ts';

/** What the conformance suites do not touch, but our own tests build on. */

type JsonObject = Record<string, unknown>;

const INFO = { name: 'fixture-test', version: '1.0.0' };

function open(t: TestContext, ...args: readonly string[]): LineClient {
  const client = new LineClient(...args);
  t.after(() => client.close());
  return client;
}

async function openLegacy(t: TestContext, capabilities: JsonObject = {}): Promise<LineClient> {
  const client = open(t, '--era', 'legacy');
  const params = { protocolVersion: '2025-11-25', capabilities, clientInfo: INFO };
  const { result } = await client.request('initialize', params);
  assert.equal(result?.['protocolVersion'], '2025-11-25');
  client.send({ method: 'notifications/initialized' });
  return client;
}

function modern(params: JsonObject = {}, capabilities: JsonObject = {}): JsonObject {
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': capabilities,
    'io.modelcontextprotocol/clientInfo': INFO,
  };
  return { ...params, _meta };
}

function structured({ result }: LineMessage): JsonObject {
  return result?.['structuredContent'] as JsonObject;
}

test('the legacy fixture knows no server/discover and negotiates versions as real servers do', async (t) => {
  const client = open(t, '--era', 'legacy');
  const early = await client.request('server/discover', modern());
  assert.equal(early.error?.code, -32601);
  const { result } = await client.request('initialize', { protocolVersion: '1999-01-01' });
  assert.equal(result?.['protocolVersion'], '2025-11-25');
});

test('a legacy fixture told to exit on a request before initialize does so', async (t) => {
  const client = open(t, '--era', 'legacy', '--before-initialize', 'exit');
  client.begin('server/discover', modern());
  const [code] = (await once(client.child, 'exit')) as [number];
  assert.equal(code, 1);
});

test('a cancelled legacy call is never answered and is recorded', async (t) => {
  const client = await openLegacy(t);
  const slow = { name: 'fixture_slow', arguments: { ms: 5_000, progressEveryMs: 20 } };
  const id = client.begin('tools/call', { ...slow, _meta: { progressToken: 'p' } });
  await client.next(({ method }) => method === 'notifications/progress');
  client.send({ method: 'notifications/cancelled', params: { requestId: id } });
  const state = structured(await client.request('tools/call', { name: 'fixture_state' }));
  assert.equal(state['callsStarted'], 1);
  assert.deepEqual(state['cancelledTools'], ['fixture_slow']);
  assert.deepEqual(state['clientInfo'], INFO);
  assert.deepEqual(state['lastMeta'], { progressToken: 'p' });
  assert.ok(client.received.every((message) => message.id !== id));
});

test('a legacy task asks on its tasks/result and is listed, fetched and cancelled', async (t) => {
  const client = await openLegacy(t, { elicitation: {} });
  const call = { name: 'fixture_task', arguments: { ms: 10, ask: true }, task: { ttl: 1_000 } };
  const { result } = await client.request('tools/call', call);
  const { taskId, status, ttl } = (result?.['task'] ?? {}) as JsonObject;
  assert.deepEqual([status, ttl], ['working', 1_000]);
  const waiting = client.begin('tasks/result', { taskId });
  const question = await client.next(({ method }) => method === 'elicitation/create');
  const related = { 'io.modelcontextprotocol/related-task': { taskId } };
  assert.deepEqual(question.params?.['_meta'], related);
  client.send({ id: question.id, result: { action: 'accept', content: { username: 'ada' } } });
  const done = await client.next(({ id, method }) => id === waiting && method === undefined);
  assert.deepEqual(done.result?.['_meta'], related);
  assert.match(JSON.stringify(done.result), /ada/);
  const got = await client.request('tasks/get', { taskId });
  assert.equal(got.result?.['status'], 'completed');
  const listed = await client.request('tasks/list');
  const ids = ((listed.result?.['tasks'] ?? []) as JsonObject[]).map((task) => task['taskId']);
  assert.deepEqual(ids, [taskId]);
  assert.equal((await client.request('tasks/cancel', { taskId })).error?.code, -32602);
  const bare = await client.request('tools/call', { name: 'fixture_task_required' });
  assert.equal(bare.error?.code, -32601);
});

test('the legacy fixture asks for roots after the call that made it', async (t) => {
  const client = await openLegacy(t, { roots: {} });
  await client.request('tools/call', { name: 'fixture_ask_outside_call' });
  const asked = await client.next(({ method }) => method === 'roots/list');
  client.send({ id: asked.id, error: { code: -32601, message: 'no' } });
  const state = structured(await client.request('tools/call', { name: 'fixture_state' }));
  const last = { code: -32601, message: 'no' };
  assert.deepEqual(state['outside'], { asked: 1, answered: 0, refused: 1, last });
});

test('URL elicitation comes as a request, or as -32042 when told to throw', async (t) => {
  const client = await openLegacy(t, { elicitation: { url: {} } });
  const id = client.begin('tools/call', { name: 'fixture_url_elicitation' });
  const asked = await client.next(({ method }) => method === 'elicitation/create');
  assert.equal(asked.params?.['mode'], 'url');
  client.send({ id: asked.id, result: { action: 'accept' } });
  await client.next(({ method }) => method === 'notifications/elicitation/complete');
  await client.next((message) => message.id === id && message.result !== undefined);
  const call = { name: 'fixture_url_elicitation', arguments: { throw: true } };
  const thrown = await client.request('tools/call', call);
  assert.equal(thrown.error?.code, -32042);
});

test('changes are announced to those who want them', async (t) => {
  const client = await openLegacy(t);
  await client.request('tools/call', { name: 'fixture_touch_resource' });
  await client.request('resources/subscribe', { uri: 'test://watched-resource' });
  await client.request('tools/call', { name: 'fixture_touch_resource' });
  const updates = client.received.filter(({ method }) => method?.endsWith('updated'));
  assert.equal(updates.length, 1);
  await client.request('tools/call', { name: 'fixture_add_tool', arguments: { name: 'new_one' } });
  await client.next(({ method }) => method === 'notifications/tools/list_changed');
  const called = await client.request('tools/call', { name: 'new_one', arguments: { a: 1 } });
  assert.deepEqual(structured(called), { called: 'new_one', arguments: { a: 1 } });
});

test('a modern listen stream on stdio is acknowledged, filtered, tagged and cancelled', async (t) => {
  const client = open(t, '--era', 'modern');
  const notifications = { resourceSubscriptions: ['test://watched-resource'] };
  const id = client.begin('subscriptions/listen', modern({ notifications }));
  const tag = { 'io.modelcontextprotocol/subscriptionId': id };
  const ack = await client.next(({ method }) => method?.endsWith('acknowledged') === true);
  assert.deepEqual(ack.params, { notifications, _meta: tag });
  await client.request('tools/call', modern({ name: 'test_trigger_tool_change' }));
  await client.request('tools/call', modern({ name: 'fixture_touch_resource' }));
  const updated = await client.next(({ method }) => method === 'notifications/resources/updated');
  assert.deepEqual(updated.params, { uri: 'test://watched-resource', _meta: tag });
  assert.ok(client.received.every(({ method }) => method !== 'notifications/tools/list_changed'));
  client.send({ method: 'notifications/cancelled', params: { requestId: id } });
  const state = structured(await client.request('tools/call', modern({ name: 'fixture_state' })));
  assert.equal(state['listening'], 0);
});

test('a modern state is refused when another tool or a forger presents it', async (t) => {
  const client = open(t, '--era', 'modern');
  const first = await client.request('tools/call', modern({ name: 'fixture_state_only' }));
  const requestState = String(first.result?.['requestState']);
  const again = (name: string, state: string): Promise<LineMessage> =>
    client.request('tools/call', modern({ name, requestState: state }));
  assert.match(JSON.stringify(await again('fixture_state_only', requestState)), /came back/);
  assert.equal((await again('test_simple_text', requestState)).error?.code, -32602);
  assert.equal((await again('fixture_state_only', `${requestState}A`)).error?.code, -32602);
});

test('lists come in pages when asked to', async (t) => {
  const client = open(t, '--era', 'modern', '--page-size', '3', '--extra-tools', '2');
  const names: string[] = [];
  let cursor: unknown;
  do {
    const params = cursor === undefined ? {} : { cursor };
    const { result } = await client.request('tools/list', modern(params));
    const tools = result?.['tools'] as { name: string }[];
    assert.ok(tools.length <= 3);
    names.push(...tools.map(({ name }) => name));
    cursor = result?.['nextCursor'];
  } while (cursor !== undefined);
  assert.equal(new Set(names).size, names.length);
  assert.ok(names.includes('fixture_extra_1'));
});

test('the second SDK speaks to the modern fixture and answers what it asks', async (t) => {
  const client = new ModernClient(INFO, {
    capabilities: { elicitation: { form: {} } },
    versionNegotiation: { mode: 'auto' },
  });
  client.setRequestHandler('elicitation/create', () =>
    Promise.resolve({ action: 'accept' as const, content: { name: 'Ada' } }),
  );
  await client.connect(
    new ModernStdio({ command: process.execPath, args: [FIXTURE, '--era', 'modern'] }),
  );
  t.after(() => client.close());
  const result = await client.callTool({ name: 'test_input_required_result_elicitation' });
  assert.deepEqual(result.content, [{ type: 'text', text: 'Hello, Ada!' }]);
});

test('the first SDK speaks to the legacy fixture over SSE', async (t) => {
  const port = await freePort();
  const args = [FIXTURE, '--era', 'legacy', '--transport', 'sse', '--port', String(port)];
  const server = startNode(args);
  t.after(() => stop(server));
  await until(server, 'it listened', () => Promise.resolve(server.output().includes('listening')));
  const client = new LegacyClient(INFO);
  await client.connect(new SSEClientTransport(new URL(`http://127.0.0.1:${port}/sse`)));
  t.after(() => client.close());
  const { tools } = await client.listTools();
  assert.ok(tools.some(({ name }) => name === 'test_simple_text'));
});
