import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { Caller } from '../support/attack-caller.ts';
import { assertServes, attackedForFile, KEY_HEADER } from '../support/attack-gateway.ts';
import { answerJson, fakeServer, legacyResult } from '../support/fake-server.ts';
import { EventReader } from '../support/raw-events.ts';
import { eventually } from '../support/raw-eventually.ts';
import { fixtureEntry } from '../support/raw-gateway.ts';
import { initializeBody, modernSent } from '../support/raw-clients.ts';
import { begin, partOf, rpcOf, send, type Got, type JsonObject } from '../support/raw-http.ts';

/** What a caller may not see is answered exactly as what does not exist: status, headers and every word (R5, R6). */

const secretive = await fakeServer({ after }, (seen, response) => {
  if (seen.method === 'GET') {
    response.writeHead(405).end();
    return;
  }
  const { method = '' } = JSON.parse(seen.body) as { method?: string };
  const inputSchema = {
    type: 'object',
    properties: { region: { type: 'string', 'x-mcp-header': 'Region' } },
    required: ['region'],
  };
  if (method === 'server/discover') response.writeHead(400).end();
  else if (method === 'initialize')
    answerJson(response, seen, {
      ...legacyResult(seen),
      capabilities: { tools: {}, tasks: { list: {} }, extensions: { 'secret.example/x': {} } },
      instructions: 'SECRET instructions',
    });
  else if (method === 'tools/list')
    answerJson(response, seen, { tools: [{ name: 'hide', inputSchema }] });
  else answerJson(response, seen, {});
});
const gateway = await attackedForFile({
  servers: {
    it: fixtureEntry('legacy'),
    new: fixtureEntry('modern'),
    dark: { url: `${secretive.origin}/mcp`, type: 'http' },
  },
  app: {
    toolGroups: [
      {
        name: 'few',
        services: { it: ['test_simple_text', 'test_simple_prompt', 'test://static-text'] },
      },
    ],
    permissions: {
      default: { allow: [] },
      consumers: { few: { allow: ['few'] }, boss: { block: [] } },
    },
  },
});
const { port } = gateway;
const few = { [KEY_HEADER]: await gateway.createKey('few') };
const boss = { [KEY_HEADER]: await gateway.createKey('boss') };
const modern = new Caller(port, { headers: few });
const legacy = await Caller.open(port, { headers: few });
const owner = await Caller.open(port, { headers: boss });

/** Something hidden and something that is not there, of the same length; what they are asked with is the same. */
const PAIRS: readonly [method: string, hidden: JsonObject, absent: JsonObject][] = [
  ['tools/call', { name: 'it__fixture_echo' }, { name: 'it__fixture_nope' }],
  [
    'tools/call',
    { name: 'it__fixture_echo', arguments: { a: 1 } },
    { name: 'it__fixture_nope', arguments: { a: 1 } },
  ],
  [
    'tools/call',
    { name: 'it__fixture_echo', arguments: [1] },
    { name: 'it__fixture_nope', arguments: [1] },
  ],
  [
    'tools/call',
    { name: 'it__fixture_task', task: { ttl: 1 } },
    { name: 'it__fixture_tusk', task: { ttl: 1 } },
  ],
  ['tools/call', { name: 'it__test_sampling' }, { name: 'it__test_simpling' }],
  [
    'tools/call',
    { name: 'new__fixture_state_only', requestState: 'x' },
    { name: 'new__fixture_state_nope', requestState: 'x' },
  ],
  ['tools/call', { name: 'dark__hide' }, { name: 'dark__nope' }],
  [
    'tools/call',
    { name: 'dark__hide', arguments: { region: 'eu' } },
    { name: 'lark__hide', arguments: { region: 'eu' } },
  ],
  ['tools/call', { name: 'fixture_echo' }, { name: 'fixture_nope' }],
  ['prompts/get', { name: 'it__test_prompt_with_image' }, { name: 'it__test_prompt_with_imige' }],
  [
    'prompts/get',
    { name: 'it__test_prompt_with_arguments', arguments: {} },
    { name: 'it__test_prompt_with_argumints', arguments: {} },
  ],
  ['resources/read', { uri: 'test://static-binary' }, { uri: 'test://static-bunary' }],
  ['resources/read', { uri: 'test://template/1/data' }, { uri: 'nope://template/1/data' }],
  [
    'resources/read',
    { uri: 'mcpx://it/test%3A%2F%2Fstatic-binary' },
    { uri: 'mcpx://xx/test%3A%2F%2Fstatic-binary' },
  ],
  ['resources/read', { uri: 'mcpx://dark/x' }, { uri: 'mcpx://lark/x' }],
  ['resources/subscribe', { uri: 'test://watched-resource' }, { uri: 'test://wutched-resource' }],
  ['resources/unsubscribe', { uri: 'test://watched-resource' }, { uri: 'test://wutched-resource' }],
  [
    'completion/complete',
    {
      ref: { type: 'ref/prompt', name: 'it__test_prompt_with_arguments' },
      argument: { name: 'arg1', value: 'p' },
    },
    {
      ref: { type: 'ref/prompt', name: 'it__test_prompt_with_argumints' },
      argument: { name: 'arg1', value: 'p' },
    },
  ],
  [
    'completion/complete',
    {
      ref: { type: 'ref/resource', uri: 'test://template/{id}/data' },
      argument: { name: 'id', value: '1' },
    },
    {
      ref: { type: 'ref/resource', uri: 'nope://template/{id}/data' },
      argument: { name: 'id', value: '1' },
    },
  ],
];

const LEGACY_ONLY = new Set(['resources/subscribe', 'resources/unsubscribe']);

