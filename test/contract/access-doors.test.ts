import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  Client as ModernClient,
  StreamableHTTPClientTransport,
} from '@modelcontextprotocol/client';
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StreamableHTTPClientTransport as LegacyHttpTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  assertAllowed,
  call,
  opened,
  RawLegacy,
  RawModern,
  WAYS,
} from '../support/access-callers.ts';
import { accessGateway, keyed, SHARED_KEY, type AccessGateway } from '../support/access-gateway.ts';
import { serverWith } from '../support/access-servers.ts';
import { ROOT, startNode, stop } from '../support/conformance-processes.ts';
import { eventually } from '../support/processes.ts';
import { initializeBody, modernSent } from '../support/raw-clients.ts';
import { EventReader } from '../support/raw-events.ts';
import { assertRefused, send, type Got, type Sent } from '../support/raw-http.ts';

const SERVERS = { work: serverWith({ tools: ['search'] }) };
const ENV = { API_KEY: SHARED_KEY };
const gateway = await accessGateway({ servers: SERVERS, env: ENV });

const PING = { jsonrpc: '2.0', id: 1, method: 'ping' };

/** Everything with a door on the main port. */
const DOORS: Readonly<Record<string, Sent>> = {
  'POST /mcp, initialize': { path: '/mcp', body: initializeBody() },
  'POST /mcp, modern': modernSent('tools/list'),
  'POST /mcp, a batch': { path: '/mcp', body: [PING] },
  'POST /mcp, no JSON': { path: '/mcp', body: 'nonsense' },
  'GET /mcp': { method: 'GET', path: '/mcp', headers: { 'mcp-session-id': 'x' } },
  'DELETE /mcp': { method: 'DELETE', path: '/mcp', headers: { 'mcp-session-id': 'x' } },
  'GET /sse': { method: 'GET', path: '/sse' },
  'POST /messages': { path: '/messages?sessionId=x', body: PING },
  'GET /admin/servers': { method: 'GET', path: '/admin/servers' },
  'GET /metrics': { method: 'GET', path: '/metrics' },
};

function assertChallenged(got: Got): void {
  assertRefused(got, 401, 1401, 'UNAUTHENTICATED');
  assert.match(got.headers['www-authenticate'] ?? '', /^Bearer realm="mcpx"/u);
  assert.ok(!JSON.stringify([got.text, got.headers]).includes(SHARED_KEY));
}

/** The metrics port answers in plain text. */
function metrics(
  { metricsPort }: AccessGateway,
  headers: Record<string, string>,
): Promise<Response> {
  return fetch(`http://127.0.0.1:${metricsPort}/metrics`, { headers });
}

const WRONG: Readonly<Record<string, Record<string, string>>> = {
  'no credential': {},
  'an empty key': { 'x-lunar-api-key': '' },
  'a wrong key': { 'x-lunar-api-key': `${SHARED_KEY}x` },
  'the beginning of the key': { 'x-lunar-api-key': SHARED_KEY.slice(0, -1) },
  'a wrong bearer': { authorization: 'Bearer nobody' },
  'the key under another scheme': { authorization: `Basic ${SHARED_KEY}` },
  'the key in another header': { 'x-api-key': SHARED_KEY },
  'a tag alone': { 'x-lunar-consumer-tag': 'developers' },
};

for (const [what, headers] of Object.entries(WRONG)) {
  test(`${what} opens no door: each answers 401 with a challenge`, async (t) => {
    // Wrong credentials in a row slow an address down: each of these has a gateway of its own.
    const isGuess = ['a wrong key', 'the beginning of the key', 'a wrong bearer'].includes(what);
    const own = isGuess ? await accessGateway({ servers: {}, env: ENV }, t) : gateway;
    const doors = Object.values(DOORS).slice(0, isGuess ? 5 : undefined);
    for (const door of doors)
      assertChallenged(await send(own.port, { ...door, headers: { ...door.headers, ...headers } }));
    const onItsPort = await metrics(own, headers);
    assert.equal(onItsPort.status, 401);
    assert.match(onItsPort.headers.get('www-authenticate') ?? '', /^Bearer realm="mcpx"/u);
    await onItsPort.text();
  });
}

