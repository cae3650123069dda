import assert from 'node:assert/strict';
import test from 'node:test';
import type { Answer } from '../../../src/kernel/answer.ts';
import type { Arrival } from '../../../src/kernel/arrival.ts';
import type { Era } from '../../../src/kernel/era.ts';
import type { JsonObject } from '../../../src/kernel/json.ts';
import type { Target } from '../../../src/kernel/target.ts';
import { Snapshot } from '../../../src/catalog/snapshot.ts';
import { newSecret, Seal } from '../../../src/seal/seal.ts';
import { echoOf } from '../../../src/spine/echo.ts';
import { fromUpstream } from '../../../src/spine/from-upstream.ts';
import type { Passage } from '../../../src/spine/passage.ts';
import type { SpinePorts } from '../../../src/spine/ports.ts';
import { toUpstream } from '../../../src/spine/to-upstream.ts';
import type { Trail } from '../../../src/spine/trail.ts';
import { Sealed } from '../../../src/wiring/sealed.ts';
import { CALLER, suppliersOf, viewOf } from '../../support/unit-catalog.ts';

const META = 'io.modelcontextprotocol';
const GATEWAY = { name: 'mcpx' };

const servers = { one: { resources: ['x:1'] }, two: { tools: ['t'], resources: ['x:1', 'y:1'] } };
const view = viewOf(new Snapshot(suppliersOf(servers), 'prefix'));
const sealed = new Sealed(new Seal([{ id: 1, secret: newSecret() }]), () => 1_000_000, 'run');
const needed: Pick<SpinePorts, 'serverInfo' | 'sealTask' | 'sealState' | 'openState' | 'noteTask'> =
  {
    serverInfo: GATEWAY,
    sealTask: (upstream, principal, id) => sealed.sealTask(upstream, principal, id),
    sealState: (...args) => sealed.sealState(...args),
    openState: (...args) => sealed.openState(...args),
    noteTask: () => undefined,
  };
const ports = needed as SpinePorts;

const TOOL: Target = { kind: 'tool', upstream: 'two', name: 't', publicName: 'two__t' };
const RESOURCE: Target = {
  kind: 'resource',
  upstream: 'two',
  name: 'x:1',
  publicName: 'mcpx://two/x%3A1',
};

function passage(
  method: string,
  params: JsonObject,
  changes: { era?: Era; target?: Target } = {},
): Passage {
  const { era = 'legacy', target = TOOL } = changes;
  const request = { jsonrpc: '2.0', id: 1, method, params };
  return {
    arrival: {
      era,
      version: era === 'modern' ? '2026-07-28' : '2025-11-25',
      request,
    } as unknown as Arrival,
    target,
    principal: CALLER,
    view,
    ports,
    callId: 'call',
  };
}

function resultOf(answer: Answer): JsonObject {
  assert.ok('result' in answer);
  return answer.result;
}

test("a call goes to its server under the server's own name, with everything else as it came", () => {
  const params = {
    name: 'two__t',
    arguments: { a: [1] },
    future: true,
    _meta: { progressToken: 1, trace: 2 },
  };
  assert.deepEqual(toUpstream(passage('tools/call', params)).params, { ...params, name: 't' });
  const read = passage(
    'resources/read',
    { uri: 'mcpx://two/x%3A1', future: 1 },
    { target: RESOURCE },
  );
  assert.deepEqual(toUpstream(read).params, { uri: 'x:1', future: 1 });
  const prompt: Target = { kind: 'prompt', upstream: 'two', name: 'p', publicName: 'two__p' };
  const ref = { type: 'ref/prompt', name: 'two__p', future: 1 };
  const complete = passage(
    'completion/complete',
    { ref, argument: { name: 'a' } },
    { target: prompt },
  );
  assert.deepEqual(toUpstream(complete).params, {
    ref: { ...ref, name: 'p' },
    argument: { name: 'a' },
  });
});

test('what a modern request says of its sender ends at the gateway, the rest of its _meta goes on', () => {
  const own = {
    [`${META}/protocolVersion`]: '2026-07-28',
    [`${META}/clientCapabilities`]: {},
    [`${META}/clientInfo`]: { name: 'c' },
    [`${META}/logLevel`]: 'info',
  };
  const call = (meta: JsonObject) =>
    toUpstream(passage('tools/call', { name: 'two__t', _meta: meta }, { era: 'modern' })).params;
  assert.deepEqual(call({ ...own, trace: 1, progressToken: 'p' }), {
    name: 't',
    _meta: { trace: 1, progressToken: 'p' },
  });
  assert.deepEqual(call(own), { name: 't' });
});

test('a result that needs no change is passed on as the very same object', () => {
  const result = {
    content: [{ type: 'text', text: 'x', future: 1 }],
    structuredContent: {},
    future: [{}],
  };
  assert.equal(resultOf(fromUpstream({ result }, passage('tools/call', {}))), result);
});

