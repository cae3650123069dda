import assert from 'node:assert/strict';
import test from 'node:test';
import { Caller } from '../support/attack-caller.ts';
import { assertServes, attackedForFile, KEY_HEADER } from '../support/attack-gateway.ts';
import { partOf, type JsonObject } from '../support/raw-http.ts';

/** A server that clients share knows the gateway alone, and lists everybody's tasks: each caller gets its own of them. */

const gateway = await attackedForFile();
const { port } = gateway;
const alice = await Caller.open(port, {
  headers: { [KEY_HEADER]: await gateway.createKey('alice') },
});
const mallory = await Caller.open(port, {
  headers: { [KEY_HEADER]: await gateway.createKey('mallory') },
});

async function startTask(caller: Caller): Promise<string> {
  const task = { name: 'it__fixture_task', arguments: { ms: 60_000 }, task: { ttl: 120_000 } };
  return partOf<{ taskId: string }>(await caller.request('tools/call', task), 'task').taskId;
}

async function tasksOf(caller: Caller): Promise<string[]> {
  const listed = await caller.request('tasks/list');
  return partOf<JsonObject[]>(listed, 'tasks').map(({ taskId }) => String(taskId));
}

const own = await startTask(alice);

test('tasks/list names no task of anybody else (R12)', async () => {
  assert.deepEqual(await tasksOf(mallory), []);
  const other = await startTask(mallory);
  assert.deepEqual(await tasksOf(mallory), [other]);
  assert.deepEqual(await tasksOf(alice), [own]);
});

test('no id of a list opens, reads or cancels the task of anybody else (R12)', async () => {
  for (const taskId of await tasksOf(mallory)) {
    await mallory.request('tasks/cancel', { taskId });
    await mallory.request('tasks/result', { taskId });
  }
  const { result } = await alice.request('tasks/get', { taskId: own });
  assert.equal(result?.['status'], 'working', 'somebody else has cancelled it');
});

test('a status of one caller’s task is told to nobody else', async () => {
  const stream = await mallory.stream(undefined, { accept: 'text/event-stream' });
  await alice.request('tasks/cancel', { taskId: own });
  await mallory.request('ping');
  const listed = await tasksOf(mallory);
  for (const { method, params } of stream.messages)
    if (method === 'notifications/tasks/status')
      assert.ok(listed.includes(String(params?.['taskId'])), 'it is told of a task of another');
  stream.break();
  await assertServes(gateway);
});
