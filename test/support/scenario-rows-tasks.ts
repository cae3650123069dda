import assert from 'node:assert/strict';
import { objectOf, type JsonObject } from '../fixture/json-rpc.ts';
import { eventually } from './raw-eventually.ts';
import type { ScenarioScene } from './scenario-scene.ts';
import { codeOf, requestIn } from './scenario-speech.ts';
import { LEGACY_WAYS, MODERN_WAYS, type Scenario } from './scenario.ts';

const RELATED = 'io.modelcontextprotocol/related-task';
const QUICK = { seconds: 0 };
const TASK = { task: { ttl: 60_000 } };

async function legacyTask(scene: ScenarioScene, tool: string, args: JsonObject): Promise<string> {
  const peer = await scene.able();
  const { task } = await peer.call(scene.name(tool), args, TASK);
  assert.equal(objectOf(task)['status'], 'working');
  assert.equal(typeof objectOf(task)['taskId'], 'string');
  return String(objectOf(task)['taskId']);
}

async function legacyTasksRun(scene: ScenarioScene): Promise<void> {
  const peer = await scene.able();
  const taskId = await legacyTask(scene, 'fixture_task', { ms: 100 });
  const _meta = { [RELATED]: { taskId: 'another' } };
  const state = await peer.result('tasks/get', { taskId, _meta });
  assert.equal(state['taskId'], taskId);
  const result = await peer.result('tasks/result', { taskId });
  assert.ok(Array.isArray(result['content']));
  assert.equal(objectOf(objectOf(result['_meta'])[RELATED])['taskId'], taskId);
  assert.equal((await peer.result('tasks/get', { taskId }))['status'], 'completed');
  assert.equal(codeOf(await peer.request('tasks/cancel', { taskId })), -32602);
}

async function legacyTasksAreListed(scene: ScenarioScene): Promise<void> {
  const peer = await scene.able();
  const taskId = await legacyTask(scene, 'fixture_task', { ms: 20_000 });
  const ids: unknown[] = [];
  let cursor: unknown;
  do {
    const page = await peer.result('tasks/list', cursor === undefined ? {} : { cursor });
    ids.push(...(page['tasks'] as JsonObject[]).map((one) => one['taskId']));
    cursor = page['nextCursor'];
  } while (cursor !== undefined);
  assert.ok(ids.includes(taskId));
  assert.equal((await peer.result('tasks/cancel', { taskId }))['status'], 'cancelled');
}

async function legacyTasksAreRefused(scene: ScenarioScene): Promise<void> {
  const peer = await scene.able();
  const params = { name: scene.name('test_simple_text'), arguments: {}, ...TASK };
  assert.equal(codeOf(await peer.request('tools/call', params)), -32601);
}

async function legacyTasksAsk(scene: ScenarioScene): Promise<void> {
  const peer = await scene.able();
  // The first question a server ever asks may be refused; from then on each client has its own instance (R9).
  await peer.request('tools/call', { name: scene.name('fixture_roots'), arguments: {} });
  const start = peer.questions.length;
  const taskId = await legacyTask(scene, 'fixture_task', { ms: 20, ask: true });
  await peer.result('tasks/result', { taskId });
  const [asked] = peer.questions.slice(start);
  assert.equal(objectOf(objectOf(asked?.params['_meta'])[RELATED])['taskId'], taskId);
}

async function unknownTasks(scene: ScenarioScene): Promise<void> {
  const peer = await scene.able();
  for (const method of scene.era === 'legacy'
    ? ['tasks/get', 'tasks/result', 'tasks/cancel']
    : ['tasks/get', 'tasks/cancel'])
    assert.equal(
      codeOf(await peer.request(method, { taskId: 'nobody-made-this' })),
      -32602,
      method,
    );
}

async function modernTasksRun(scene: ScenarioScene): Promise<void> {
  const peer = await scene.able();
  const begun = await peer.call(scene.name('slow_compute'), QUICK);
  assert.equal(begun['resultType'], 'task');
  const { taskId } = begun;
  assert.equal(typeof taskId, 'string');
  let state: JsonObject = {};
  await eventually('the task was completed', async () => {
    state = await peer.result('tasks/get', { taskId });
    return state['status'] === 'completed';
  });
  assert.ok(Array.isArray(objectOf(state['result'])['content']));
}