test('URIs are shown as clients can use them, wherever a result has them, and other fields stay', () => {
  const link = { type: 'resource_link', uri: 'x:1', name: 'n', future: 1 };
  const embedded = { type: 'resource', resource: { uri: 'x:1', text: 't', future: 1 }, future: 2 };
  const shown = 'mcpx://two/x%3A1';
  const expected = [
    { ...link, uri: shown },
    { ...embedded, resource: { ...embedded.resource, uri: shown } },
    { type: 'text', text: 'x:1' },
    { type: 'hologram', uri: 'x:1' },
  ];
  const content = [link, embedded, { type: 'text', text: 'x:1' }, { type: 'hologram', uri: 'x:1' }];
  assert.deepEqual(
    resultOf(fromUpstream({ result: { content } }, passage('tools/call', {})))['content'],
    expected,
  );
  const messages = [
    { role: 'user', content: embedded },
    { role: 'user', content: [link] },
  ];
  const got = resultOf(fromUpstream({ result: { messages } }, passage('prompts/get', {})));
  assert.deepEqual(got['messages'], [
    { role: 'user', content: expected[1] },
    { role: 'user', content: [expected[0]] },
  ]);
  assert.equal(link.uri, 'x:1', 'nothing is changed in place');
});

test('what was read is named as it was asked for', () => {
  const result = {
    contents: [
      { uri: 'x:1', text: 'a' },
      { uri: 'y:1', text: 'b' },
    ],
  };
  const read = passage('resources/read', {}, { target: RESOURCE });
  const contents = resultOf(fromUpstream({ result }, read))['contents'] as { uri: string }[];
  assert.deepEqual(
    contents.map(({ uri }) => uri),
    ['mcpx://two/x%3A1', 'y:1'],
  );
});

test('what only the modern protocol has does not reach a legacy client', () => {
  const result = {
    resultType: 'complete',
    ttlMs: 5,
    cacheScope: 'public',
    content: [],
    _meta: { [`${META}/serverInfo`]: { name: 'behind' }, trace: 1 },
  };
  assert.deepEqual(resultOf(fromUpstream({ result }, passage('tools/call', {}))), {
    content: [],
    _meta: { trace: 1 },
  });
  const alone = { content: [], _meta: { [`${META}/serverInfo`]: { name: 'behind' } } };
  assert.deepEqual(resultOf(fromUpstream({ result: alone }, passage('tools/call', {}))), {
    content: [],
  });
});

test('a modern client is told the type of a result and this gateway as its server, never the one behind', () => {
  const result = { content: [], _meta: { [`${META}/serverInfo`]: { name: 'behind' }, trace: 1 } };
  const got = resultOf(fromUpstream({ result }, passage('tools/call', {}, { era: 'modern' })));
  assert.deepEqual(got, {
    content: [],
    resultType: 'complete',
    _meta: { [`${META}/serverInfo`]: GATEWAY, trace: 1 },
  });
  const read = passage('resources/read', {}, { era: 'modern', target: RESOURCE });
  const contents = resultOf(fromUpstream({ result: { contents: [] } }, read));
  assert.deepEqual([contents['ttlMs'], contents['cacheScope']], [0, 'private']);
});

test('"not found" has the code of the era of the client', () => {
  const error = { code: -32002, message: 'no', data: { future: 1 } };
  const ask = (era: Era, target: Target): Answer =>
    fromUpstream({ error }, passage('resources/read', {}, { era, target }));
  assert.deepEqual(ask('legacy', RESOURCE), { error });
  assert.deepEqual(ask('modern', RESOURCE), {
    error: { code: -32602, message: 'no', data: { future: 1, uri: RESOURCE.publicName } },
  });
  assert.deepEqual(ask('modern', TOOL), { error: { ...error, code: -32602 } });
  assert.deepEqual(ask('legacy', TOOL), { error }, 'of a tool that code may mean anything');
});

test('a state is wrapped on its way to the client and comes back to its server as it was (R11)', () => {
  const params = { name: 'two__t', arguments: { b: 1, a: { d: 1, c: 2 } } };
  const asked = passage('tools/call', params, { era: 'modern' });
  const result = { resultType: 'input_required', requestState: 'inner' };
  const { requestState } = resultOf(fromUpstream({ result }, asked));
  assert.notEqual(requestState, 'inner');
  const again = (changes: JsonObject, upstream = 'two'): JsonObject => {
    const sent = { ...params, ...changes, requestState: requestState ?? null };
    const target = { ...TOOL, upstream };
    const retry = passage('tools/call', sent, { era: 'modern', target });
    const echo = echoOf(retry.arrival, { principal: CALLER } as Trail, ports);
    assert.equal(echo?.callId, 'call');
    return toUpstream({ ...retry, echo }).params;
  };
  assert.equal(again({})['requestState'], 'inner');
  assert.equal(again({ arguments: { a: { c: 2, d: 1 }, b: 1 } })['requestState'], 'inner');
  assert.equal(again({ inputResponses: { x: {} }, _meta: { trace: 1 } })['requestState'], 'inner');
  for (const changes of [{ arguments: {} }, { more: 1 }, { name: 'two__other' }])
    assert.throws(() => again(changes), { code: 'PARAMS_INVALID' });
  assert.throws(() => again({}, 'one'), { code: 'PARAMS_INVALID' });
});

