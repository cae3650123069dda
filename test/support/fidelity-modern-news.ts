import assert from 'node:assert/strict';
import { objectOf, type JsonObject } from '../fixture/json-rpc.ts';
import { structured, type Begun, type Heard, type Peer } from './fidelity-peer.ts';
import { RICH } from './fidelity-rows-lists.ts';
import { everyPage, type Row, type Scene } from './fidelity-scene.ts';

const SUBSCRIPTION = 'io.modelcontextprotocol/subscriptionId';
const ACKNOWLEDGED = 'notifications/subscriptions/acknowledged';
const WATCHED = 'test://watched-resource';
const SHOWN = `mcpx://second/${encodeURIComponent(WATCHED)}`;

function subscriptionOf({ params }: Heard): unknown {
  return objectOf(params['_meta'])[SUBSCRIPTION];
}

/** Opens a listen stream and waits for its acknowledgement, which comes first. */
async function listen(
  peer: Peer,
  notifications: JsonObject,
): Promise<Begun & { granted: unknown }> {
  const start = peer.heard.length;
  const begun = peer.begin('subscriptions/listen', { notifications });
  begun.response.catch(() => undefined);
  const first = await peer.next((heard) => subscriptionOf(heard) === begun.id, start);
  assert.equal(first.method, ACKNOWLEDGED);
  return { ...begun, granted: first.params['notifications'] };
}

/** A message of a stream, heard within a second of `act`. */
async function heardAfter(
  peer: Peer,
  stream: Begun,
  method: string,
  act: () => Promise<unknown>,
): Promise<Heard> {
  const start = peer.heard.length;
  await act();
  const at = performance.now();
  const heard = await peer.next(
    (one) => one.method === method && subscriptionOf(one) === stream.id,
    start,
  );
  assert.ok(heard.atMs - at < 1_000, `heard after ${heard.atMs - at} ms`);
  return heard;
}

const LISTS = { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true };

async function toolsComeAndGo(scene: Scene): Promise<void> {
  const client = await scene.open();
  const stream = await listen(client, LISTS);
  assert.deepEqual(stream.granted, LISTS);
  const name = 'rich_tool';
  const shown = `second__${name}`;
  const find = async (): Promise<JsonObject | undefined> =>
    (await everyPage(client, 'tools/list', 'tools')).find((tool) => tool['name'] === shown);
  const changed = 'notifications/tools/list_changed';
  await heardAfter(client, stream, changed, () =>
    client.call('second__fixture_add_tool', { name, definition: RICH }),
  );
  assert.deepEqual(await find(), { ...RICH, name: shown });
  const called = structured(await client.call(shown, { when: 'now' }));
  assert.deepEqual(called, { called: name, arguments: { when: 'now' } });
  await heardAfter(client, stream, changed, () =>
    client.call('second__fixture_remove_tool', { name }),
  );
  assert.equal(await find(), undefined);
  for (let turn = 0; turn < 2; turn += 1)
    await heardAfter(client, stream, 'notifications/prompts/list_changed', () =>
      client.call('fixture__test_trigger_prompt_change'),
    );
}

/** Updates come on the streams that asked for them, under the URI they asked for. */
async function updatesArrive(scene: Scene): Promise<void> {
  const client = await scene.open();
  const updated = 'notifications/resources/updated';
  const both = await listen(client, { resourceSubscriptions: [WATCHED, SHOWN] });
  assert.deepEqual(both.granted, { resourceSubscriptions: [WATCHED, SHOWN] });
  const one = await listen(client, { resourceSubscriptions: [SHOWN], ...LISTS });
  const first = await heardAfter(client, both, updated, () =>
    client.call('fixture__fixture_touch_resource', { uri: WATCHED }),
  );
  assert.equal(first.params['uri'], WATCHED);
  const second = await heardAfter(client, one, updated, () =>
    client.call('second__fixture_touch_resource', { uri: WATCHED }),
  );
  assert.equal(second.params['uri'], SHOWN);
  await client.next((heard) => subscriptionOf(heard) === both.id && heard.params['uri'] === SHOWN);
  const told = client.heard.filter(({ method }) => method === updated);
  assert.equal(told.filter((heard) => subscriptionOf(heard) === one.id).length, 1);
}

/** A stream that is closed hears no more, and what nobody wants is asked of no server. */
async function closedStreamsEnd(scene: Scene): Promise<void> {
  const client = await scene.open();
  const uri = 'test://static-text';
  const stream = await listen(client, { resourceSubscriptions: [uri] });
  const subscriptions = async (): Promise<unknown[]> => {
    const state = structured(await client.call('fixture__fixture_state'));
    return (state['subscriptions'] as unknown[]).filter((one) => one === uri);
  };
  await reach(async () => (await subscriptions()).length === 1, 'the server is asked once');
  await client.cancel(stream);
  await reach(async () => (await subscriptions()).length === 0, 'the server is asked no more');
}

async function reach(ready: () => Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + 5_000;
  while (!(await ready())) assert.ok(performance.now() < deadline, what);
}

/** The status of a task is told on the stream that asked for it. */
async function tasksAreTold(scene: Scene): Promise<void> {
  const client = await scene.open();
  const { taskId } = await client.call('second__confirm_delete', { filename: 'a.txt' });
  const stream = await listen(client, { taskIds: [taskId] });
  assert.deepEqual(stream.granted, { taskIds: [taskId] });
  const inputResponses = { confirm: { action: 'accept', content: { confirm: true } } };
  const start = client.heard.length;
  await client.result('tasks/update', { taskId, inputResponses });
  const { params } = await client.next(
    (heard) => heard.method === 'notifications/tasks' && heard.params['status'] === 'completed',
    start,
  );
  assert.equal(params['taskId'], taskId);
  assert.deepEqual(objectOf(params['result'])['content'], [
    { type: 'text', text: 'a.txt: accept' },
  ]);
}

/** Listen streams of the modern era. */
export const MODERN_NEWS_ROWS: readonly Row[] = [
  {
    name: 'a listen stream tells of new and gone tools and prompts within a second',
    run: toolsComeAndGo,
  },
  {
    name: 'a listen stream tells of updated resources under the URI that is listed',
    run: updatesArrive,
  },
  { name: 'a listen stream that is closed is closed for the server too', run: closedStreamsEnd },
  { name: 'a listen stream tells of the tasks it named (R12)', run: tasksAreTold },
];
