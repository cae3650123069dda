import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { objectOf } from '../fixture/json-rpc.ts';
import {
  assertAllowed,
  assertRefusal,
  call,
  namesOf,
  opened,
  RawLegacy,
  RawModern,
  WAYS,
  type Caller,
} from '../support/access-callers.ts';
import { accessGateway, tagged } from '../support/access-gateway.ts';
import { serverWith, TEMPLATE, templateOf } from '../support/access-servers.ts';
import {
  assertAccess,
  assertAsUnknown,
  prompts,
  resources,
  templates,
  tools,
} from '../support/access-things.ts';
import type { EventReader } from '../support/raw-events.ts';
import type { JsonObject } from '../support/raw-http.ts';

// A caller without access to a server learns nothing of it (R6): to "outsider" there is no "vault".
const OUTSIDER = { headers: tagged('outsider') };
const INSIDER = { headers: tagged('insider') };
const ANY_TRACE = /vault/iu;
const TOOLS_CHANGED = 'notifications/tools/list_changed';
const UPDATED = 'notifications/resources/updated';

const gateway = await accessGateway({
  servers: {
    vault: serverWith({
      tools: ['open_vault', 'shared_name'],
      prompts: ['vault_prompt'],
      resources: ['vault://gold'],
      parts: ['control', 'plain', 'tasks'],
    }),
    desk: serverWith(
      { tools: ['shared_name'], resources: ['desk://paper'], parts: ['control', 'plain'] },
      'modern',
    ),
  },
  app: `
list: { debounceMs: 20 }
permissions:
  consumers:
    outsider: { block: [the-vault] }
    narrow: { allow: [one-tool] }
toolGroups:
  - { name: the-vault, services: { Vault: "*" } }
  - { name: one-tool, services: { desk: [shared_name] } }
`,
});

/** Everything a caller is told without asking for anything by name. */
async function allThatIsTold(caller: Caller): Promise<string> {
  const told: unknown[] = [await caller.welcome()];
  for (const method of [
    'tools/list',
    'prompts/list',
    'resources/list',
    'resources/templates/list',
    ...(caller.era === 'legacy' ? ['tasks/list', 'ping'] : ['server/discover']),
  ])
    told.push(await caller.request(method));
  return JSON.stringify(told);
}