test('task ids are sealed wherever a result has them (R12)', () => {
  const related = `${META}/related-task`;
  const id = sealed.sealTask('two', CALLER, 't1');
  const task: Target = { kind: 'task', upstream: 'two', name: 't1', publicName: id };
  const map = (method: string, result: JsonObject, target: Target): JsonObject =>
    resultOf(fromUpstream({ result }, passage(method, {}, { target })));
  assert.deepEqual(map('tools/call', { task: { taskId: 't1', ttl: 1 } }, TOOL), {
    task: { taskId: id, ttl: 1 },
  });
  assert.deepEqual(map('tasks/get', { taskId: 't1', status: 'working' }, task), {
    taskId: id,
    status: 'working',
  });
  assert.deepEqual(map('tasks/list', { tasks: [{ taskId: 't1' }] }, task), {
    tasks: [{ taskId: id }],
  });
  const meta = { [related]: { taskId: 't1' } };
  assert.deepEqual(map('tasks/result', { content: [], _meta: meta }, task), {
    content: [],
    _meta: { [related]: { taskId: id } },
  });
  const unrelated = { taskId: 't1', content: [] };
  assert.equal(
    map('tools/call', unrelated, TOOL),
    unrelated,
    "a tool's own field of that name is its own",
  );
});

test('what an extension sends and gets is its own affair: nothing in it is renamed or sealed', () => {
  const target: Target = { kind: 'extension', upstream: 'two', name: 'x/do', publicName: 'x/do' };
  const params = { name: 'two__t', uri: 'mcpx://two/x%3A1', taskId: 't', ref: { uri: 'x:1' } };
  for (const era of ['legacy', 'modern'] as const) {
    const asked = passage('x/do', params, { era, target });
    assert.deepEqual(toUpstream(asked), { method: 'x/do', params });
    const result = {
      task: { taskId: 't' },
      taskId: 't',
      requestState: 'own',
      content: [{ type: 'resource_link', uri: 'x:1' }],
    };
    const { _meta: _hop, resultType: _type, ...got } = resultOf(fromUpstream({ result }, asked));
    assert.deepEqual(got, result);
  }
});

test('what was read may be kept no longer, and by no more, than its view allows (spec 2026-07-28, caching)', () => {
  const read = (ttlMs: number | string, cacheScope: string): readonly unknown[] => {
    const result = { resultType: 'complete', contents: [], ttlMs, cacheScope };
    const asked = passage('resources/read', {}, { era: 'modern', target: RESOURCE });
    const got = resultOf(fromUpstream({ result }, asked));
    return [got['ttlMs'], got['cacheScope']];
  };
  assert.deepEqual(read(7_000, 'public'), [7_000, 'public']);
  assert.deepEqual(read(-1, 'private'), [0, 'private']);
  assert.deepEqual(read('soon', 'everybody'), [0, 'private']);
});

test('a result of a type that its client cannot know is no result, and a legacy server cannot make one', () => {
  const typed = (resultType: string): Answer => ({ result: { content: [], resultType } });
  const from = (
    answer: Answer,
    changes: { era?: Era; extensions?: JsonObject; isModern: boolean },
  ): JsonObject => {
    const asked = passage('tools/call', { name: 'two__t' }, { era: changes.era ?? 'modern' });
    const owner = { capabilities: { extensions: changes.extensions ?? {} } };
    const arrival = { ...asked.arrival, exchange: { owner } } as unknown as Arrival;
    const isModern = (): boolean => changes.isModern;
    const seen = Object.assign(Object.create(view) as typeof view, { isModern });
    return resultOf(fromUpstream(answer, { ...asked, arrival, view: seen }));
  };
  for (const era of ['legacy', 'modern'] as const)
    assert.throws(() => from(typed('hologram'), { era, isModern: true }), {
      code: 'UPSTREAM_PROTOCOL',
    });
  assert.throws(() => from(typed('task'), { isModern: true }), { code: 'UPSTREAM_PROTOCOL' });
  const tasks = { [`${META}/tasks`]: {} };
  assert.equal(from(typed('task'), { extensions: tasks, isModern: true })['resultType'], 'task');
  assert.throws(() => from(typed('hologram'), { extensions: tasks, isModern: true }));
  const other = { 'com.example/holograms': {} };
  assert.equal(
    from(typed('hologram'), { extensions: other, isModern: true })['resultType'],
    'hologram',
  );
  for (const type of ['input_required', 'hologram'])
    assert.equal(from(typed(type), { isModern: false })['resultType'], 'complete');
});
