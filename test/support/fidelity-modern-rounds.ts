import assert from 'node:assert/strict';
import { objectOf, type JsonObject, type Message } from '../fixture/json-rpc.ts';
import { hopless, publicParams } from './fidelity-modern-results.ts';
import { textOf, type Manner, type Peer } from './fidelity-peer.ts';
import { answersOf, masked, type Row, type Scene } from './fidelity-scene.ts';

const MAX_ROUNDS = 5;
const TASKS = { extensions: { 'io.modelcontextprotocol/tasks': {} } };

/** What a client says to one thing it is asked. */
async function answer(name: string, request: unknown): Promise<JsonObject> {
  const { method, params } = objectOf(request);
  const reply = answersOf(name)[String(method)];
  if (reply === undefined) throw new Error(`Asked for ${String(method)}`);
  return reply(objectOf(params), () => Promise.resolve());
}

async function answersTo(name: string, inputRequests: unknown): Promise<JsonObject> {
  const answered = Object.entries(objectOf(inputRequests)).map(
    async ([key, request]) => [key, await answer(name, request)] as const,
  );
  return Object.fromEntries(await Promise.all(answered));
}

/** Sends a request again and again with the answers it asks for, until it is complete. */
async function rounds(peer: Peer, method: string, params: JsonObject, name = 'rounds') {
  const responses: Message[] = [];
  let more: JsonObject = {};
  while (responses.length < MAX_ROUNDS) {
    const response = await peer.request(method, { ...params, ...more });
    responses.push(response);
    const { result } = response;
    if (result?.['resultType'] !== 'input_required') return responses;
    const { inputRequests, requestState } = result;
    more = {
      ...(inputRequests === undefined
        ? {}
        : { inputResponses: await answersTo(name, inputRequests) }),
      ...(requestState === undefined ? {} : { requestState }),
    };
  }
  throw new Error(`No end after ${MAX_ROUNDS} rounds`);
}

/** A round without the state that each hop wraps in its own. */
function bare(message: Message, server: string): unknown {
  const { requestState, ...result } = message.result ?? {};
  const state = requestState === undefined ? {} : { requestState: typeof requestState };
  const shown = message.result === undefined ? message : { ...message, result };
  return { message: hopless(shown, server), ...state };
}

async function roundsAlike(scene: Scene, asked: Parameters<typeof publicParams>[0]): Promise<void> {
  const shown = await rounds(await scene.client(), asked.method, publicParams(asked));
  const own = await rounds(await scene.direct(asked.server), asked.method, asked.params);
  assert.ok(own.length > 1, 'it asks');
  assert.deepEqual(
    shown.map((message) => bare(message, asked.server)),
    own.map((message) => bare(message, asked.server)),
  );
}

const PREFIX = 'test_input_required_result';

function asking(name: string, tools: readonly (readonly [string, JsonObject?])[]): Row {
  return {
    name,
    run: async (scene) => {
      for (const [index, [tool, args]] of tools.entries()) {
        const server = index % 2 === 0 ? 'second' : 'fixture';
        const params = { name: tool, arguments: args ?? {} };
        await roundsAlike(scene, { server, method: 'tools/call', params });
      }
    },
  };
}

async function promptsAndResourcesAsk(scene: Scene): Promise<void> {
  const uri = 'test://input-required';
  const params = { name: `${PREFIX}_prompt` };
  await roundsAlike(scene, { server: 'second', method: 'prompts/get', params });
  const method = 'resources/read';
  await roundsAlike(scene, { server: 'fixture', method, params: { uri } });
  const shown = `mcpx://second/${encodeURIComponent(uri)}`;
  await roundsAlike(scene, { server: 'second', method, params: { uri }, uri: shown });
}

/** The state that a client carries is the gateway's own, and good for the very call it was made for (R11). */
async function statesAreBound(scene: Scene): Promise<void> {
  const client = await scene.client();
  const ask = (name: string, more: JsonObject = {}): Promise<Message> =>
    client.request('tools/call', { name, arguments: {}, ...more });
  const { result } = await ask('fixture__fixture_state_only');
  const { requestState } = result ?? {};
  assert.equal(typeof requestState, 'string');
  const elsewhere = await ask('second__fixture_state_only', { requestState });
  assert.equal(elsewhere.error?.code, -32_602);
  assert.match(
    textOf((await ask('fixture__fixture_state_only', { requestState })).result ?? {}),
    /came back/,
  );
}

/** Only what a request declares is asked, whoever else calls at the same time. */
async function declaredAlone(scene: Scene): Promise<void> {
  const wishes: readonly JsonObject[] = [{ roots: {} }, { sampling: {} }, { elicitation: {} }, {}];
  const tool = `${PREFIX}_capabilities`;
  const own = await scene.direct('fixture');
  await Promise.all(
    wishes.map(async (capabilities) => {
      const client = await scene.openAt('streamable HTTP', { capabilities });
      const shown = await client.call(`fixture__${tool}`);
      const direct = await scene.openDirect('fixture', { capabilities });
      const own = (await direct.call(tool))['inputRequests'];
      assert.deepEqual(masked(shown['inputRequests']), masked(own));
    }),
  );
  assert.equal(Object.keys(objectOf((await own.call(tool))['inputRequests'])).length, 3);
}

