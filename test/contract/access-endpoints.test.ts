import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { ResultSchema } from '@modelcontextprotocol/sdk/types.js';
import {
  assertAllowed,
  assertRefusal,
  call,
  namesOf,
  opened,
  RawLegacy,
  RawModern,
  WAYS,
} from '../support/access-callers.ts';
import { accessGateway, keyed, SHARED_KEY } from '../support/access-gateway.ts';
import { POST_MESSAGE, serverWith, templateOf } from '../support/access-servers.ts';
import { assertAccess, prompts, resources, templates, tools } from '../support/access-things.ts';
import { objectOf } from '../fixture/json-rpc.ts';
import { ROOT } from '../support/conformance-processes.ts';
import { modernSent } from '../support/raw-clients.ts';
import { EventReader } from '../support/raw-events.ts';
import { assertRefused, send, type Got, type JsonObject } from '../support/raw-http.ts';

const gateway = await accessGateway({
  servers: {
    slack: serverWith({
      tools: ['list_channels', POST_MESSAGE],
      prompts: ['digest'],
      resources: ['slack://channels'],
      parts: ['tasks'],
    }),
    calendar: serverWith({
      tools: ['list_events'],
      prompts: ['agenda'],
      resources: ['calendar://today'],
    }),
  },
  env: { API_KEY: SHARED_KEY },
  app: `
permissions:
  consumers:
    interns: { block: [posting] }
toolGroups:
  - { name: posting, services: { slack: [post_message] } }
  - { name: team, services: { slack: [post_message, digest, fixture_task, post_to_general], Calendar: "*" } }
  - { name: ops, services: { slack: "*" } }
  - { name: "read only", services: { slack: [list_channels] } }
rules:
  - { id: not-at-ops, effect: deny, tools: ["slack/post_message"], when: "principal.endpoint == 'ops'" }
toolExtensions:
  services:
    slack:
      post_message:
        childTools: [{ name: post_to_general, overrideParams: { channel: general } }]
`,
});

const TEAM = { path: '/mcp/team', headers: keyed() };
const IN_TEAM = [
  ...tools('slack__post_message', 'slack__post_to_general', 'calendar__list_events'),
  ...prompts('slack__digest', 'calendar__agenda'),
  ...resources('calendar://today'),
  ...templates(templateOf('calendar')),
];
const NOT_IN_TEAM = [...tools('slack__list_channels'), ...resources('slack://channels')];

for (const [way, open] of Object.entries(WAYS)) {
  describe(`over ${way}`, () => {
    test('/mcp/<group> lists and calls the group alone', async (t) => {
      const caller = await opened(t, open, gateway.port, TEAM);
      for (const thing of IN_TEAM) await assertAccess(caller, thing, true);
      for (const thing of NOT_IN_TEAM) await assertAccess(caller, thing, false);
    });

    test('a group at its endpoint is under the same policy as everywhere', async (t) => {
      const headers = keyed('interns');
      const caller = await opened(t, open, gateway.port, { path: '/mcp/team', headers });
      for (const thing of tools('slack__post_message', 'slack__post_to_general'))
        await assertAccess(caller, thing, false);
      for (const thing of [...tools('calendar__list_events'), ...prompts('slack__digest')])
        await assertAccess(caller, thing, true);
    });

    test('instructions of servers outside the group are not told', async (t) => {
      const caller = await opened(t, open, gateway.port, { path: '/mcp/ops', headers: keyed() });
      const { instructions } = await caller.welcome();
      assert.match(String(instructions), /# slack/u);
      assert.doesNotMatch(String(instructions), /calendar/u);
    });

    test('a rule may depend on the endpoint', async (t) => {
      const ops = await opened(t, open, gateway.port, { path: '/mcp/ops', headers: keyed() });
      for (const thing of tools('slack__post_message', 'slack__post_to_general'))
        await assertAccess(ops, thing, false);
      for (const thing of tools('slack__list_channels')) await assertAccess(ops, thing, true);
    });

    test('the name of a group may be percent-encoded', async (t) => {
      const terms = { path: '/mcp/read%20only', headers: keyed() };
      const caller = await opened(t, open, gateway.port, terms);
      assert.deepEqual(await namesOf(caller, 'tools'), ['slack__list_channels']);
      assertAllowed(await call(caller, 'slack__list_channels'));
    });
  });
}

test('a session of one endpoint does not exist at another, and lives on at its own', async (t) => {
  const team = await RawLegacy.open(gateway.port, TEAM);
  const main = await RawLegacy.open(gateway.port, { headers: keyed() });
  t.after(() => Promise.all([team.close(), main.close()]));
  const elsewhere = [
    [team, '/mcp'],
    [team, '/mcp/ops'],
    [main, '/mcp/team'],
  ] as const;
  for (const [{ headers }, path] of elsewhere) {
    const body = { jsonrpc: '2.0', id: 1, method: 'tools/list' };
    const tries: Got[] = [
      await send(gateway.port, { path, headers, body }),
      await send(gateway.port, { path, headers, method: 'GET' }),
      await send(gateway.port, { path, headers, method: 'DELETE' }),
    ];
    for (const got of tries) assertRefused(got, 404, 1404, 'SESSION_UNKNOWN');
  }
  for (const session of [team, main])
    assertAllowed(await call(session, 'slack__post_message', { text: 'a' }));
});

test('a task id of one endpoint stands for nothing at another', async (t) => {
  const team = await RawLegacy.open(gateway.port, TEAM);
  const main = await RawLegacy.open(gateway.port, { headers: keyed() });
  t.after(() => Promise.all([team.close(), main.close()]));
  const { result } = await team.request('tools/call', {
    name: 'slack__fixture_task',
    arguments: { ms: 10 },
    task: {},
  });
  const { taskId } = objectOf(result?.['task']);
  assertAllowed(await team.request('tasks/result', { taskId }));
  for (const method of ['tasks/get', 'tasks/result', 'tasks/cancel'])
    assertRefusal(await main.request(method, { taskId }), 'TARGET_UNKNOWN');
});

const INITIALIZE = {
  jsonrpc: '2.0',
  id: 0,
  method: 'initialize',
  params: {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'x', version: '1' },
  },
};