test('the key in the address is no credential', async () => {
  for (const query of [
    `x-lunar-api-key=${SHARED_KEY}`,
    `key=${SHARED_KEY}`,
    `access_token=${SHARED_KEY}`,
  ])
    for (const path of ['/mcp', '/messages'])
      assertChallenged(await send(gateway.port, { path: `${path}?${query}`, body: PING }));
});

test('/healthcheck is open to all', async () => {
  const got = await send(gateway.port, { method: 'GET', path: '/healthcheck' });
  assert.deepEqual([got.status, got.text], [200, '{"status":"OK"}']);
});

const RIGHT: Readonly<Record<string, Record<string, string>>> = {
  'x-lunar-api-key': { 'x-lunar-api-key': SHARED_KEY },
  'Authorization: Bearer': { authorization: `Bearer ${SHARED_KEY}` },
  'authorization: bearer': { authorization: `bearer ${SHARED_KEY}` },
  both: { 'x-lunar-api-key': SHARED_KEY, authorization: `Bearer ${SHARED_KEY}` },
};

for (const [place, headers] of Object.entries(RIGHT)) {
  describe(`the key in ${place}`, () => {
    for (const [way, open] of Object.entries(WAYS))
      test(`is taken over ${way}`, async (t) => {
        assertAllowed(await call(await opened(t, open, gateway.port, { headers }), 'work__search'));
      });

    test('opens the stream of HTTP+SSE, the admin API and the metrics on both ports', async () => {
      const stream = await EventReader.open(gateway.port, { method: 'GET', path: '/sse', headers });
      const { data: path = '' } = await stream.next(({ event }) => event === 'endpoint');
      assert.equal((await send(gateway.port, { path, headers, body: PING })).status, 202);
      assertChallenged(await send(gateway.port, { path, body: PING }));
      stream.break();
      for (const page of ['/admin/servers', '/metrics'])
        assert.equal(
          (await send(gateway.port, { method: 'GET', path: page, headers })).status,
          200,
        );
      const scraped = await metrics(gateway, headers);
      assert.equal(scraped.status, 200);
      assert.match(await scraped.text(), /tool_call_duration_ms/u);
    });
  });
}

test('of two credentials both must be right', async () => {
  for (const headers of [
    { 'x-lunar-api-key': SHARED_KEY, authorization: 'Bearer nobody' },
    { 'x-lunar-api-key': 'nobody', authorization: `Bearer ${SHARED_KEY}` },
  ])
    assertChallenged(await send(gateway.port, { headers, body: initializeBody() }));
});

test('clients of the SDKs without the key are told that they need one', async () => {
  const url = new URL(gateway.url);
  const legacy = new LegacyClient({ name: 'x', version: '1' });
  await assert.rejects(legacy.connect(new LegacyHttpTransport(url)), /401|Unauthorized/iu);
  const sse = new LegacyClient({ name: 'x', version: '1' });
  const sseUrl = new URL('/sse', url);
  await assert.rejects(sse.connect(new SSEClientTransport(sseUrl)), /401|Unauthorized/iu);
  const modern = new ModernClient(
    { name: 'x', version: '1' },
    { versionNegotiation: { mode: { pin: '2026-07-28' } } },
  );
  await assert.rejects(
    modern.connect(new StreamableHTTPClientTransport(url)),
    /401|Unauthorized|not proven|No credential/iu,
  );
});

