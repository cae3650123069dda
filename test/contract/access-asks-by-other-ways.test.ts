import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { objectOf } from '../fixture/json-rpc.ts';
import { assertAllowed, call, RawLegacy, RawModern } from '../support/access-callers.ts';
import { accessGateway, tagged } from '../support/access-gateway.ts';
import { serverWith } from '../support/access-servers.ts';
import { eventually } from '../support/processes.ts';
import type { JsonObject } from '../support/raw-http.ts';

// Questions of servers that come by another way than a plain request: by URL, in an error, in a task. They too are decided,
// shown with the server's name, and recorded (R7).

const CAPABILITIES = {
  elicitation: { form: {}, url: {} },
  extensions: { 'io.modelcontextprotocol/tasks': {} },
  tasks: { requests: { elicitation: { create: {} } } },
};
const DENIED = tagged('silent');

const gateway = await accessGateway({
  servers: {
    elder: serverWith({ parts: ['asking', 'tasks'] }),
    younger: serverWith({ parts: ['asking', 'tasks'] }, 'modern'),
  },
  app: 'rules: [{ id: no-elicitation, effect: deny, consumers: [silent], asks: [elicitation] }]\n',
});

async function legacy(
  t: TestContext,
  client: string,
  headers: Record<string, string> = {},
): Promise<RawLegacy> {
  const session = await RawLegacy.open(gateway.port, {
    capabilities: CAPABILITIES,
    client,
    headers,
  });
  t.after(() => session.close());
  return session;
}

function modern(client: string, headers: Record<string, string> = {}): RawModern {
  return new RawModern(gateway.port, { capabilities: CAPABILITIES, client, headers });
}

function recorded(client: string, count: number): Promise<JsonObject[]> {
  return gateway.audited(count, (line) => line['client'] === client && line['kind'] === 'ask');
}

const ACCEPTED = { action: 'accept', content: { confirm: true } };
const URL_MESSAGE = 'Please connect your account';

test('a legacy client is sent to a URL with the name of the server that sends it', async (t) => {
  for (const server of ['elder', 'younger']) {
    const session = await legacy(t, `url of ${server}`);
    const params = { name: `${server}__fixture_url_elicitation`, arguments: {} };
    const { questions, told } = await session.converse('tools/call', params, ACCEPTED);
    assertAllowed(told);
    const [question] = questions;
    assert.equal(question?.params?.['message'], `[${server}] ${URL_MESSAGE}`);
    assert.equal(objectOf(question?.params?.['_meta'])['mcpx/server'], server);
    assert.equal((await recorded(`url of ${server}`, 1)).length, 1);
    const silent = await legacy(t, `no url of ${server}`, DENIED);
    const refused = await silent.converse('tools/call', params, ACCEPTED);
    assert.deepEqual(refused.questions, []);
    assert.equal(refused.told.error?.code, 1406);
  }
});

test('a modern client is sent to a URL with the name of the server that sends it', async () => {
  const name = 'younger__fixture_url_elicitation';
  const told = await call(modern('modern url'), name);
  const { params } = objectOf(objectOf(told.result?.['inputRequests'])['connect']);
  assert.equal(objectOf(params)['message'], `[younger] ${URL_MESSAGE}`);
  assert.equal((await call(modern('no modern url', DENIED), name)).error?.code, 1406);
});

test('a server that sends to a URL by an error is named too, and denied where it may not ask', async (t) => {
  const args = { throw: true };
  const allowed = await call(await legacy(t, 'thrown'), 'elder__fixture_url_elicitation', args);
  assert.equal(allowed.error?.code, -32042, JSON.stringify(allowed));
  const [elicitation] = (allowed.error?.data?.['elicitations'] ?? []) as JsonObject[];
  assert.equal(elicitation?.['message'], `[elder] ${URL_MESSAGE}`);
  assert.equal((await recorded('thrown', 1)).length, 1);
  const silent = await legacy(t, 'not thrown', DENIED);
  const denied = await call(silent, 'elder__fixture_url_elicitation', args);
  assert.doesNotMatch(JSON.stringify(denied), /example\.com/u);
  assert.equal(denied.error?.code, 1406);
  const [line] = await recorded('not thrown', 1);
  assert.deepEqual([line?.['outcome'], line?.['rule']], ['refused', 'no-elicitation']);
});

