import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { objectOf, type JsonObject, type Message } from '../fixture/json-rpc.ts';
import { textOf, type Answers, type Peer } from './fidelity-peer.ts';
import {
  able,
  answersOf,
  EVERY_CAPABILITY,
  everyPage,
  masked,
  type Row,
  type Scene,
} from './fidelity-scene.ts';

const STATUS = 'notifications/tasks/status';
const RELATED = 'io.modelcontextprotocol/related-task';

interface Started {
  readonly taskId: string;
  readonly task: JsonObject;
}

/** Starts a tool as a task; what comes back describes it. */
export async function startTask(peer: Peer, name: string, args: JsonObject = {}): Promise<Started> {
  const { task } = await peer.call(name, args, { task: { ttl: 30_000 } });
  const described = objectOf(task);
  const { taskId } = described;
  assert.equal(typeof taskId, 'string');
  return { taskId: String(taskId), task: described };
}

/** A description without what differs from one task to the next. */
function plain(task: JsonObject): unknown {
  const { taskId: _id, createdAt, lastUpdatedAt, ...rest } = task;
  return { ...rest, times: [typeof createdAt, typeof lastUpdatedAt] };
}

/** Everything a task goes through, as one client sees it. */
async function lifeOf(peer: Peer, tool: string, args: JsonObject): Promise<unknown> {
  const from = peer.heard.length;
  const asked = peer.questions.length;
  const { taskId, task } = await startTask(peer, tool, args);
  const outcome: Message = await peer.request('tasks/result', { taskId });
  const got = await peer.result('tasks/get', { taskId });
  assert.equal(got['taskId'], taskId);
  const listed = await everyPage(peer, 'tasks/list', 'tasks');
  assert.equal(listed.filter((one) => one['taskId'] === taskId).length, 1, 'it is listed once');
  const last = got['status'];
  await peer.next(
    ({ method, params }) =>
      method === STATUS && params['taskId'] === taskId && params['status'] === last,
    from,
  );
  // server-everything asks for roots on its own, whenever it likes.
  const ofTask = peer.questions.slice(asked).filter(({ method }) => method !== 'roots/list');
  const questions = ofTask.map(({ method, params }) => {
    const { [RELATED]: related, ...others } = objectOf(params['_meta']);
    assert.equal(objectOf(related)['taskId'], taskId);
    return { method, params: { ...params, _meta: { ...others, [RELATED]: {} } } };
  });
  const meta = objectOf(outcome.result?.['_meta']);
  if (outcome.result !== undefined) assert.deepEqual(meta[RELATED], { taskId });
  return masked({
    task: plain(task),
    got: plain(got),
    statuses: peer.heardOf(STATUS, from).map((one) => plain(one)),
    questions,
    result: { ...outcome.result, _meta: Object.keys(meta) },
    error: outcome.error,
  });
}

type Life = readonly [tool: string, args: JsonObject];

const LIVES: readonly Life[] = [
  ['fixture_task', { ms: 30 }],
  ['fixture_task_required', { ms: 30 }],
  ['fixture_task', { ms: 30, outcome: 'tool-error' }],
  ['fixture_task', { ms: 30, outcome: 'failure' }],
];
const ASKING: Life = ['fixture_task', { ms: 30, ask: true }];

/** A task lives through the gateway as it does directly, and its id is the same wherever it is named. */
async function livesAlike(scene: Scene): Promise<void> {
  const client = await scene.client();
  for (const server of ['fixture', 'apart']) {
    const direct = await scene.direct(server);
    // A server that asks is served apart from then on, which other rows do not want of the one they share.
    for (const [tool, args] of server === 'apart' ? [...LIVES, ASKING] : LIVES)
      assert.deepEqual(
        await lifeOf(client, `${server}__${tool}`, args),
        await lifeOf(direct, tool, args),
      );
  }
}

async function cancelledAlike(scene: Scene): Promise<void> {
  const run = async (peer: Peer, tool: string): Promise<unknown> => {
    const { taskId } = await startTask(peer, tool, { ms: 60_000 });
    const cancelled = await peer.result('tasks/cancel', { taskId });
    assert.equal(cancelled['taskId'], taskId);
    const got = await peer.result('tasks/get', { taskId });
    const again = await peer.request('tasks/cancel', { taskId });
    return { cancelled: plain(cancelled), got: plain(got), again: again.error };
  };
  const shown = await run(await scene.client(), 'fixture__fixture_task');
  assert.deepEqual(shown, await run(await scene.direct('fixture'), 'fixture_task'));
}