test('auth.header renames the header of the key, and the old name means nothing then', async (t) => {
  const app = 'auth: { enabled: true, header: X-Team-Key }\n';
  const own = await accessGateway({ servers: SERVERS, app, env: ENV }, t);
  const renamed = { 'x-team-key': SHARED_KEY };
  for (const open of Object.values(WAYS)) {
    const caller = await opened(t, open, own.port, { headers: renamed });
    assertAllowed(await call(caller, 'work__search'));
  }
  const old = await RawLegacy.initialize(own.port, { headers: keyed() });
  assertChallenged(old);
  assert.match(old.text, /x-team-key/u);
  const bearer = { authorization: `Bearer ${SHARED_KEY}` };
  assert.equal((await RawLegacy.initialize(own.port, { headers: bearer })).status, 200);
});

test('AUTH_KEY is another name of API_KEY', async (t) => {
  const own = await accessGateway({ servers: {}, env: { AUTH_KEY: SHARED_KEY } }, t);
  assertChallenged(await RawLegacy.initialize(own.port));
  assert.equal((await RawLegacy.initialize(own.port, { headers: keyed() })).status, 200);
});

test('with metrics.public the metrics are open on both ports, and nothing else is', async (t) => {
  const app = 'metrics: { public: true }\n';
  const own = await accessGateway({ servers: {}, app, env: ENV }, t);
  assert.equal((await metrics(own, {})).status, 200);
  for (const [door, sent] of Object.entries(DOORS)) {
    const got = await send(own.port, sent);
    if (door === 'GET /metrics') assert.equal(got.status, 200);
    else assertChallenged(got);
  }
});

/** Runs `mcpx keys` on the data of a gateway; returns what it printed. */
async function keys({ folder }: AccessGateway, ...args: readonly string[]): Promise<string> {
  const started = startNode(['bin/mcpx.js', 'keys', ...args], {
    MCPX_DATA_DIR: `${folder}/data`,
    APP_CONFIG_PATH: `${folder}/app.yaml`,
    SERVERS_CONFIG_PATH: `${folder}/mcp.json`,
    ...ENV,
  });
  const code = await started.exited;
  await stop(started);
  assert.equal(code, 0, `${ROOT}: ${started.output()}`);
  return started.output();
}

/** Makes a key, and waits until the running gateway knows it. */
async function newKey(own: AccessGateway, name: string, consumer: string): Promise<string> {
  const printed = await keys(own, 'create', '--name', name, '--consumer', consumer);
  const key = /mcpx_[^\s_]+_\S+/u.exec(printed)?.[0];
  assert.ok(key !== undefined, printed);
  const headers = { 'x-lunar-api-key': key };
  await eventually('the key was known', 5_000, async () => {
    const { status } = await RawLegacy.initialize(own.port, { headers });
    return status === 200;
  });
  return key;
}

const KEYS_APP = `
auth: { admins: { consumers: [ops] } }
permissions:
  consumers:
    ops: { block: [] }
    dev: { allow: [] }
`;

test('a key of its own makes a caller its consumer, until it is revoked, and no tag makes anybody else that consumer (R20)', async (t) => {
  const own = await accessGateway({ servers: SERVERS, app: KEYS_APP, env: ENV }, t);
  const sharedAsOps = { headers: keyed('ops') };
  assert.equal((await RawLegacy.initialize(own.port, sharedAsOps)).status, 200);

  const key = await newKey(own, 'laptop', 'ops');
  const headers = { 'x-lunar-api-key': key };
  for (const open of Object.values(WAYS)) {
    const caller = await opened(t, open, own.port, { headers });
    assertAllowed(await call(caller, 'work__search'));
  }
  const session = await RawLegacy.open(own.port, { headers });
  const stream = await session.listen();
  for (const tag of ['dev', 'Ops', 'nobody']) {
    const contradicting = { headers: { ...headers, 'x-lunar-consumer-tag': tag } };
    assertRefused(
      await RawLegacy.initialize(own.port, contradicting),
      403,
      1402,
      'CONSUMER_REFUSED',
    );
  }
  const agreeing = { headers: { ...headers, 'x-lunar-consumer-tag': 'ops' } };
  assert.equal((await RawLegacy.initialize(own.port, agreeing)).status, 200);
  await eventually('the tag was refused to the shared key', 5_000, async () => {
    const { status } = await RawLegacy.initialize(own.port, sharedAsOps);
    return status === 403;
  });

  const admin = { method: 'GET', path: '/admin/servers' };
  assert.equal((await send(own.port, { ...admin, headers })).status, 200);
  const dev = { 'x-lunar-api-key': await newKey(own, 'ci', 'dev') };
  assertRefused(await send(own.port, { ...admin, headers: dev }), 403, 1405, 'ADMIN_REFUSED');

  await keys(own, 'revoke', 'laptop');
  await eventually('the key was refused', 5_000, async () => {
    const { status } = await session.post(session.body('ping'));
    return status === 401;
  });
  await stream.ended;
  assertRefused(await RawLegacy.initialize(own.port, sharedAsOps), 403, 1402, 'CONSUMER_REFUSED');
  const text = `${await own.auditText()}${own.output()}`;
  // The last 43 characters: a secret may hold the sign that ends the id before it.
  assert.ok(!text.includes(key.slice(-43)), 'the secret of a key is recorded');
});

