import assert from 'node:assert/strict';
import test from 'node:test';
import { modernCall, modernSent } from '../support/raw-clients.ts';
import { EventReader } from '../support/raw-events.ts';
import { eventually } from '../support/raw-eventually.ts';
import { fixtureEntry, gatewayForFile, startRaw } from '../support/raw-gateway.ts';
import { assertRefused, rpcOf, send, type JsonObject, type Rpc } from '../support/raw-http.ts';

/** The listen streams of the modern protocol. */

const TERMS = { servers: { it: fixtureEntry('modern') }, app: 'sse:\n  keepAliveMs: 200\n' };
const { port } = await gatewayForFile(TERMS);

/** Five times the second within which changes are to be told (docs/rules.md R24). */
const TOLD_MS = 5_000;
const WATCHED = 'test://watched-resource';
const ALL = { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true };

async function listen(notifications: JsonObject, id: unknown = 1): Promise<EventReader> {
  const sent = modernSent('subscriptions/listen', { notifications }, { id });
  const stream = await EventReader.open(port, sent);
  await stream.nextMessage(({ method }) => method === 'notifications/subscriptions/acknowledged');
  return stream;
}

function subscriptionOf({ params }: Rpc): unknown {
  const meta = params?.['_meta'] as JsonObject | undefined;
  return meta?.['io.modelcontextprotocol/subscriptionId'];
}

async function upstreamState(): Promise<JsonObject> {
  const { result } = rpcOf(await modernCall(port, 'it__fixture_state'));
  return result?.['structuredContent'] as JsonObject;
}

test('the first message says what is granted, under the id of the request', async () => {
  const wish = { ...ALL, resourceSubscriptions: [WATCHED, 'none://at-all'], ofTheFuture: true };
  const stream = await listen(wish, 'sub-1');
  const [first] = stream.messages;
  assert.equal(first?.method, 'notifications/subscriptions/acknowledged');
  const granted = first?.params?.['notifications'] as JsonObject;
  assert.equal(granted['ofTheFuture'], undefined);
  assert.deepEqual(
    { ...granted, resourceSubscriptions: undefined },
    { ...ALL, resourceSubscriptions: undefined },
  );
  assert.ok((granted['resourceSubscriptions'] as string[]).includes(WATCHED));
  assert.equal(subscriptionOf(first ?? {}), 'sub-1');
  assert.equal(stream.response.headers['x-accel-buffering'], 'no');
  stream.break();
});

test('a change of a list is told in time, tagged, to those who asked for it alone', async () => {
  const [tools, prompts] = [
    await listen({ toolsListChanged: true }, 7),
    await listen({ promptsListChanged: true }, 8),
  ];
  const startedAt = performance.now();
  await modernCall(port, 'it__test_trigger_tool_change');
  const told = await tools.nextMessage(
    ({ method }) => method === 'notifications/tools/list_changed',
  );
  assert.ok(performance.now() - startedAt < TOLD_MS);
  assert.equal(subscriptionOf(told), 7);
  await modernCall(port, 'it__test_trigger_prompt_change');
  const other = await prompts.nextMessage(
    ({ method }) => method === 'notifications/prompts/list_changed',
  );
  assert.equal(subscriptionOf(other), 8);
  assert.equal(prompts.messages.length, 2);
  for (const stream of [tools, prompts]) stream.break();
});

test('a changed resource is told to those who watch it, and the server is asked once for all of them (R10)', async () => {
  const streams = [
    await listen({ resourceSubscriptions: [WATCHED] }, 1),
    await listen({ resourceSubscriptions: [WATCHED] }, 2),
    await listen({ toolsListChanged: true }, 3),
  ];
  await eventually('the server is asked', async () => {
    const { subscriptions } = await upstreamState();
    return (subscriptions as string[]).length === 1;
  });
  await modernCall(port, 'it__fixture_touch_resource', { uri: WATCHED });
  for (const stream of streams.slice(0, 2)) {
    const told = await stream.nextMessage(
      ({ method }) => method === 'notifications/resources/updated',
    );
    assert.equal(told.params?.['uri'], WATCHED);
  }
  assert.equal(streams[2]?.messages.length, 1);
  streams[0]?.break();
  await modernCall(port, 'it__fixture_touch_resource', { uri: WATCHED });
  await eventually('the second is told again', () => {
    const told = streams[1]?.messages.filter(
      ({ method }) => method === 'notifications/resources/updated',
    );
    return told?.length === 2;
  });
  streams[1]?.break();
  streams[2]?.break();
  await eventually('nobody watches any more', async () => {
    const { subscriptions } = await upstreamState();
    return (subscriptions as string[]).length === 0;
  });
});

test('a task that was asked for is followed by its notifications (R12)', async () => {
  const params = { name: 'it__slow_compute', arguments: { seconds: 1 } };
  const extensions = { 'io.modelcontextprotocol/tasks': {} };
  const meta = { 'io.modelcontextprotocol/clientCapabilities': { extensions } };
  const { result } = rpcOf(await send(port, modernSent('tools/call', params, { meta })));
  const taskId = String(result?.['taskId']);
  assert.equal(result?.['resultType'], 'task', JSON.stringify(result));
  const sent = modernSent(
    'subscriptions/listen',
    { notifications: { taskIds: [taskId] } },
    { meta },
  );
  const stream = await EventReader.open(port, sent);
  const told = await stream.nextMessage(({ method }) => method === 'notifications/tasks');
  assert.equal(told.params?.['taskId'], taskId);
  stream.break();
});

test('a silent listen stream is kept alive by comments', async () => {
  const stream = await listen(ALL);
  await stream.next(({ comment }) => comment !== undefined);
  stream.break();
});

test('many listen streams may be open at once, even under the same id', async () => {
  const streams = await Promise.all(
    Array.from({ length: 20 }, () => listen({ toolsListChanged: true })),
  );
  await modernCall(port, 'it__test_trigger_tool_change');
  for (const stream of streams) {
    await stream.nextMessage(({ method }) => method === 'notifications/tools/list_changed');
    stream.break();
  }
});

test('listening without saying to what is refused with 400 and -32602', async () => {
  assertRefused(
    await send(port, modernSent('subscriptions/listen')),
    400,
    -32602,
    'PARAMS_INVALID',
  );
  const wrong = modernSent('subscriptions/listen', { notifications: [] });
  assertRefused(await send(port, wrong), 400, -32602, 'PARAMS_INVALID');
});

test('listening to nothing is acknowledged as nothing', async () => {
  const stream = await listen({ toolsListChanged: false });
  assert.deepEqual(stream.messages[0]?.params?.['notifications'], {});
  stream.break();
});

test('when the gateway is told to end, a listen stream ends with its answer and does not delay the end', async () => {
  const gateway = await startRaw(TERMS);
  const sent = modernSent('subscriptions/listen', { notifications: ALL }, { id: 'last' });
  const stream = await EventReader.open(gateway.port, sent);
  await stream.nextMessage(({ method }) => method === 'notifications/subscriptions/acknowledged');
  const stopping = gateway.stop();
  const end = await stream.nextMessage(({ id }) => id === 'last');
  assert.equal(end.result?.['resultType'], 'complete');
  await stream.ended;
  assert.ok((await stopping) < 5000);
});