/** Each of two clients that call at the same time gets on with its own answers. */
async function answersStayApart(scene: Scene): Promise<void> {
  const tool = `fixture__${PREFIX}_multi_round`;
  const names = ['anna', 'boris'] as const;
  const clients = await Promise.all(names.map((name) => scene.open({ name })));
  const ends = await Promise.all(
    clients.map((client, index) =>
      rounds(client, 'tools/call', { name: tool, arguments: {} }, names[index]),
    ),
  );
  for (const [index, name] of names.entries()) {
    const { result } = ends[index]?.at(-1) ?? {};
    assert.ok(textOf(result ?? {}).startsWith(`${name} likes`), textOf(result ?? {}));
  }
}

/** What a client lacks is told to it as the server tells it. */
async function missingIsTold(scene: Scene): Promise<void> {
  const bareManner: Partial<Manner> = { capabilities: {} };
  const client = await scene.open(bareManner);
  const direct = await scene.openDirect('second', bareManner);
  for (const name of [`${PREFIX}_sampling`, 'test_missing_capability', 'failing_job']) {
    const shown = await client.request('tools/call', { name: `second__${name}`, arguments: {} });
    const own = await direct.request('tools/call', { name, arguments: {} });
    assert.equal(own.error?.code, -32_021);
    assert.deepEqual([shown.error?.code, shown.error?.data], [own.error?.code, own.error?.data]);
  }
}

/** A description of a task without what differs from one to the next. */
function plain(task: JsonObject): unknown {
  const { taskId, createdAt, lastUpdatedAt, _meta: _hop, ...rest } = task;
  return masked({ ...rest, types: [typeof taskId, typeof createdAt, typeof lastUpdatedAt] });
}

/** The life of a task of the extension, as one client sees it by polling; what it asks is answered. */
async function lifeOf(peer: Peer, name: string, args: JsonObject): Promise<unknown> {
  const first = (await rounds(peer, 'tools/call', { name, arguments: args })).at(-1);
  const created = first?.result ?? {};
  assert.equal(created['resultType'], 'task', JSON.stringify(first));
  const { taskId } = created;
  const asked: unknown[] = [];
  for (let task = created; ; task = await peer.result('tasks/get', { taskId })) {
    assert.equal(task['taskId'], taskId);
    const status = String(task['status']);
    if (status === 'input_required') {
      asked.push(masked(task['inputRequests']));
      const inputResponses = await answersTo('tasks', task['inputRequests']);
      await peer.result('tasks/update', { taskId, inputResponses });
    } else if (status !== 'working') {
      return { created: plain(created), asked, ended: plain(task) };
    }
  }
}

async function tasksLiveAlike(scene: Scene): Promise<void> {
  const client = await scene.open({ capabilities: { ...TASKS, elicitation: {} } });
  const direct = await scene.openDirect('second', { capabilities: { ...TASKS, elicitation: {} } });
  const all = [
    ['slow_compute', { seconds: 0.1, label: 'x' }],
    ['protocol_error_job', {}],
    ['confirm_delete', { filename: 'a.txt' }],
    ['multi_input', {}],
    ['test_tool_with_task', {}],
  ] as const;
  for (const [name, args] of all)
    assert.deepEqual(
      await lifeOf(client, `second__${name}`, args),
      await lifeOf(direct, name, args),
    );
}

async function tasksAreCancelled(scene: Scene): Promise<void> {
  const client = await scene.client();
  const { taskId } = await client.call('fixture__slow_compute', { seconds: 60 });
  assert.equal(typeof taskId, 'string');
  await client.result('tasks/cancel', { taskId });
  assert.equal((await client.result('tasks/get', { taskId }))['status'], 'cancelled');
  const unknown = await client.request('tasks/get', { taskId: 'no-such-task' });
  const own = await (
    await scene.direct('fixture')
  ).request('tasks/get', { taskId: 'no-such-task' });
  assert.equal(unknown.error?.code, own.error?.code);
}

/** Requests of more than one round, and tasks of the extension. */
export const MODERN_ROUND_ROWS: readonly Row[] = [
  asking('elicitation by form and by URL goes its rounds as it does directly', [
    [`${PREFIX}_elicitation`],
    ['test_elicitation', { message: 'Who?' }],
    ['test_elicitation_sep1034_defaults'],
    ['test_elicitation_sep1330_enums'],
    ['fixture_url_elicitation'],
  ]),
  asking('sampling and roots go their rounds as they do directly', [
    [`${PREFIX}_sampling`],
    [`${PREFIX}_list_roots`],
    ['test_sampling', { prompt: 'Say something' }],
  ]),
  asking('several questions at once and one after the other, with a state, go their rounds (R11)', [
    [`${PREFIX}_multiple_inputs`],
    [`${PREFIX}_multi_round`],
    [`${PREFIX}_request_state`],
    ['fixture_state_only'],
  ]),
  { name: 'prompts and resources that ask go their rounds', run: promptsAndResourcesAsk },
  { name: 'a state is good for the call it was made for alone (R11)', run: statesAreBound },
  { name: 'only what a request declares is asked', run: declaredAlone },
  { name: 'two clients get on with their own answers', run: answersStayApart },
  {
    name: 'a capability that is missing is named as the server names it (R16)',
    run: missingIsTold,
  },
  { name: 'a task of the extension lives as it does directly (R12)', run: tasksLiveAlike },
  { name: 'a task of the extension is cancelled (R12)', run: tasksAreCancelled },
];
