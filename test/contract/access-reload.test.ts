import assert from 'node:assert/strict';
import { beforeEach, test, type TestContext } from 'node:test';
import { objectOf } from '../fixture/json-rpc.ts';
import {
  Client as ModernClient,
  StreamableHTTPClientTransport,
} from '@modelcontextprotocol/client';
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as LegacyHttpTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  assertAllowed,
  assertRefusal,
  call,
  namesOf,
  RawLegacy,
  RawModern,
} from '../support/access-callers.ts';
import { accessGateway, tagged } from '../support/access-gateway.ts';
import { POST_MESSAGE, serverWith } from '../support/access-servers.ts';
import { assertAccess, prompts, tools } from '../support/access-things.ts';
import { eventually } from '../support/processes.ts';
import type { EventReader } from '../support/raw-events.ts';

const CHANGED = {
  tools: 'notifications/tools/list_changed',
  prompts: 'notifications/prompts/list_changed',
  resources: 'notifications/resources/list_changed',
};
const UPDATED = 'notifications/resources/updated';

interface Rights {
  readonly alice?: string;
  readonly bob?: string;
  readonly more?: string;
}

/** What holds for the two callers of these tests; of everybody else nothing changes. */
function appOf({ alice = '{ block: [] }', bob = '{ block: [] }', more = '' }: Rights = {}): string {
  return `
list: { debounceMs: 20 }
permissions:
  consumers:
    alice: ${alice}
    bob: ${bob}
toolGroups:
  - { name: posting, services: { slack: [post_message] } }
  - { name: slow, services: { slack: [fixture_slow] } }
  - { name: channels, services: { slack: ["slack://channels"] } }
  - { name: prompting, services: { slack: [digest] } }
  - { name: listing, services: { slack: [list_channels] } }
${more}
`;
}

const gateway = await accessGateway({
  servers: {
    slack: serverWith({
      tools: ['list_channels', POST_MESSAGE],
      prompts: ['digest'],
      resources: ['slack://channels', 'slack://news'],
      parts: ['control'],
    }),
  },
  app: appOf(),
});

let turn = 0;

/** Every test begins with the same rights; the file differs each time, so that it is read again. */
beforeEach(() => {
  turn += 1;
  return gateway.reload(`${appOf()}# ${turn}\n`);
});

interface Client {
  readonly session: RawLegacy;
  readonly stream: EventReader;
}

async function legacy(t: TestContext, consumer: string): Promise<Client> {
  const session = await RawLegacy.open(gateway.port, { headers: tagged(consumer) });
  const stream = await session.listen();
  t.after(async () => {
    stream.break();
    await session.close();
  });
  // What a client has not looked at yet cannot have changed for it.
  await namesOf(session, 'tools');
  return { session, stream };
}

function heard({ stream }: Pick<Client, 'stream'>, ...methods: readonly string[]): number {
  return stream.messages.filter(({ method = '' }) => methods.includes(method)).length;
}

/** Has a client told of something, so that what was sent to it before must have come too. */
async function fence({ session, stream }: Client): Promise<void> {
  await session.request('resources/subscribe', { uri: 'slack://news' });
  const before = heard({ stream }, UPDATED);
  assertAllowed(await call(session, 'slack__fixture_touch_resource', { uri: 'slack://news' }));
  await stream.nextMessage(() => heard({ stream }, UPDATED) > before);
}

test('rights change without the loss of a session: it is told once, and its next call is judged by the new plan', async (t) => {
  const alice = await legacy(t, 'alice');
  const bob = await legacy(t, 'bob');
  assertAllowed(await call(alice.session, 'slack__post_message', { text: 'a' }));

  await gateway.reload(appOf({ alice: '{ block: [posting] }' }));
  await alice.stream.nextMessage(({ method }) => method === CHANGED.tools);
  for (const thing of tools('slack__post_message')) {
    await assertAccess(alice.session, thing, false);
    await assertAccess(bob.session, thing, true);
  }
  await fence(alice);
  await fence(bob);
  assert.equal(heard(alice, CHANGED.tools), 1);
  assert.equal(heard(alice, CHANGED.prompts, CHANGED.resources), 0);
  assert.equal(heard(bob, ...Object.values(CHANGED)), 0, 'nothing changed for bob');
  assert.ok(!alice.stream.isOver && !bob.stream.isOver);
});

test('only lists that changed are told: a prompt that goes is no change of tools', async (t) => {
  const alice = await legacy(t, 'alice');
  await gateway.reload(appOf({ alice: '{ block: [prompting] }' }));
  await alice.stream.nextMessage(({ method }) => method === CHANGED.prompts);
  for (const thing of prompts('slack__digest')) await assertAccess(alice.session, thing, false);
  await fence(alice);
  assert.equal(heard(alice, CHANGED.tools, CHANGED.resources), 0);
});

