import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { objectOf } from '../fixture/json-rpc.ts';
import {
  assertAllowed,
  assertRefusal,
  opened,
  RawLegacy,
  RawModern,
  WAYS,
  type Caller,
  type CallerTerms,
} from '../support/access-callers.ts';
import { accessGateway, keyed, SHARED_KEY } from '../support/access-gateway.ts';
import { serverWith } from '../support/access-servers.ts';

const TASKS = 'io.modelcontextprotocol/tasks';

/** A server of the era of each client: tasks do not cross eras. */
const SERVERS = {
  elder: serverWith({ parts: ['tasks'], tools: ['elder_tool'] }),
  younger: serverWith({ parts: ['tasks'], tools: ['younger_tool'] }, 'modern'),
};

const APP = `
list: { debounceMs: 20 }
permissions:
  consumers:
    alice: { block: [] }
    bob: { block: [] }
    narrow: { allow: [task-tools] }
toolGroups:
  - { name: task-tools, services: { elder: [fixture_task], younger: [slow_compute] } }
  - { name: servers-with-tasks, services: { Elder: "*", Younger: "*" } }
rules:
  - { id: no-polling, effect: deny, consumers: [impatient], when: "request.method == 'tasks/get'" }
`;
const CLOSED = APP.replace('alice: { block: [] }', 'alice: { block: [servers-with-tasks] }');

const gateway = await accessGateway({
  servers: SERVERS,
  app: APP,
  env: { API_KEY: SHARED_KEY },
});

function termsOf(consumer?: string): CallerTerms {
  return {
    headers: keyed(consumer),
    capabilities: { extensions: { [TASKS]: {} } },
  };
}

/** Starts a task that lasts so long, as the era of the caller has it; returns its id. */
async function startTask(caller: Caller, ms = 50): Promise<string> {
  const told =
    caller.era === 'legacy'
      ? await caller.request('tools/call', {
          name: 'elder__fixture_task',
          arguments: { ms },
          task: {},
        })
      : await caller.request('tools/call', {
          name: 'younger__slow_compute',
          arguments: { seconds: ms / 1000, label: 'x' },
        });
  assertAllowed(told);
  const task = caller.era === 'legacy' ? objectOf(told.result?.['task']) : (told.result ?? {});
  assert.equal(typeof task['taskId'], 'string', JSON.stringify(told));
  return String(task['taskId']);
}

function methodsOf({ era }: Caller): string[] {
  return era === 'legacy'
    ? ['tasks/get', 'tasks/result', 'tasks/cancel']
    : ['tasks/get', 'tasks/update', 'tasks/cancel'];
}

/** Fails unless a task id is answered exactly as one that nobody ever gave. */
async function assertUnknownTask(caller: Caller, taskId: string): Promise<void> {
  for (const method of methodsOf(caller)) {
    const told = await caller.request(method, { taskId, inputResponses: {} });
    const nobodys = await caller.request(method, { taskId: 'nobodys', inputResponses: {} });
    assert.deepEqual(told, nobodys, method);
    assertRefusal(told, 'TARGET_UNKNOWN');
  }
}

// The second SDK knows no tasks yet.
const { 'SDK v2': _untasked, ...TASK_WAYS } = WAYS;

for (const [way, open] of Object.entries(TASK_WAYS)) {
  describe(`over ${way}`, () => {
    test('a task is there for who started it, and for nobody else: no other consumer, no other client of no consumer', async (t) => {
      const alice = await opened(t, open, gateway.port, termsOf('alice'));
      const taskId = await startTask(alice);
      assertAllowed(await alice.request('tasks/get', { taskId }));
      const again = await opened(t, open, gateway.port, termsOf('alice'));
      assertAllowed(await again.request('tasks/get', { taskId }));
      for (const consumer of ['bob', 'narrow', undefined])
        await assertUnknownTask(await opened(t, open, gateway.port, termsOf(consumer)), taskId);
    });

    test('a caller that may use one tool of a server has the tasks it started with it', async (t) => {
      const narrow = await opened(t, open, gateway.port, termsOf('narrow'));
      const taskId = await startTask(narrow, 60_000);
      assertAllowed(await narrow.request('tasks/get', { taskId }));
      assertAllowed(await narrow.request('tasks/cancel', { taskId }));
    });

    test('a rule can deny a method of tasks and leave the others', async (t) => {
      const caller = await opened(t, open, gateway.port, termsOf('impatient'));
      const taskId = await startTask(caller, 60_000);
      assertRefusal(await caller.request('tasks/get', { taskId }), 'FORBIDDEN');
      assertAllowed(await caller.request('tasks/cancel', { taskId }));
    });
  });
}

test('tasks/list has the tasks of the caller alone', async (t) => {
  const alice = await RawLegacy.open(gateway.port, termsOf('alice'));
  const bob = await RawLegacy.open(gateway.port, termsOf('bob'));
  t.after(() => Promise.all([alice.close(), bob.close()]));
  const [hers, his] = [await startTask(alice), await startTask(bob)];
  const listed = async (caller: Caller): Promise<unknown[]> => {
    const { result } = await caller.request('tasks/list');
    const tasks = (result?.['tasks'] ?? []) as { taskId: string }[];
    return tasks.map(({ taskId }) => taskId);
  };
  const [ofAlice, ofBob] = [await listed(alice), await listed(bob)];
  assert.ok(ofAlice.includes(hers) && !ofAlice.includes(his));
  assert.ok(ofBob.includes(his) && !ofBob.includes(hers));
  // Not by another id either: as many as were started, no more.
  for (const ids of [ofAlice, ofBob]) assert.equal(new Set(ids).size, ids.length);
});

test('when a server is taken from a caller its tasks are gone, their news too; and back when it is', async (t) => {
  const legacy = await RawLegacy.open(gateway.port, termsOf('alice'));
  const modern = new RawModern(gateway.port, termsOf('alice'));
  const ids = new Map<Caller, string>();
  for (const caller of [legacy, modern]) ids.set(caller, await startTask(caller, 4_000));
  const modernId = ids.get(modern) ?? '';
  const own = await legacy.listen();
  const stream = await modern.listen({ taskIds: [modernId], toolsListChanged: true });
  t.after(async () => {
    own.break();
    stream.break();
    await legacy.close();
  });
  const { params } = await stream.nextMessage(() => true);
  assert.deepEqual(objectOf(params?.['notifications'])['taskIds'], [modernId]);

  await gateway.reload(CLOSED);
  for (const [caller, taskId] of ids) await assertUnknownTask(caller, taskId);
  const { result } = await legacy.request('tasks/list');
  assert.deepEqual(result?.['tasks'], []);
  const bob = new RawModern(gateway.port, termsOf('bob'));
  const others = await startTask(bob, 4_000);
  const bobs = await bob.listen({ taskIds: [others] });
  t.after(() => bobs.break());
  // His task ends after hers: by then hers has ended, and nothing was told of it.
  await bobs.nextMessage(({ method }) => method === 'notifications/tasks');
  for (const each of [own, stream])
    assert.ok(
      each.messages.every(({ method }) => method?.startsWith('notifications/tasks') !== true),
      JSON.stringify(each.messages),
    );

  await gateway.reload(`${APP}# again\n`);
  for (const [caller, taskId] of ids) assertAllowed(await caller.request('tasks/get', { taskId }));
});