/** What is wrong with a task is answered as the server answers it. */
async function refusedAlike(scene: Scene): Promise<void> {
  const client = await scene.client();
  const direct = await scene.direct('fixture');
  for (const [name, more] of [
    ['fixture_task_required', {}],
    ['test_simple_text', { task: {} }],
  ] as const) {
    const shown = await client.request('tools/call', { name: `fixture__${name}`, ...more });
    const own = await direct.request('tools/call', { name, ...more });
    assert.deepEqual(shown.error, own.error);
  }
  for (const method of ['tasks/get', 'tasks/result', 'tasks/cancel']) {
    const params = { taskId: randomUUID() };
    const { error } = await client.request(method, params);
    assert.equal(error?.code, (await direct.request(method, params)).error?.code);
  }
}

/** Status is told to the client whose task it is. */
async function statusIsTheOwners(scene: Scene): Promise<void> {
  const owner = await scene.open(able('owner'));
  const other = await scene.open(able('other'));
  const { taskId } = await startTask(owner, 'fixture__fixture_task', { ms: 50 });
  await startTask(other, 'fixture__fixture_task', { ms: 50 });
  await owner.result('tasks/result', { taskId });
  await owner.next(({ method, params }) => method === STATUS && params['status'] === 'completed');
  const ids = (peer: Peer): Set<unknown> =>
    new Set(peer.heardOf(STATUS).map((status) => status['taskId']));
  await other.next(({ method, params }) => method === STATUS && params['status'] === 'completed');
  assert.deepEqual([...ids(owner)], [taskId]);
  assert.ok(!ids(other).has(taskId));
}

/** server-everything's research: four stages, a question on the way, status messages. */
async function researchAsks(scene: Scene): Promise<void> {
  const client = await scene.open();
  const { taskId } = await startTask(client, 'everything__simulate-research-query', {
    topic: 'python',
    ambiguous: true,
  });
  const result = await client.result('tasks/result', { taskId });
  assert.match(textOf(result), /Research Report: python/);
  assert.deepEqual(objectOf(objectOf(result['_meta'])[RELATED]), { taskId });
  const question = client.questions.find(({ method }) => method === 'elicitation/create');
  assert.match(String(question?.params['message']), /"python" could have multiple interpretations/);
  assert.equal(objectOf(objectOf(question?.params['_meta'])[RELATED])['taskId'], taskId);
}

/** A client that samples in a task of its own: the server polls it, and gets the result in the end. */
async function clientRunsTask(scene: Scene): Promise<void> {
  const taskId = randomUUID();
  const now = new Date().toISOString();
  const task = { taskId, createdAt: now, lastUpdatedAt: now, ttl: 60_000, pollInterval: 100 };
  let polls = 0;
  const answers: Answers = {
    ...answersOf('runner'),
    'sampling/createMessage': (params) => {
      assert.deepEqual(params['task'], { ttl: 300_000 });
      return { task: { ...task, status: 'working' } };
    },
    'tasks/get': (params) => {
      assert.equal(params['taskId'], taskId, 'the server knows the task by the id its client gave');
      polls += 1;
      return { ...task, status: polls === 1 ? 'working' : 'completed' };
    },
    'tasks/result': (params) => {
      assert.equal(params['taskId'], taskId);
      return { role: 'assistant', model: 'm', content: { type: 'text', text: 'slowly said' } };
    },
  };
  const client = await scene.open({ name: 'runner', capabilities: EVERY_CAPABILITY, answers });
  const result = await client.call('everything__trigger-sampling-request-async', { prompt: 'p' });
  assert.match(textOf(result), /\[COMPLETED\][^]*slowly said/);
  assert.equal(polls, 2);
}

/** Tasks of 2025-11-25, in both directions (R12). */
export const TASK_ROWS: readonly Row[] = [
  {
    name: 'a task lives as it does directly: status, result, list, questions (R12)',
    run: livesAlike,
  },
  { name: 'a task is cancelled as it is directly (R12)', run: cancelledAlike },
  { name: 'what is wrong with a task is answered as it is directly (R12)', run: refusedAlike },
  { name: 'the status of a task is told to its own client (R12)', run: statusIsTheOwners },
  {
    name: 'a task that asks its client, and one that a client runs for a server, come to their end (R12)',
    isLong: true,
    run: async (scene) => {
      await Promise.all([researchAsks(scene), clientRunsTask(scene)]);
    },
  },
];
