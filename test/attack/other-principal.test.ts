import assert from 'node:assert/strict';
import test from 'node:test';
import { Caller, assertRefusal, type CallerTerms } from '../support/attack-caller.ts';
import {
  assertServes,
  attackedForFile,
  KEY_HEADER,
  SHARED_KEY,
  TAG_HEADER,
} from '../support/attack-gateway.ts';
import { fixtureEntry } from '../support/raw-gateway.ts';
import { partOf, rpcOf, type JsonObject } from '../support/raw-http.ts';

/** What was sealed for one caller (a session, a task, a state, a cursor) is nothing in the hands of another, or of the same one by another name. */

const gateway = await attackedForFile({
  servers: { it: fixtureEntry('legacy'), new: fixtureEntry('modern') },
  app: {
    list: { pageSize: 5 },
    toolGroups: [
      { name: 'texts', services: { it: ['test_simple_text'] } },
      { name: 'state', services: { it: ['fixture_state', 'test_error_handling'], new: '*' } },
    ],
    permissions: {
      consumers: {
        dev: { allow: ['texts'] },
        ops: { block: [] },
        small: { allow: ['state'] },
        boss: { block: [] },
        peer: { block: [] },
      },
    },
  },
});
const { port } = gateway;
const boss = { [KEY_HEADER]: await gateway.createKey('boss') };
const peer = { [KEY_HEADER]: await gateway.createKey('peer') };
const small = { [KEY_HEADER]: await gateway.createKey('small') };

function tagged(consumer?: string): Record<string, string> {
  const tag: Record<string, string> = consumer === undefined ? {} : { [TAG_HEADER]: consumer };
  return { [KEY_HEADER]: SHARED_KEY, ...tag };
}

const SWITCHES: readonly [string, CallerTerms, CallerTerms][] = [
  ['to another consumer', { headers: tagged('dev') }, { headers: tagged('ops') }],
  ['to a consumer at all', { headers: tagged() }, { headers: tagged('ops') }],
  ['to no consumer', { headers: tagged('dev') }, { headers: tagged() }],
  ['to another spelling of it', { headers: tagged('dev') }, { headers: tagged('DEV') }],
  [
    'from the endpoint of a group to that of all',
    { headers: boss, path: '/mcp/texts' },
    { headers: boss },
  ],
  [
    'from the endpoint of all to that of a group',
    { headers: boss },
    { headers: boss, path: '/mcp/texts' },
  ],
  [
    'from one group to another',
    { headers: boss, path: '/mcp/texts' },
    { headers: boss, path: '/mcp/state' },
  ],
];

for (const [what, before, after] of SWITCHES) {
  test(`a live session never changes ${what}: its id is unknown then, and that is recorded (R13)`, async () => {
    const caller = await Caller.open(port, before);
    const from = gateway.audit().length;
    const switched = new Caller(port, after);
    switched.useSession(caller.sessionId);
    const call = { name: 'it__fixture_state', arguments: {} };
    assertRefusal(await switched.ask('tools/call', call), 'SESSION_UNKNOWN', 404);
    assertRefusal(await switched.ask('tools/list'), 'SESSION_UNKNOWN', 404);
    await gateway.recorded(
      'the switch',
      ({ code, address }) => code === 'SESSION_UNKNOWN' && address === switched.address,
      from,
    );
    assert.equal((await caller.request('ping')).error, undefined);
  });
}

test('the task of one caller is unknown to every other, whatever it does with it (R12)', async () => {
  const caller = await Caller.open(port, { headers: boss });
  const task = { name: 'it__fixture_task', arguments: { ms: 60_000 }, task: { ttl: 120_000 } };
  const { taskId } = partOf<{ taskId: string }>(await caller.request('tools/call', task), 'task');
  const from = gateway.audit().length;
  for (const headers of [peer, small, tagged(), tagged('ops')]) {
    const other = await Caller.open(port, { headers });
    for (const method of ['tasks/get', 'tasks/result', 'tasks/cancel']) {
      const { error } = await other.request(method, { taskId });
      assert.deepEqual([error?.code, error?.message], [-32602, 'Unknown task.'], method);
    }
  }
  const elsewhere = await Caller.open(port, { headers: boss, path: '/mcp/state' });
  assert.equal((await elsewhere.request('tasks/get', { taskId })).error?.message, 'Unknown task.');
  await gateway.recorded(
    'the foreign task',
    ({ method, code }) => method === 'tasks/get' && code === 'TARGET_UNKNOWN',
    from,
  );
  const { result } = await caller.request('tasks/get', { taskId });
  assert.equal(result?.['status'], 'working');
  await caller.request('tasks/cancel', { taskId });
});

test('the state of one caller’s question continues no call of another (R11)', async () => {
  const name = 'new__fixture_state_only';
  const asked = rpcOf(await new Caller(port, { headers: boss }).modernCall(name));
  const requestState = asked.result?.['requestState'];
  assert.equal(typeof requestState, 'string');
  const from = gateway.audit().length;
  const params = { name, arguments: {}, requestState };
  for (const headers of [peer, small, tagged(), tagged('ops')]) {
    const { error } = rpcOf(await new Caller(port, { headers }).modern('tools/call', params));
    assert.equal(error?.code, -32602);
  }
  await gateway.recorded('the foreign state', ({ code }) => code === 'PARAMS_INVALID', from);
  const own = rpcOf(await new Caller(port, { headers: boss }).modern('tools/call', params));
  assert.equal(own.error, undefined);
});

test('a cursor of one caller shows another one nothing but its own', async () => {
  const listed = rpcOf(await new Caller(port, { headers: boss }).modern('tools/list'));
  let cursor = listed.result?.['nextCursor'];
  const allowed = new Set(await allTools(small));
  for (let page = 0; page < 20 && cursor !== undefined; page += 1) {
    const own = rpcOf(await new Caller(port, { headers: small }).modern('tools/list', { cursor }));
    const tools = (own.result?.['tools'] ?? []) as readonly JsonObject[];
    for (const { name } of tools) assert.ok(allowed.has(String(name)), `${String(name)} is shown`);
    cursor = rpcOf(await new Caller(port, { headers: boss }).modern('tools/list', { cursor }))
      .result?.['nextCursor'];
  }
});

test('what a name without prefix has meant to one caller is nothing to another (R6)', async () => {
  const first = await new Caller(port, { headers: boss }).modernCall('test_simple_text');
  assertRefusal(first, 'TARGET_UNKNOWN');
  const only = new Caller(port, { headers: tagged('dev') });
  assert.equal((await only.modernCall('test_simple_text')).status, 200);
  assertRefusal(
    await new Caller(port, { headers: boss }).modernCall('test_simple_text'),
    'TARGET_UNKNOWN',
  );
  assertRefusal(await only.modernCall('fixture_state'), 'TARGET_UNKNOWN');
});

test('after all of this the gateway serves as before', async () => {
  await assertServes(gateway);
  await assertServes(gateway, boss);
});

async function allTools(headers: Record<string, string>): Promise<string[]> {
  const caller = new Caller(port, { headers });
  const names: string[] = [];
  let cursor: unknown;
  do {
    const params = cursor === undefined ? {} : { cursor };
    const { result } = rpcOf(await caller.modern('tools/list', params));
    names.push(...((result?.['tools'] ?? []) as JsonObject[]).map(({ name }) => String(name)));
    cursor = result?.['nextCursor'];
  } while (cursor !== undefined);
  return names;
}
