import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { objectOf, type JsonObject } from '../fixture/json-rpc.ts';
import { FIXTURE } from '../support/conformance-processes.ts';
import { textOf, type Answers } from '../support/fidelity-peer.ts';
import { SAMPLER } from '../support/fidelity-sampler.ts';
import { startTask } from '../support/fidelity-rows-tasks.ts';
import {
  able,
  EVERY_CAPABILITY,
  runTable,
  type Row,
  type Scene,
} from '../support/fidelity-scene.ts';
import { fleetOf } from '../support/fidelity-servers.ts';

/** What no server of npm does: to sample with tools. */

const USE = { type: 'tool_use', id: 'use-1', name: 'weather', input: { city: 'Brno' } };

/** Uses a tool when it is asked for the first time, and answers when it has the result. */
function usingTools(): Answers {
  return {
    'sampling/createMessage': async ({ messages, _meta }, tell) => {
      const isFirst = (messages as unknown[]).length === 1;
      const { progressToken } = objectOf(_meta);
      for (const progress of [1, 2])
        await tell('notifications/progress', {
          progressToken,
          progress,
          total: 2,
          message: 'wait',
        });
      // The first SDK forgets progress that comes together with the answer.
      await sleep(50);
      return {
        role: 'assistant',
        model: 'none',
        stopReason: isFirst ? 'toolUse' : 'endTurn',
        content: isFirst ? [USE] : [{ type: 'text', text: 'It rains.' }],
      };
    },
  };
}

async function sampledAlike(scene: Scene): Promise<void> {
  const wish = { capabilities: EVERY_CAPABILITY, answers: usingTools() };
  const client = await scene.open(wish);
  const direct = await scene.openDirect('sampler', wish);
  const shown = await client.call('sampler__sample');
  assert.deepEqual(shown, await direct.call('sample'));
  assert.match(textOf(shown), /It rains/);
  assert.equal(textOf(shown).match(/"message":"wait"/g)?.length, 4, 'the server hears of progress');
  // The token of a question is the hop's own.
  const bare = (questions: typeof client.questions): unknown =>
    questions.map(({ method, params }) => ({ method, params: { ...params, _meta: undefined } }));
  assert.equal(client.questions.length, 2);
  assert.deepEqual(bare(client.questions), bare(direct.questions));
}

/** A question that the server takes back is taken back from the client, by the id it was asked under. */
async function takenBack(scene: Scene): Promise<void> {
  const never = new Promise<JsonObject>(() => undefined);
  const answers: Answers = { 'sampling/createMessage': () => never };
  const client = await scene.open({ capabilities: EVERY_CAPABILITY, answers });
  assert.match(textOf(await client.call('sampler__withdraw')), /taken back/);
  const { params } = await client.next(({ method }) => method === 'notifications/cancelled');
  assert.equal(params['requestId'], client.questions[0]?.id);
}

/** A client that samples, but knows no tools in sampling, is not asked for them. */
async function notAskedForMore(scene: Scene): Promise<void> {
  const wish = { capabilities: { sampling: {} }, answers: usingTools() };
  const client = await scene.open(wish);
  const { result, error } = await client.request('tools/call', { name: 'sampler__sample' });
  assert.deepEqual(client.questions, []);
  assert.ok(error !== undefined || result?.['isError'] === true);
}

/** A server that is not told how to serve its clients: the only one there is asked, over the link that all share. */
async function theOnlyOneIsAsked(scene: Scene): Promise<void> {
  const client = await scene.open(able('the only one'));
  const args = { message: 'Who is there?' };
  const result = await client.call('fixture__test_elicitation', args);
  assert.match(textOf(result), /the only one/);
  assert.equal(client.questions.length, 1);
}

/** What was begun on the link that all share is not lost when its server turns out to ask its clients. */
async function taskIsKept(scene: Scene): Promise<void> {
  const client = await scene.open(able('the owner of the task'));
  const { taskId } = await startTask(client, 'fixture__fixture_task', { ms: 10, ask: true });
  assert.match(textOf(await client.result('tasks/result', { taskId })), /task done .*accept/);
  const { status } = await client.result('tasks/get', { taskId });
  assert.equal(status, 'completed');
  assert.match(textOf(await client.result('tasks/result', { taskId })), /task done .*accept/);
}

const ROWS: readonly Row[] = [
  { name: 'a task of a server that asks in its midst is there to the end (R12)', run: taskIsKept },
  { name: 'the only client of a server that is shared is asked (R9)', run: theOnlyOneIsAsked },
  {
    name: 'sampling with tools and their results arrives whole, both ways, with progress',
    run: sampledAlike,
  },
  { name: 'a question that the server takes back is taken back from its client', run: takenBack },
  { name: 'a client that does not sample with tools is not asked to (R16)', run: notAskedForMore },
];

runTable(
  {
    title: 'legacy clients of a gateway in front of a server that samples with tools',
    inbound: ['streamable HTTP', 'HTTP+SSE', 'stdio'],
    manner: able('fidelity'),
    start: () =>
      Promise.resolve(fleetOf({ fixture: [FIXTURE, '--era', 'legacy'], sampler: [SAMPLER] })),
    isSettled: () => true,
  },
  ROWS,
);