for (const [way, open] of Object.entries(WAYS)) {
  describe(`over ${way}`, () => {
    test('instructions, capabilities and lists tell nothing of a server that the caller cannot reach', async (t) => {
      const outsider = await opened(t, open, gateway.port, OUTSIDER);
      const told = await allThatIsTold(outsider);
      assert.doesNotMatch(told, ANY_TRACE);
      assert.doesNotMatch(told, /speaks the legacy protocol only/u);
      const { capabilities, instructions } = await outsider.welcome();
      assert.equal((capabilities as JsonObject)['tasks'], undefined);
      assert.match(String(instructions), /# desk\s+A server for tests; it speaks 2026-07-28 only/u);

      const insider = await opened(t, open, gateway.port, INSIDER);
      const whole = await allThatIsTold(insider);
      for (const trace of [/# vault/u, /vault__open_vault/u, /vault_prompt/u, /vault:\/\/gold/u])
        assert.match(whole, trace);
    });

    test('nothing of a hidden server answers to any of its names', async (t) => {
      const outsider = await opened(t, open, gateway.port, OUTSIDER);
      for (const thing of [
        ...tools('vault__open_vault'),
        ...prompts('vault__vault_prompt'),
        ...resources('vault://gold'),
        ...templates(TEMPLATE),
      ])
        await assertAccess(outsider, thing, false);
      for (const name of ['open_vault', 'Vault__open_vault', 'vault__nothing'])
        await assertAsUnknown(outsider, 'tools/call', { kind: 'tools', name });
      for (const name of ['mcpx://vault/vault%3A%2F%2Fgold', 'mcpx://VAULT/vault%3A%2F%2Fgold'])
        await assertAsUnknown(outsider, 'resources/read', { kind: 'resources', name });
      for (const thing of templates(templateOf('desk'))) await assertAccess(outsider, thing, true);
      const insider = await opened(t, open, gateway.port, INSIDER);
      const read = await insider.request('resources/read', {
        uri: 'mcpx://vault/vault%3A%2F%2Fgold',
      });
      assertAllowed(read);
    });

    test('a name without its server means what the caller can see, as if there were nothing else', async (t) => {
      const outsider = await opened(t, open, gateway.port, OUTSIDER);
      const told = await call(outsider, 'shared_name', { a: 1 });
      assert.deepEqual(told.result?.['structuredContent'], {
        tool: 'shared_name',
        arguments: { a: 1 },
      });
      await assertAsUnknown(outsider, 'tools/call', { kind: 'tools', name: 'open_vault' });
      const insider = await opened(t, open, gateway.port, INSIDER);
      assertRefusal(await call(insider, 'shared_name'), 'TARGET_UNKNOWN');
      assertAllowed(await call(insider, 'open_vault'));
    });

    test('a URI that nobody lists is asked of no server where a resource is hidden, for its answer would tell the two apart', async (t) => {
      const uri = 'nobody://lists-this';
      const asked = async (caller: Caller): Promise<unknown> => {
        const { result } = await call(caller, 'desk__fixture_state');
        return objectOf(objectOf(result?.['structuredContent'])['methods'])['resources/read'];
      };
      const outsider = await opened(t, open, gateway.port, OUTSIDER);
      const before = await asked(outsider);
      assertRefusal(await outsider.request('resources/read', { uri }), 'RESOURCE_UNKNOWN');
      if (outsider.era === 'legacy')
        await assertAsUnknown(outsider, 'resources/subscribe', {
          kind: 'resources',
          name: 'vault://gold',
        });
      assert.equal(await asked(outsider), before);
    });

    test('of a server of which one tool is all there is, nothing else is told', async (t) => {
      const narrow = await opened(t, open, gateway.port, { headers: tagged('narrow') });
      assert.deepEqual(await namesOf(narrow, 'tools'), ['desk__shared_name']);
      for (const kind of ['prompts', 'resources', 'resourceTemplates'] as const)
        assert.deepEqual(await namesOf(narrow, kind), []);
      await assertAsUnknown(narrow, 'resources/read', { kind: 'resources', name: 'desk://paper' });
    });
  });
}

interface Ear {
  readonly stream: EventReader;
  /** What was heard so far of one method. */
  heard(method: string): JsonObject[];
  /** Makes the desk announce a change, and waits until this ear has heard of it: what was sent before has come too. */
  untilAllHeard(): Promise<void>;
}

function earOf(stream: EventReader, announce: () => Promise<unknown>, of: string): Ear {
  const heard = (method: string): JsonObject[] =>
    stream.messages.filter((each) => each.method === method).map(({ params = {} }) => params);
  return {
    stream,
    heard,
    untilAllHeard: async () => {
      const before = heard(of).length;
      await announce();
      await stream.nextMessage(() => heard(of).length > before);
    },
  };
}

/** A legacy session with its stream, told all there is to log. */
async function legacyEar(consumer: string, uris: readonly string[]): Promise<Ear> {
  const session = await RawLegacy.open(gateway.port, { headers: tagged(consumer) });
  const stream = await session.listen();
  await session.request('logging/setLevel', { level: 'debug' });
  for (const uri of uris) await session.request('resources/subscribe', { uri });
  const touch = (): Promise<unknown> =>
    call(session, 'desk__fixture_touch_resource', { uri: 'desk://paper' });
  return earOf(stream, touch, UPDATED);
}

/** A modern stream that asked for all there is. */
async function modernEar(consumer: string, uris: readonly string[]): Promise<Ear> {
  const caller = new RawModern(gateway.port, { headers: tagged(consumer) });
  const stream = await caller.listen({
    toolsListChanged: true,
    promptsListChanged: true,
    resourcesListChanged: true,
    resourceSubscriptions: [...uris],
  });
  await stream.nextMessage(({ method }) => method === 'notifications/subscriptions/acknowledged');
  const touch = (): Promise<unknown> =>
    call(caller, 'desk__fixture_touch_resource', { uri: 'desk://paper' });
  return earOf(stream, touch, UPDATED);
}

const URIS = ['desk://paper', 'vault://gold'];
const EARS = { legacy: legacyEar, modern: modernEar };

for (const [era, earFor] of Object.entries(EARS)) {
  test(`a ${era} client hears of no change of what it cannot see: neither lists, nor resources, nor log messages`, async (t) => {
    const outside = await earFor('outsider', URIS);
    const inside = await earFor('insider', URIS);
    t.after(() => {
      outside.stream.break();
      inside.stream.break();
    });
    const worker = await RawLegacy.open(gateway.port, INSIDER);
    t.after(() => worker.close());
    const name = `added_for_${era}`;
    assertAllowed(await call(worker, 'vault__fixture_add_tool', { name }));
    await inside.stream.nextMessage(({ method }) => method === TOOLS_CHANGED);
    assertAllowed(await call(worker, 'vault__test_trigger_prompt_change'));
    await inside.stream.nextMessage(
      ({ method }) => method === 'notifications/prompts/list_changed',
    );
    assertAllowed(await call(worker, 'vault__fixture_touch_resource', { uri: 'vault://gold' }));
    await inside.stream.nextMessage(
      ({ method, params }) => method === UPDATED && params?.['uri'] === 'vault://gold',
    );
    assertAllowed(await call(worker, 'vault__test_tool_with_logging'));

    await outside.untilAllHeard();
    const methods = new Set(outside.stream.messages.map(({ method }) => method));
    methods.delete('notifications/subscriptions/acknowledged');
    assert.deepEqual([...methods], [UPDATED]);
    assert.deepEqual(
      outside.heard(UPDATED).map(({ uri }) => uri),
      ['desk://paper'],
    );
  });
}

test('a modern stream is granted a URI of a hidden server exactly as one that nobody has', async (t) => {
  const caller = new RawModern(gateway.port, OUTSIDER);
  const stream = await caller.listen({
    resourceSubscriptions: ['desk://paper', 'vault://gold', 'nobody://gold'],
  });
  t.after(() => stream.break());
  const { params } = await stream.nextMessage(
    ({ method }) => method === 'notifications/subscriptions/acknowledged',
  );
  const granted = objectOf(params?.['notifications'])['resourceSubscriptions'] as string[];
  assert.ok(granted.includes('desk://paper'));
  assert.equal(granted.includes('vault://gold'), granted.includes('nobody://gold'));
});

test('a task of a hidden server is unknown, also by its true id', async (t) => {
  const insider = await RawLegacy.open(gateway.port, INSIDER);
  t.after(() => insider.close());
  const started = await insider.request('tools/call', {
    name: 'vault__fixture_task',
    arguments: { ms: 10 },
    task: {},
  });
  const { taskId } = objectOf(started.result?.['task']);
  assertAllowed(await insider.request('tasks/get', { taskId }));
  const outsider = await RawLegacy.open(gateway.port, OUTSIDER);
  t.after(() => outsider.close());
  for (const method of ['tasks/get', 'tasks/result', 'tasks/cancel']) {
    const told = await outsider.request(method, { taskId });
    assert.deepEqual(told, await outsider.request(method, { taskId: 'nobodys' }));
    assertRefusal(told, 'TARGET_UNKNOWN');
  }
});