/** An answer without what necessarily differs: the id, the date, and the text that was asked for. */
function bare({ status, headers, text }: Got, params: JsonObject): string {
  const ref = params['ref'] as JsonObject | undefined;
  const asked = String(params['name'] ?? params['uri'] ?? ref?.['name'] ?? ref?.['uri']);
  const { date: _date, ...rest } = headers;
  return JSON.stringify([
    status,
    rest,
    text.replaceAll(asked, 'IT').replace(/"id":\d+/u, '"id":0'),
  ]);
}

for (const [method, hidden, absent] of PAIRS) {
  test(`${method} of ${JSON.stringify(hidden)} is answered as of what does not exist, in either era (R5)`, async () => {
    const before = secretive.seen.length;
    assert.equal(
      bare(await legacy.ask(method, hidden), hidden),
      bare(await legacy.ask(method, absent), absent),
    );
    if (!LEGACY_ONLY.has(method))
      assert.equal(
        bare(await modern.modern(method, hidden), hidden),
        bare(await modern.modern(method, absent), absent),
      );
    assert.match((await legacy.ask(method, hidden)).text, /"error"/u);
    assert.equal(secretive.seen.length, before, 'the server was asked');
  });
}

test('a header that a hidden tool asks for is asked for by nothing (R21)', async () => {
  const answers = await Promise.all(
    ['dark__hide', 'dark__nope'].map(async (name) => {
      const params = { name, arguments: { region: 'eu' } };
      const sent = modernSent('tools/call', params, { headers: { 'mcp-param-region': 'us' } });
      return bare(await send(port, { ...sent, headers: { ...sent.headers, ...few } }), params);
    }),
  );
  assert.equal(answers[0], answers[1]);
});

test('a task of a server that is hidden, and one that never was, are the same to a caller (R12)', async () => {
  const task = { name: 'it__fixture_task', arguments: { ms: 60_000 }, task: { ttl: 120_000 } };
  const { taskId } = partOf<{ taskId: string }>(await owner.request('tools/call', task), 'task');
  const other = `${taskId.slice(0, -4)}AAAA`;
  for (const method of ['tasks/get', 'tasks/result', 'tasks/cancel'])
    assert.equal(
      bare(await legacy.ask(method, { taskId }), { name: taskId }),
      bare(await legacy.ask(method, { taskId: other }), { name: other }),
    );
  await owner.request('tasks/cancel', { taskId });
});

test('what a hidden server has is in no capability, instruction or list (R6)', async () => {
  const discovered = await modern.modern('server/discover');
  const begun = await new Caller(port, { headers: few }).post(initializeBody());
  for (const { text } of [discovered, begun])
    assert.doesNotMatch(text, /SECRET|secret\.example|dark/u);
  const lists = ['tools', 'prompts', 'resources', 'resourceTemplates'] as const;
  const listed = await Promise.all(lists.map((kind) => modern.listed(kind)));
  assert.deepEqual(listed.flat(), [
    'it__test_simple_text',
    'it__test_simple_prompt',
    'test://static-text',
  ]);
  const whole = await new Caller(port, { headers: boss }).modern('server/discover');
  assert.match(whole.text, /SECRET instructions/u, 'somebody who may see it does');
});

test('a listen stream is granted nothing hidden, and does not say which of the wishes exist', async () => {
  const grants = await Promise.all(
    [
      ['test://watched-resource', 'mcpx://dark/x'],
      ['test://wutched-resource', 'mcpx://lark/x'],
    ].map(async (resourceSubscriptions) => {
      const sent = modernSent('subscriptions/listen', { notifications: { resourceSubscriptions } });
      const response = await begin(port, { ...sent, headers: { ...sent.headers, ...few } });
      const stream = new EventReader(response);
      const { params } = await stream.nextMessage(({ method }) => method?.includes('ack') === true);
      stream.break();
      return JSON.stringify([response.statusCode, params]);
    }),
  );
  assert.equal(grants[0], grants[1]);
});

test('nobody hears of changes to what is hidden', async () => {
  const stream = await legacy.stream(undefined, { accept: 'text/event-stream' });
  await owner.call('it__fixture_add_tool', { name: 'brand_new' });
  await owner.call('it__fixture_touch_resource', { uri: 'test://watched-resource' });
  await eventually('those who may see it do', async () => {
    return JSON.stringify(await owner.request('tools/list')).includes('brand_new');
  });
  await legacy.request('ping');
  const about = stream.messages.filter(
    ({ method }) => method?.startsWith('notifications/') === true,
  );
  assert.deepEqual(about, []);
  stream.break();
});

test('the record says what the answer does not: what was asked for, and which rule hides it', async () => {
  const from = gateway.audit().length;
  await modern.modernCall('it__fixture_echo', { a: 1 });
  const tool = await gateway.recorded('the tool', ({ code }) => code === 'TARGET_UNKNOWN', from);
  assert.deepEqual(
    [tool.server, tool.kind, tool.target, tool.rule],
    ['it', 'tool', 'fixture_echo', 'permissions.consumers.few'],
  );
  await modern.modern('resources/read', { uri: 'test://static-binary' });
  const resource = await gateway.recorded(
    'the resource',
    ({ code }) => code === 'RESOURCE_UNKNOWN',
    from,
  );
  assert.deepEqual(
    [resource.server, resource.target, resource.rule],
    ['it', 'test://static-binary', 'permissions.consumers.few'],
  );
});

test('after all of this the gateway serves as before', async () => {
  await assertServes(gateway, few);
  assert.equal(
    rpcOf(await modern.modern('resources/read', { uri: 'test://static-text' })).error,
    undefined,
  );
});
