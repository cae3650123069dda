import assert from 'node:assert/strict';
import { objectOf, type Id, type Message } from '../fixture/json-rpc.ts';
import { structured } from './fidelity-peer.ts';
import { WAYS } from './scenario-fleet.ts';
import type { ScenarioScene } from './scenario-scene.ts';
import { linkOf } from './scenario-tap.ts';
import { codeOf, freshId, freshNumber, hello, requestIn } from './scenario-speech.ts';
import type { Scenario } from './scenario.ts';

const LOG_LEVEL = 'io.modelcontextprotocol/logLevel';

/** Everything that may come to a client in and around one call: progress, log messages, the answer. */
async function busyCall(scene: ScenarioScene): Promise<Message[]> {
  const talk = await scene.talk();
  const start = talk.came.length;
  const tools = ['test_tool_with_progress', 'test_tool_with_logging'];
  await Promise.all(
    tools.map(async (tool) => {
      const id = freshId();
      const meta = { progressToken: `of ${id}`, [LOG_LEVEL]: 'debug' };
      const params = { name: scene.name(tool), arguments: {} };
      await talk.say(...requestIn(scene.era, 'tools/call', params, { id, meta }));
      await talk.reply(id);
    }),
  );
  return talk.came.slice(start).map(({ message }) => message);
}

async function messagesAreValid(scene: ScenarioScene): Promise<void> {
  const messages = await busyCall(scene);
  assert.ok(messages.some(({ method }) => method === 'notifications/progress'));
  for (const message of messages) {
    assert.equal(message.jsonrpc, '2.0');
    const { method, id, result, error } = message;
    if (method !== undefined) assert.ok(!('result' in message) && !('error' in message));
    else assert.ok((result === undefined) !== (error === undefined), JSON.stringify(message));
    if (method?.startsWith('notifications/') === true) assert.equal(id, undefined);
  }
}

async function idsComeBack(scene: ScenarioScene): Promise<void> {
  const talk = await scene.talk();
  const number = freshNumber();
  for (const id of [freshId(), `${freshId()} “ü”`, number, String(number)]) {
    const good = { name: scene.name('test_simple_text'), arguments: {} };
    await talk.say(...requestIn(scene.era, 'tools/call', good, { id }));
    assert.ok((await talk.reply(id)).result !== undefined);
    const failing = { name: scene.name('no_such_tool'), arguments: {} };
    const other = typeof id === 'number' ? id + 5_000_000 : `${id}-failing`;
    await talk.say(...requestIn(scene.era, 'tools/call', failing, { id: other }));
    const { error } = await talk.reply(other);
    assert.ok(Number.isInteger(error?.code) && typeof error?.message === 'string');
    const answers = (wanted: Id): number =>
      talk.came.filter(({ message }) => message.method === undefined && message.id === wanted)
        .length;
    assert.deepEqual([answers(id), answers(other)], [1, 1]);
  }
}

async function badIdsAreRefused(scene: ScenarioScene): Promise<void> {
  const talk = await scene.freshTalk();
  if (scene.era === 'legacy') await hello(talk);
  for (const id of [null, true, { a: 1 }, [1]]) {
    const before = talk.came.length + talk.failures.length;
    const [message, headers] = requestIn(scene.era, 'tools/list', {}, {});
    await talk.say({ ...message, id }, headers).catch(() => talk.failures.push('refused'));
    const known = freshId();
    await talk.say(...requestIn(scene.era, 'tools/list', {}, { id: known }));
    await talk.reply(known);
    const came = talk.came.slice(before).filter(({ message: one }) => one.id !== known);
    for (const { message: one } of came) {
      assert.equal(one.result, undefined, `served under the id ${JSON.stringify(id)}`);
      assert.ok(one.id == null, `an error under the id ${JSON.stringify(one.id)}`);
    }
    assert.ok(
      came.length + talk.failures.length > 0,
      `nothing said of the id ${JSON.stringify(id)}`,
    );
  }
}

async function notificationsAreUnanswered(scene: ScenarioScene): Promise<void> {
  const talk = await scene.talk();
  const start = talk.came.length;
  const methods = [
    'notifications/nobody/knows',
    'notifications/cancelled',
    'notifications/progress',
  ];
  for (const method of methods) {
    const message = { jsonrpc: '2.0', method, params: {} };
    const headers = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': method };
    await talk.say(message, scene.era === 'modern' ? headers : {});
  }
  const id = freshId();
  await talk.say(...requestIn(scene.era, 'tools/list', {}, { id }));
  await talk.reply(id);
  const came = talk.came.slice(start).filter(({ message }) => message.method === undefined);
  assert.deepEqual(
    came.map(({ message }) => message.id),
    [id],
  );
}