test('a caller that was away while its rights changed hears of the next change, and of none before', async (t) => {
  const first = await RawLegacy.open(gateway.port, { headers: tagged('alice') });
  assert.ok((await namesOf(first, 'tools')).includes('slack__post_message'));
  await first.close();
  await gateway.reload(appOf({ alice: '{ block: [posting] }' }));
  const alice = await legacy(t, 'alice');
  assert.ok(!(await namesOf(alice.session, 'tools')).includes('slack__post_message'));
  await fence(alice);
  assert.equal(heard(alice, CHANGED.tools), 0);
  await gateway.reload(`${appOf()}# back\n`);
  await fence(alice);
  assert.equal(heard(alice, CHANGED.tools), 1);
});

test('a modern client is told on its stream, where its view changed and only there', async (t) => {
  const streams = await Promise.all(
    ['alice', 'bob'].map(async (consumer) => {
      const caller = new RawModern(gateway.port, { headers: tagged(consumer) });
      await namesOf(caller, 'tools');
      const stream = await caller.listen({
        toolsListChanged: true,
        promptsListChanged: true,
        resourcesListChanged: true,
        resourceSubscriptions: ['slack://news'],
      });
      t.after(() => stream.break());
      await stream.next(() => true);
      return { caller, stream };
    }),
  );
  const [alice, bob] = streams;
  assert.ok(alice && bob);
  await gateway.reload(appOf({ alice: '{ block: [posting] }' }));
  await alice.stream.nextMessage(({ method }) => method === CHANGED.tools);
  assertRefusal(await call(alice.caller, 'slack__post_message'), 'TARGET_UNKNOWN');
  assertAllowed(await call(bob.caller, 'slack__post_message'));
  await call(bob.caller, 'slack__fixture_touch_resource', { uri: 'slack://news' });
  for (const { stream } of streams) await stream.nextMessage(({ method }) => method === UPDATED);
  assert.equal(heard(alice, ...Object.values(CHANGED)), 1);
  assert.equal(heard(bob, ...Object.values(CHANGED)), 0);
});

test('clients of both SDKs hear of changed rights and go on in their sessions', async (t) => {
  const url = new URL(gateway.url);
  const requestInit = { headers: tagged('alice') };
  const heardBy: string[] = [];
  const old = new LegacyClient({ name: 'old', version: '1.0.0' });
  old.fallbackNotificationHandler = async ({ method }) => {
    heardBy.push(`old ${method}`);
  };
  await old.connect(new LegacyHttpTransport(url, { requestInit }));
  t.after(() => old.close());
  const recent = new ModernClient(
    { name: 'recent', version: '1.0.0' },
    { versionNegotiation: { mode: { pin: '2026-07-28' } } },
  );
  recent.setNotificationHandler(CHANGED.tools as 'notifications/tools/list_changed', () => {
    heardBy.push(`recent ${CHANGED.tools}`);
  });
  await recent.connect(new StreamableHTTPClientTransport(url, { requestInit }));
  t.after(() => recent.close());
  await recent.listen({ toolsListChanged: true });
  const namesFor = async (client: typeof old | typeof recent): Promise<string[]> =>
    (await client.listTools()).tools.map(({ name }) => name);
  for (const client of [old, recent])
    assert.ok((await namesFor(client)).includes('slack__post_message'));

  await gateway.reload(appOf({ alice: '{ block: [posting] }' }));
  await eventually(
    'both were told',
    10_000,
    () => new Set(heardBy).size === 2,
    () => heardBy,
  );
  assert.deepEqual(heardBy.toSorted(), [`old ${CHANGED.tools}`, `recent ${CHANGED.tools}`]);
  assert.ok(!(await namesFor(old)).includes('slack__post_message'));
  await assert.rejects(old.callTool({ name: 'slack__post_message' }), /Unknown tool/u);
  await assert.rejects(recent.callTool({ name: 'slack__post_message' }), /Unknown tool/u);
});

test('a call in flight ends under the plan it began with, and the next one is refused', async (t) => {
  const alice = await legacy(t, 'alice');
  const modern = new RawModern(gateway.port, { headers: tagged('alice') });
  const calls = [alice.session, modern].map((caller) =>
    call(caller, 'slack__fixture_slow', { ms: 2_500 }),
  );
  await eventually('both calls ran', 10_000, async () => {
    const { result } = await call(alice.session, 'slack__fixture_state');
    return Number(objectOf(result?.['structuredContent'])['callsStarted']) >= 2;
  });
  await gateway.reload(appOf({ alice: '{ block: [slow] }' }));
  for (const caller of [alice.session, modern])
    assertRefusal(await call(caller, 'slack__fixture_slow', { ms: 1 }), 'TARGET_UNKNOWN');
  for (const told of await Promise.all(calls)) {
    assertAllowed(told);
    assert.match(JSON.stringify(told.result), /waited 2500 ms/u);
  }
});

