import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StreamableHTTPClientTransport as LegacyHttpTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { objectOf } from '../fixture/json-rpc.ts';
import { call, RawLegacy, RawModern } from '../support/access-callers.ts';
import { AccessGateway, accessGateway, keyed, SHARED_KEY } from '../support/access-gateway.ts';
import { serverWith } from '../support/access-servers.ts';
import { assertRefused, send, type JsonObject } from '../support/raw-http.ts';

const SERVERS = {
  work: serverWith({
    tools: ['search', 'deploy'],
    prompts: ['review'],
    resources: ['repo://a'],
    parts: ['control', 'plain'],
  }),
};

const APP = `
permissions:
  consumers:
    dev: { block: [deploying] }
toolGroups:
  - { name: deploying, services: { work: [deploy] } }
rules:
  - { id: not-eve, effect: deny, consumers: [dev], tools: ["work/search"], when: "has(args.who) && args.who == 'eve'" }
`;

const gateway = await accessGateway({ servers: SERVERS, app: APP, env: { API_KEY: SHARED_KEY } });
const DEV = { headers: keyed('dev') };

function byClient(client: string): (line: JsonObject) => boolean {
  return (line) => line['client'] === client;
}

/** What tells lines apart here, undefined members left out. */
function gist(line: JsonObject): JsonObject {
  const { method, outcome, code, rule, server, kind, target } = line;
  const all = { method, outcome, code, rule, server, kind, target };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

const SEARCH = { server: 'work', kind: 'tool', target: 'search' };
const DEV_RULE = 'permissions.consumers.dev';

/** What each request leaves, in both eras. */
const EXCHANGES: readonly (readonly [string, JsonObject, JsonObject])[] = [
  ['tools/list', {}, { outcome: 'ok' }],
  ['resources/templates/list', {}, { outcome: 'ok' }],
  [
    'tools/call',
    { name: 'work__search', arguments: { who: 'bob' } },
    { outcome: 'ok', rule: DEV_RULE, ...SEARCH },
  ],
  [
    'tools/call',
    { name: 'work__search', arguments: { who: 'eve' } },
    { outcome: 'refused', code: 'FORBIDDEN', rule: 'not-eve', ...SEARCH },
  ],
  [
    'tools/call',
    { name: 'work__deploy', arguments: {} },
    {
      outcome: 'refused',
      code: 'TARGET_UNKNOWN',
      rule: DEV_RULE,
      server: 'work',
      kind: 'tool',
      target: 'deploy',
    },
  ],
  [
    'tools/call',
    { name: 'work__made_up', arguments: {} },
    { outcome: 'refused', code: 'TARGET_UNKNOWN' },
  ],
  [
    'tools/call',
    { name: 'work__test_error_handling', arguments: {} },
    {
      outcome: 'tool-error',
      rule: DEV_RULE,
      server: 'work',
      kind: 'tool',
      target: 'test_error_handling',
    },
  ],
  [
    'tools/call',
    { name: 'work__fixture_rpc_error', arguments: { code: -32012 } },
    {
      outcome: 'error',
      code: '-32012',
      rule: DEV_RULE,
      server: 'work',
      kind: 'tool',
      target: 'fixture_rpc_error',
    },
  ],
  [
    'prompts/get',
    { name: 'work__review' },
    { outcome: 'ok', rule: DEV_RULE, server: 'work', kind: 'prompt', target: 'review' },
  ],
  [
    'resources/read',
    { uri: 'repo://a' },
    { outcome: 'ok', rule: DEV_RULE, server: 'work', kind: 'resource', target: 'repo://a' },
  ],
  [
    'completion/complete',
    { ref: { type: 'ref/prompt', name: 'work__review' }, argument: { name: 'id', value: '1' } },
    { outcome: 'ok', rule: DEV_RULE, server: 'work', kind: 'prompt', target: 'review' },
  ],
];

function expected(): JsonObject[] {
  return EXCHANGES.map(([method, , rest]) => ({ method, ...rest }));
}

/** Some exchanges more than were made would come at the end, if there were any. */
async function linesOf(client: string, count: number): Promise<JsonObject[]> {
  await call(new RawModern(gateway.port, { ...DEV, client: `${client}, the end` }), 'work__search');
  await gateway.audited(1, byClient(`${client}, the end`));
  const lines = await gateway.audited(count, byClient(client));
  assert.equal(lines.length, count, JSON.stringify(lines.map(gist)));
  return lines;
}

test('every exchange of a legacy client leaves exactly one line: what it was, how it ended, and by which rule', async () => {
  const client = 'audited legacy';
  const session = await RawLegacy.open(gateway.port, { ...DEV, client });
  for (const [method, params] of EXCHANGES) await session.request(method, params);
  await session.request('ping');
  await session.request('logging/setLevel', { level: 'error' });
  await session.request('resources/subscribe', { uri: 'repo://a' });
  const lines = await linesOf(client, EXCHANGES.length + 4);
  assert.deepEqual(lines.map(gist), [
    { method: 'initialize', outcome: 'ok' },
    ...expected(),
    { method: 'ping', outcome: 'ok' },
    { method: 'logging/setLevel', outcome: 'ok' },
    {
      method: 'resources/subscribe',
      outcome: 'ok',
      rule: DEV_RULE,
      server: 'work',
      kind: 'resource',
      target: 'repo://a',
    },
  ]);
  for (const line of lines) {
    assert.deepEqual(line['caller'], {
      proof: 'shared-key',
      name: objectOf(line['caller'])['name'],
      consumer: 'dev',
      groups: [],
    });
    assert.deepEqual([line['era'], line['transport']], ['legacy', 'http']);
    assert.ok(Number(line['durationMs']) >= 0);
    assert.ok(!Number.isNaN(Date.parse(String(line['at']))));
  }
  const sessions = new Set(lines.slice(1).map((line) => line['session']));
  assert.equal(sessions.size, 1);
  assert.ok(!(await gateway.auditText()).includes(session.id), 'the id a client sends is recorded');
});

test('every exchange of a modern client leaves exactly one line too', async () => {
  const client = 'audited modern';
  const caller = new RawModern(gateway.port, { ...DEV, client });
  await caller.welcome();
  for (const [method, params] of EXCHANGES) await caller.request(method, params);
  const stream = await caller.listen({ toolsListChanged: true });
  await stream.next(() => true);
  stream.break();
  const lines = await linesOf(client, EXCHANGES.length + 2);
  assert.deepEqual(lines.map(gist), [
    { method: 'server/discover', outcome: 'ok' },
    ...expected(),
    { method: 'subscriptions/listen', outcome: 'ok' },
  ]);
  for (const line of lines)
    assert.deepEqual([line['era'], line['transport']], ['modern', 'http'], JSON.stringify(line));
});

test('so does every exchange of a client of the SDK', async (t) => {
  const client = new LegacyClient({ name: 'audited SDK', version: '1.0.0' });
  const requestInit = { headers: keyed('dev') };
  await client.connect(new LegacyHttpTransport(new URL(gateway.url), { requestInit }));
  t.after(() => client.close());
  await client.listTools();
  await client.callTool({ name: 'work__search', arguments: { who: 'bob' } });
  await assert.rejects(client.callTool({ name: 'work__search', arguments: { who: 'eve' } }));
  const lines = await linesOf('audited SDK', 4);
  assert.deepEqual(lines.map(gist), [
    { method: 'initialize', outcome: 'ok' },
    { method: 'tools/list', outcome: 'ok' },
    { method: 'tools/call', outcome: 'ok', rule: DEV_RULE, ...SEARCH },
    { method: 'tools/call', outcome: 'refused', code: 'FORBIDDEN', rule: 'not-eve', ...SEARCH },
  ]);
});

test('the transport is recorded: HTTP+SSE is another one than streamable HTTP', async (t) => {
  const client = new LegacyClient({ name: 'audited SSE', version: '1.0.0' });
  const url = new URL(`http://127.0.0.1:${gateway.port}/sse`);
  await client.connect(new SSEClientTransport(url, { requestInit: { headers: keyed('dev') } }));
  t.after(() => client.close());
  await client.callTool({ name: 'work__search', arguments: {} });
  const lines = await linesOf('audited SSE', 2);
  assert.deepEqual(
    lines.map(({ method, outcome, transport }) => [method, outcome, transport]),
    [
      ['initialize', 'ok', 'sse'],
      ['tools/call', 'ok', 'sse'],
    ],
  );
});

test('a call that its client gives up is recorded once, as cancelled', async () => {
  const client = 'gave up';
  const session = await RawLegacy.open(gateway.port, { ...DEV, client });
  const body = session.body('tools/call', {
    name: 'work__fixture_slow',
    arguments: { ms: 20_000 },
  });
  const pending = session.post(body);
  await session.request('ping');
  await session.notify('notifications/cancelled', { requestId: body.id });
  const [line] = await gateway.audited(
    1,
    (each) => byClient(client)(each) && each['kind'] === 'tool',
  );
  assert.equal(line?.['outcome'], 'cancelled');
  await session.close();
  await pending.catch(() => undefined);
});

const SECRETS = {
  password: 'hunter2-hunter2-hunter2',
  note: 'sk-ant-api03-abcdefghijklmnopqrstuvwxyz0123456789',
  nested: { apiKey: 'deep-secret-0123456789' },
};
const ARGS = { who: 'bob', count: 3, ...SECRETS };
const SECRET_TEXTS = [SECRETS.password, SECRETS.note, SECRETS.nested.apiKey];

/** The line of one call with secrets in its arguments, with this of it kept. */
async function lineUnder(t: TestContext, mode: string): Promise<JsonObject> {
  const client = `arguments ${mode}`;
  const app = `audit: { arguments: ${mode} }\n${APP}`;
  const env = { API_KEY: SHARED_KEY };
  const own = await accessGateway({ servers: SERVERS, app, env }, t);
  await call(new RawModern(own.port, { ...DEV, client }), 'work__search', ARGS);
  const [line] = await own.audited(1, byClient(client));
  const text = await own.auditText();
  assert.ok(!text.includes(SHARED_KEY), 'the key of callers is in the audit log');
  if (mode !== 'full')
    for (const secret of SECRET_TEXTS) assert.ok(!text.includes(secret), `${secret} is kept`);
  assert.equal(line?.['argumentsMode'], mode);
  return line ?? {};
}

test('of arguments nothing is kept where the configuration says none', async (t) => {
  const line = await lineUnder(t, 'none');
  assert.equal(line['arguments'], undefined);
});

test('of arguments a hash is kept, by which equal ones can be found', async (t) => {
  const line = await lineUnder(t, 'hash');
  const text = `{"count":3,"nested":{"apiKey":"${SECRETS.nested.apiKey}"},"note":"${SECRETS.note}","password":"${SECRETS.password}","who":"bob"}`;
  assert.equal(line['arguments'], `sha256:${createHash('sha256').update(text).digest('hex')}`);
});

test('of arguments all but what looks like a secret is kept, which is the default', async (t) => {
  const line = await lineUnder(t, 'redacted');
  assert.deepEqual(line['arguments'], {
    who: 'bob',
    count: 3,
    password: '[redacted]',
    note: '[redacted]',
    nested: { apiKey: '[redacted]' },
  });
  assert.equal(line['isWhole'], false);
  const client = 'arguments by default';
  await call(new RawModern(gateway.port, { ...DEV, client }), 'work__search', ARGS);
  const [byDefault] = await gateway.audited(1, byClient(client));
  assert.deepEqual(byDefault?.['arguments'], line['arguments']);
});

test('arguments are kept whole where the configuration says full', async (t) => {
  const line = await lineUnder(t, 'full');
  assert.deepEqual(line['arguments'], ARGS);
});

test('the audit log can be switched off', async (t) => {
  const app = `audit: { enabled: false }\n${APP}`;
  const silent = await accessGateway({ servers: SERVERS, app, env: { API_KEY: SHARED_KEY } }, t);
  await call(new RawModern(silent.port, DEV), 'work__search');
  await silent.end();
  assert.equal(await silent.auditText(), '');
});

test(
  'the audit log is for its owner alone to read',
  { skip: process.platform === 'win32' },
  async () => {
    const folder = join(gateway.folder, 'data/audit');
    await gateway.audited(1, () => true);
    const [name = ''] = await readdir(folder);
    assert.match(name, /^\d{4}-\d{2}-\d{2}-[0-9a-f]{16}-\d{4}\.jsonl$/u);
    assert.equal((await stat(join(folder, name))).mode & 0o077, 0);
  },
);

test('callers that are turned away are counted by address and reason, and nothing of their credentials is kept (R22)', async (t) => {
  const own = await AccessGateway.start({ servers: {}, app: APP, env: { API_KEY: SHARED_KEY } });
  t.after(() => own.close());
  const guess = 'guessed-key-9876543210';
  const body = { jsonrpc: '2.0', id: 1, method: 'ping' };
  const knock = (headers: Record<string, string>) => send(own.port, { headers, body });
  for (let index = 0; index < 4; index += 1)
    assertRefused(await knock({ 'x-lunar-api-key': guess }), 401, 1401, 'UNAUTHENTICATED');
  assertRefused(await knock({ ...keyed(), host: 'evil.example' }), 403, -32600, 'HOST_REFUSED');
  // The first of a kind is told at once.
  const isFirst = (line: JsonObject): boolean => line['code'] === 'UNAUTHENTICATED';
  const [first] = await own.audited(1, isFirst);
  assert.deepEqual(
    [first?.['outcome'], first?.['address'], first?.['count']],
    ['turned-away', '127.0.0.1', 1],
  );
  await own.end();
  const counts = new Map<string, number>();
  for (const line of await own.audit())
    counts.set(
      `${String(line['outcome'])} ${String(line['code'])} ${String(line['address'])}`,
      (counts.get(
        `${String(line['outcome'])} ${String(line['code'])} ${String(line['address'])}`,
      ) ?? 0) + Number(line['count'] ?? 1),
    );
  assert.deepEqual(Object.fromEntries(counts), {
    'turned-away UNAUTHENTICATED 127.0.0.1': 4,
    'turned-away HOST_REFUSED 127.0.0.1': 1,
  });
  const everything = `${await own.auditText()}${own.output()}`;
  assert.ok(!everything.includes(guess) && !everything.includes(SHARED_KEY));
});