test('what a legacy task asks is decided and named like all else', async (t) => {
  const start = async (session: RawLegacy): Promise<unknown> => {
    const told = await session.request('tools/call', {
      name: 'elder__fixture_task',
      arguments: { ms: 10, ask: true },
      task: {},
    });
    return objectOf(told.result?.['task'])['taskId'];
  };
  const session = await legacy(t, 'legacy task');
  const taskId = await start(session);
  const { questions, told } = await session.converse('tasks/result', { taskId }, ACCEPTED);
  assertAllowed(told);
  assert.equal(questions[0]?.params?.['message'], '[elder] Who asks?');
  const silent = await legacy(t, 'silent legacy task', DENIED);
  const denied = await silent.converse('tasks/result', { taskId: await start(silent) }, ACCEPTED);
  assert.deepEqual(denied.questions, []);
  const [line] = await recorded('silent legacy task', 1);
  assert.equal(line?.['code'], 'ASK_FORBIDDEN');
});

async function taskWithQuestion(caller: RawModern): Promise<string> {
  const { result, error } = await call(caller, 'younger__confirm_delete', { filename: 'a' });
  assert.equal(typeof result?.['taskId'], 'string', JSON.stringify(error));
  return String(result?.['taskId']);
}

test('what a modern task asks is shown with its server as often as the task is looked at, and counts once', async () => {
  const caller = modern('modern task');
  const taskId = await taskWithQuestion(caller);
  const look = async (): Promise<JsonObject> => {
    const { result, error } = await caller.request('tasks/get', { taskId });
    assert.ok(result, JSON.stringify(error));
    return result;
  };
  await eventually(
    'the task asked',
    10_000,
    async () => (await look())['inputRequests'] !== undefined,
  );
  for (let round = 0; round < 5; round += 1) {
    const { params } = objectOf(objectOf((await look())['inputRequests'])['confirm']);
    assert.equal(objectOf(params)['message'], '[younger] Delete a?');
    assert.equal(objectOf(objectOf(params)['_meta'])['mcpx/server'], 'younger');
  }
  assertAllowed(
    await caller.request('tasks/update', { taskId, inputResponses: { confirm: ACCEPTED } }),
  );
  await eventually('the task ended', 10_000, async () => (await look())['status'] === 'completed');
  assert.equal((await recorded('modern task', 1)).length, 1);
});

test('a task may ask nothing that a rule denies: who looks at it is not shown the question', async () => {
  const client = 'silent modern task';
  const caller = modern(client, DENIED);
  const taskId = await taskWithQuestion(caller);
  await eventually('the question was refused', 10_000, async () => {
    const { result, error } = await caller.request('tasks/get', { taskId });
    assert.equal(result?.['inputRequests'], undefined, JSON.stringify(result));
    return error?.code === 1406 || result?.['status'] === 'failed';
  });
  const [line] = await recorded(client, 1);
  assert.deepEqual([line?.['code'], line?.['rule']], ['ASK_FORBIDDEN', 'no-elicitation']);
});

/** Starts a task that asks late, and listens to it until its question should have come. */
async function newsOf(t: TestContext, caller: RawModern): Promise<readonly JsonObject[]> {
  const { result } = await call(caller, 'younger__ask_late', { ms: 2_000 });
  const taskId = String(result?.['taskId']);
  const stream = await caller.listen({ taskIds: [taskId] });
  t.after(() => stream.break());
  await stream.nextMessage(({ method }) => method === 'notifications/subscriptions/acknowledged');
  await eventually('the task asked', 10_000, async () => {
    const looked = await caller.request('tasks/get', { taskId });
    return looked.error !== undefined || looked.result?.['status'] !== 'working';
  });
  await caller.request('tasks/cancel', { taskId });
  await stream.nextMessage(({ params }) => params?.['status'] === 'cancelled');
  return stream.messages.map(({ params = {} }) => params);
}

test('the news of a task shows its question with the name of its server, and no question that is denied', async (t) => {
  const questions = (await newsOf(t, modern('hears of a task'))).flatMap((params) =>
    Object.values(objectOf(params['inputRequests'])).map((each) => objectOf(each)['params']),
  );
  assert.ok(questions.length > 0, 'the news had no question');
  for (const params of questions) {
    assert.equal(objectOf(params)['message'], '[younger] Are you there?');
    assert.equal(objectOf(objectOf(params)['_meta'])['mcpx/server'], 'younger');
  }
  const silent = await newsOf(t, modern('hears of no question', DENIED));
  assert.doesNotMatch(JSON.stringify(silent), /Are you there/u);
});