test('a subscription delivers nothing of what is no longer visible, and again what is', async (t) => {
  const alice = await legacy(t, 'alice');
  const modern = new RawModern(gateway.port, { headers: tagged('alice') });
  const uris = ['slack://channels', 'slack://news'];
  const stream = await modern.listen({ resourceSubscriptions: uris });
  t.after(() => stream.break());
  for (const uri of uris) await alice.session.request('resources/subscribe', { uri });
  const bob = await legacy(t, 'bob');
  const touch = async (uri: string): Promise<void> =>
    assertAllowed(await call(bob.session, 'slack__fixture_touch_resource', { uri }));
  const both = [alice.stream, stream];
  const updatesOf = (of: EventReader, uri: string): number =>
    of.messages.filter(({ method, params }) => method === UPDATED && params?.['uri'] === uri)
      .length;
  const allHave = async (uri: string, count: number): Promise<void> => {
    for (const each of both) await each.nextMessage(() => updatesOf(each, uri) >= count);
  };

  await touch('slack://channels');
  await allHave('slack://channels', 1);
  await gateway.reload(appOf({ alice: '{ block: [channels] }' }));
  await touch('slack://channels');
  await touch('slack://news');
  await allHave('slack://news', 1);
  for (const each of both) assert.equal(updatesOf(each, 'slack://channels'), 1);
  await gateway.reload(`${appOf()}# again\n`);
  await touch('slack://channels');
  await allHave('slack://channels', 2);
});

test('a bad file keeps the last good plan in force, says where it is bad, and a mended one is taken over', async (t) => {
  const alice = await legacy(t, 'alice');
  await gateway.reload(appOf({ alice: '{ block: [posting] }' }));
  await alice.stream.nextMessage(({ method }) => method === CHANGED.tools);
  const said = await gateway.reloadBadly(appOf({ alice: '{ block: [postings] }' }));
  assert.match(said, /app\.yaml:5:\d+: error: .*No tool group is named .*postings.*posting/u);
  for (const thing of tools('slack__post_message')) await assertAccess(alice.session, thing, false);
  const condition = 'rules: [{ id: x, effect: deny, when: "1 +" }]';
  assert.match(await gateway.reloadBadly(appOf({ more: condition })), /error: rules/u);
  for (const thing of tools('slack__post_message')) await assertAccess(alice.session, thing, false);
  await gateway.reload(`${appOf()}# mended\n`);
  for (const thing of tools('slack__post_message')) await assertAccess(alice.session, thing, true);
});

test('a tool that comes at a server is told to those alone who may see it, though they all see others of it', async (t) => {
  await gateway.reload(appOf({ bob: '{ allow: [listing] }' }));
  const alice = await legacy(t, 'alice');
  const bob = await legacy(t, 'bob');
  assert.deepEqual(await namesOf(bob.session, 'tools'), ['slack__list_channels']);
  assertAllowed(await call(alice.session, 'slack__fixture_add_tool', { name: 'added_later' }));
  await alice.stream.nextMessage(({ method }) => method === CHANGED.tools);
  // Bob hears of nothing but a change of his own rights, which comes after all else.
  await gateway.reload(appOf({ bob: '{ allow: [listing, prompting] }' }));
  await bob.stream.nextMessage(({ method }) => method === CHANGED.prompts);
  assert.equal(heard(bob, CHANGED.tools), 0);
});

test('custom tools come, change and go with a reload, and are told', async (t) => {
  const alice = await legacy(t, 'alice');
  const custom = (channel: string): string =>
    `toolExtensions: { services: { slack: { post_message: { childTools: [{ name: to_one, overrideParams: { channel: { enum: [${channel}] } } }] } } } }`;
  const changes = async (app: string): Promise<void> => {
    const before = heard(alice, CHANGED.tools);
    await gateway.reload(app);
    await alice.stream.nextMessage(() => heard(alice, CHANGED.tools) > before);
  };
  await changes(appOf({ more: custom('general') }));
  assertAllowed(await call(alice.session, 'slack__to_one', { channel: 'general' }));
  await changes(appOf({ more: custom('random') }));
  assertRefusal(
    await call(alice.session, 'slack__to_one', { channel: 'general' }),
    'PARAMS_INVALID',
  );
  await changes(`${appOf()}# without\n`);
  assertRefusal(await call(alice.session, 'slack__to_one', {}), 'TARGET_UNKNOWN');
});