async function metaPasses(scene: ScenarioScene): Promise<void> {
  const meta = { 'example.com/trace': { deep: [1, null] }, 'com.example.mcp/x': 'y', plain: true };
  const result = await scene.call('fixture_echo', { a: 1 }, { _meta: meta });
  const got = objectOf(structured(result)['_meta']);
  for (const [key, value] of Object.entries(meta)) assert.deepEqual(got[key], value);
  const back = objectOf((await scene.call('fixture_unknown'))['_meta']);
  assert.deepEqual(back['example.com/trace'], { spans: [1, 2, 3] });
  const KEY =
    /^(?:(?:[a-z](?:[a-z0-9-]*[a-z0-9])?\.)*[a-z](?:[a-z0-9-]*[a-z0-9])?\/)?[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?$/iu;
  for (const key of [...Object.keys(got), ...Object.keys(back)]) assert.match(key, KEY);
}

async function schemasPass(scene: ScenarioScene): Promise<void> {
  const tools = await scene.listed(await scene.client(), 'tools/list', 'tools');
  const tool = tools.find(({ name }) => name === scene.name('json_schema_2020_12_tool'));
  const schema = objectOf(tool?.['inputSchema']);
  assert.equal(schema['$schema'], 'https://json-schema.org/draft/2020-12/schema');
  for (const key of ['$defs', 'allOf', 'if', 'then', 'else', 'additionalProperties'])
    assert.ok(key in schema, key);
  assert.deepEqual(objectOf(schema['properties'])['address'], { $ref: '#/$defs/address' });
}

async function standardCodes(scene: ScenarioScene): Promise<void> {
  const peer = await scene.client();
  assert.equal(codeOf(await peer.request('no/such/method')), -32601);
  assert.equal(codeOf(await peer.request('tools/call', { name: 'no_such_tool' })), -32602);
  assert.equal(codeOf(await peer.request('prompts/get', { name: 'no_such_prompt' })), -32602);
}

async function serversGetMessages(scene: ScenarioScene): Promise<void> {
  await busyCall(scene);
  const received = scene.receivedSince(0).filter(({ raw }) => raw !== '');
  assert.ok(received.length > 0);
  for (const { message, raw } of received) {
    assert.equal(message?.jsonrpc, '2.0', raw);
    const { id, method } = message;
    if (method === undefined)
      assert.ok((message.result === undefined) !== (message.error === undefined));
    else if (method.startsWith('notifications/')) assert.ok(!('id' in message), raw);
    else assert.ok(typeof id === 'string' || Number.isSafeInteger(id), raw);
  }
}

async function idsAreFree(scene: ScenarioScene): Promise<void> {
  const calls = [1, 2, 3, 4].map(() => scene.call('fixture_slow', { ms: 60 }));
  await Promise.all([...calls, scene.call('test_simple_text')]);
  const own = scene.sent('tools/call').map(({ message }) => message?.id);
  assert.equal(new Set(own).size, own.length, 'calls that ran at once had the same id');
  if (scene.serverEra === 'modern') return;
  const seen = new Set<string>();
  for (const tapped of scene.receivedSince(0)) {
    const { id, method = '' } = tapped.message ?? {};
    const link = linkOf(tapped);
    // The question for the era goes before the link, and is none of its requests.
    if (id === undefined || link === undefined || ['', 'server/discover'].includes(method))
      continue;
    const key = `${link} ${String(id)}`;
    assert.ok(!seen.has(key), `${method} has an id that was used on its link`);
    seen.add(key);
  }
  assert.ok(seen.size > 0);
}

async function serverNewsIsUnanswered(scene: ScenarioScene): Promise<void> {
  await scene.call('fixture_touch_resource', { uri: 'test://watched-resource' });
  await scene.call('test_trigger_prompt_change');
  await scene.call('test_trigger_prompt_change');
  await scene.call('test_tool_with_logging');
  const answers = scene
    .received()
    .filter(({ message }) => message?.method === undefined && message);
  assert.deepEqual(answers, []);
}

/** Messages, ids, errors and `_meta`. */
export const BASE_SCENARIOS: readonly Scenario[] = [
  {
    name: 'all that comes in and around a call is JSON-RPC 2.0, notifications without ids',
    cites: [
      'base.message.valid-to-client',
      'base.notification.no-id-to-client',
      'base.response.one-outcome',
    ],
    servers: WAYS,
    run: messagesAreValid,
  },
  {
    name: 'ids come back as they are, once each, with results and with errors',
    cites: ['base.response.same-id', 'base.response.once', 'base.error.shape'],
    servers: WAYS,
    run: idsComeBack,
  },
  {
    name: 'a request whose id is null, or neither a text nor a number, is refused under no id',
    cites: ['base.request.null-id-refused', 'base.error.id-unreadable'],
    run: badIdsAreRefused,
  },
  {
    name: 'no notification is answered, known or not',
    cites: ['base.notification.unanswered'],
    run: notificationsAreUnanswered,
  },
  {
    name: 'keys of _meta pass in both directions, and those of the gateway are well-formed',
    cites: ['base.meta.kept-to-server', 'base.meta.kept-to-client', 'base.meta.key-format'],
    servers: WAYS,
    run: metaPasses,
  },
  {
    name: 'a schema reaches the client with its dialect and all its keywords',
    cites: ['base.schema.kept'],
    servers: WAYS,
    run: schemasPass,
  },
  {
    name: 'what does not exist has the codes of JSON-RPC',
    cites: ['base.error.standard-codes', 'tools.unknown', 'prompts.unknown'],
    servers: WAYS,
    run: standardCodes,
  },
  {
    name: 'a server gets JSON-RPC 2.0 and nothing else, requests with ids, notifications without',
    cites: [
      'base.message.valid-to-server',
      'base.request.id-to-server',
      'base.notification.no-id-to-server',
    ],
    servers: WAYS,
    run: serversGetMessages,
  },
  {
    name: 'requests to a server never have an id that is in use, in the legacy era none that was',
    cites: ['base.request.id-free'],
    servers: WAYS,
    run: idsAreFree,
  },
  {
    name: 'what a server announces is not answered',
    cites: ['base.notification.server-unanswered'],
    servers: WAYS,
    run: serverNewsIsUnanswered,
  },
];