test('authentication that a reload switches on ends what was open without it', async (t) => {
  const app = 'auth: { enabled: false }\n';
  const own = await accessGateway({ servers: SERVERS, app }, t);
  const session = await RawLegacy.open(own.port);
  const streams = [
    await session.listen(),
    await new RawModern(own.port).listen({ toolsListChanged: true }),
    await EventReader.open(own.port, { method: 'GET', path: '/sse' }),
  ];
  assertAllowed(await call(session, 'work__search'));
  await own.reload('auth: { enabled: true }\n');
  assertChallenged(await session.post(session.body('tools/list')));
  for (const door of Object.values(DOORS)) assertChallenged(await send(own.port, door));
  for (const stream of streams) await stream.ended;
});

test('with authentication off a tag cannot select a consumer that has a key either (R20)', async (t) => {
  const own = await accessGateway(
    { servers: {}, app: 'permissions: { consumers: { ops: { block: [] } } }\n' },
    t,
  );
  const asOps = { headers: { 'x-lunar-consumer-tag': 'ops' } };
  assert.equal((await RawLegacy.initialize(own.port, asOps)).status, 200);
  await keys(own, 'create', '--name', 'laptop', '--consumer', 'ops');
  await eventually('the tag was refused', 5_000, async () => {
    const { status } = await RawLegacy.initialize(own.port, asOps);
    return status === 403;
  });
});

for (const tag of ['two words', '-dash', 'ümlaut', 'a'.repeat(101), '__proto__', 'a/b', '*'])
  test(`the tag ${JSON.stringify(tag.slice(0, 20))} is refused, for it is no name`, async () => {
    const value = Buffer.from(tag).toString('latin1');
    const headers = { ...keyed(), 'x-lunar-consumer-tag': value };
    assertRefused(
      await RawLegacy.initialize(gateway.port, { headers }),
      403,
      1402,
      'CONSUMER_REFUSED',
    );
  });

test('an address that tries too many wrong keys is slowed down, and callers known to be good are not', async (t) => {
  const own = await accessGateway({ servers: SERVERS, env: ENV }, t);
  const session = await RawLegacy.open(own.port, { headers: keyed() });
  const guess = (index: number): Promise<Got> =>
    RawLegacy.initialize(own.port, { headers: { 'x-lunar-api-key': `guess-${index}` } });
  const slowed = await eventually('guesses were slowed down', 10_000, async () => {
    for (let index = 0; index < 30; index += 1) {
      const got = await guess(index);
      if (got.status === 429) return got;
      assertChallenged(got);
    }
    return undefined;
  });
  assertRefused(slowed, 429, 1428, 'GUESSING');
  assert.match(String(slowed.headers['retry-after']), /^\d+$/u);
  assertAllowed(await call(session, 'work__search'));
});