async function modernTasksAsk(scene: ScenarioScene): Promise<void> {
  const peer = await scene.able();
  const { taskId } = await peer.call(scene.name('confirm_delete'), { filename: 'a.txt' });
  const stream = peer.begin('subscriptions/listen', { notifications: { taskIds: [taskId] } });
  stream.response.catch(() => undefined);
  await peer.next(({ params }) =>
    JSON.stringify(params['notifications'] ?? {}).includes(String(taskId)),
  );
  const inputResponses = { confirm: { action: 'accept', content: { confirm: true } } };
  await peer.result('tasks/update', { taskId, inputResponses });
  const told = await peer.next(
    ({ method, params }) =>
      method === 'notifications/tasks' &&
      params['status'] === 'completed' &&
      params['taskId'] === taskId,
  );
  assert.match(JSON.stringify(told.params['result']), /a\.txt: accept/u);
  await peer.cancel(stream);
}

async function modernTasksEnd(scene: ScenarioScene): Promise<void> {
  const peer = await scene.able();
  const { taskId } = await peer.call(scene.name('slow_compute'), { seconds: 60 });
  await peer.result('tasks/cancel', { taskId });
  assert.equal((await peer.result('tasks/get', { taskId }))['status'], 'cancelled');
}

async function undeclaredExtensions(scene: ScenarioScene): Promise<void> {
  const talk = await scene.talk();
  const params = { name: scene.name('slow_compute'), arguments: QUICK };
  const answer = await talk.ask(...requestIn('modern', 'tools/call', params));
  if (answer.error === undefined) assert.equal(answer.result?.['resultType'], 'complete');
  else assert.equal(answer.error.code, -32021);
}

/** Lines on stdio, whatever is in them. */
async function linesAreWhole(scene: ScenarioScene): Promise<void> {
  // The talk reads by lines alone and fails on one that is no JSON: a message with a line break in it would be two.
  const talk = await scene.talk();
  const text = 'eins\nzwei\r\n\u2028\u2029 “ü” 🚀 \u0007';
  const params = { name: scene.name('fixture_echo'), arguments: { text } };
  const [message, headers] = requestIn(scene.era, 'tools/call', params);
  const { result } = await talk.ask(message, headers);
  const got = objectOf(objectOf(result?.['structuredContent'])['arguments'])['text'];
  assert.equal(got, text);
  assert.deepEqual(talk.failures, []);
}

/** Tasks of both kinds, and lines. */
export const TASK_SCENARIOS: readonly Scenario[] = [
  {
    name: 'a task is made, looked at, waited for, and over for good',
    cites: [
      'legacy.tasks.created',
      'legacy.tasks.get',
      'legacy.tasks.result',
      'legacy.tasks.cancel',
    ],
    doors: LEGACY_WAYS,
    servers: LEGACY_WAYS,
    run: legacyTasksRun,
  },
  {
    name: 'a task is listed, and can be cancelled',
    cites: ['legacy.tasks.listed', 'legacy.tasks.cancel'],
    doors: LEGACY_WAYS,
    servers: LEGACY_WAYS,
    run: legacyTasksAreListed,
  },
  {
    name: 'a tool that is no task is not run as one',
    cites: ['legacy.tasks.forbidden'],
    doors: LEGACY_WAYS,
    servers: LEGACY_WAYS,
    run: legacyTasksAreRefused,
  },
  {
    name: 'what a task asks names it as the client knows it (R12)',
    cites: ['legacy.tasks.related'],
    doors: LEGACY_WAYS,
    servers: LEGACY_WAYS,
    isAlone: true,
    run: legacyTasksAsk,
  },
  {
    name: 'a task that nobody made is -32602',
    cites: ['legacy.tasks.unknown', 'modern.tasks.unknown'],
    run: unknownTasks,
  },
  {
    name: 'a call becomes a task whose state and result can be had',
    cites: ['modern.tasks.created', 'modern.tasks.get'],
    doors: MODERN_WAYS,
    servers: MODERN_WAYS,
    run: modernTasksRun,
  },
  {
    name: 'a task gets what it asks for, and is told about',
    cites: ['modern.tasks.update', 'modern.tasks.told'],
    doors: MODERN_WAYS,
    servers: MODERN_WAYS,
    run: modernTasksAsk,
  },
  {
    name: 'a task is cancelled',
    cites: ['modern.tasks.cancel'],
    doors: MODERN_WAYS,
    servers: MODERN_WAYS,
    run: modernTasksEnd,
  },
  {
    name: 'who did not declare an extension gets the core protocol, or a refusal',
    cites: ['modern.extension.fallback'],
    doors: MODERN_WAYS,
    servers: MODERN_WAYS,
    run: undeclaredExtensions,
  },
  {
    name: 'a message is one line of UTF-8, whatever is in it',
    cites: ['stdio.line-per-message', 'stdio.output-is-messages', 'stdio.utf8'],
    doors: ['legacy-stdio', 'modern-stdio'],
    servers: ['legacy-stdio', 'legacy-http', 'legacy-sse', 'modern-stdio', 'modern-http'],
    run: linesAreWhole,
  },
];