test('a group that nobody defines is 404, but only to callers that are proven: to others it is 401 like any other', async () => {
  for (const name of ['nothing', 'Team', '__proto__', 'constructor', 'toString', '%E0%A4%A']) {
    const path = `/mcp/${name}`;
    const tries = [
      { path, body: INITIALIZE },
      { path, method: 'GET' },
      { path, method: 'DELETE' },
      { ...modernSent('tools/list'), path },
      { path: `/sse/${name}`, method: 'GET' },
    ];
    for (const sent of tries) {
      const headers = { ...('headers' in sent ? sent.headers : {}), ...keyed() };
      assertRefused(await send(gateway.port, { ...sent, headers }), 404, -32600, 'PATH_UNKNOWN');
    }
    // What cannot be decoded is no endpoint at all.
    if (!name.startsWith('%'))
      for (const sent of tries)
        assertRefused(await send(gateway.port, sent), 401, 1401, 'UNAUTHENTICATED');
  }
  const known = await send(gateway.port, { path: '/mcp/team', body: INITIALIZE });
  assertRefused(known, 401, 1401, 'UNAUTHENTICATED');
});

test('/sse/<group> serves the group alone, and its stream belongs to that endpoint', async (t) => {
  const stream = await EventReader.open(gateway.port, {
    method: 'GET',
    path: '/sse/ops',
    headers: { accept: 'text/event-stream', ...keyed() },
  });
  t.after(() => stream.break());
  const { data: path = '' } = await stream.next(({ event }) => event === 'endpoint');
  let lastId = 0;
  const ask = async (method: string, params: JsonObject = {}): Promise<JsonObject> => {
    lastId += 1;
    const id = lastId;
    const body = { jsonrpc: '2.0', id, method, params };
    const { status } = await send(gateway.port, { path, headers: keyed(), body });
    assert.equal(status, 202);
    return (await stream.nextMessage((message) => message.id === id)) as JsonObject;
  };
  await ask('initialize', INITIALIZE.params);
  const { result } = await ask('tools/list');
  const names = ((result as JsonObject)['tools'] as { name: string }[]).map(({ name }) => name);
  assert.ok(names.includes('slack__list_channels'));
  assert.ok(!names.includes('calendar__list_events'));
  const { error } = await ask('tools/call', { name: 'calendar__list_events' });
  assertRefusal({ error: error as never }, 'TARGET_UNKNOWN');
});

test('the SDK client for HTTP+SSE finds the group at /sse/<group>', async (t) => {
  const client = new Client({ name: 'sse', version: '1.0.0' });
  const url = new URL(`http://127.0.0.1:${gateway.port}/sse/read%20only`);
  await client.connect(new SSEClientTransport(url, { requestInit: { headers: keyed() } }));
  t.after(() => client.close());
  const { tools: listed } = await client.listTools();
  assert.deepEqual(
    listed.map(({ name }) => name),
    ['slack__list_channels'],
  );
});

test('a client on standard input can be confined to a group, and be a consumer', async (t) => {
  const { PATH = '', HOME = '' } = process.env;
  const client = new Client({ name: 'stdio', version: '1.0.0' });
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: ['bin/mcpx.js', 'stdio', '--consumer', 'interns', '--group', 'team'],
    cwd: ROOT,
    env: {
      PATH,
      HOME,
      SERVERS_CONFIG_PATH: `${gateway.folder}/mcp.json`,
      APP_CONFIG_PATH: `${gateway.folder}/app.yaml`,
      MCPX_DATA_DIR: `${gateway.folder}/data-of-stdio`,
      API_KEY: SHARED_KEY,
    },
    stderr: 'ignore',
  });
  await client.connect(transport);
  t.after(() => client.close());
  const { tools: listed } = await client.listTools();
  assert.deepEqual(listed.map(({ name }) => name).toSorted(), [
    'calendar__list_events',
    'slack__fixture_task',
  ]);
  const post = { method: 'tools/call', params: { name: 'slack__post_message', arguments: {} } };
  await assert.rejects(client.request(post, ResultSchema), /Unknown tool: slack__post_message/u);
});

test('the record says which endpoint was used', async () => {
  const client = 'at an endpoint';
  await call(new RawModern(gateway.port, { ...TEAM, client }), 'calendar__list_events');
  const [line] = await gateway.audited(1, (each) => each['client'] === client);
  assert.equal(objectOf(line?.['caller'])['endpoint'], 'team');
});
