import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { Caller } from '../support/attack-caller.ts';
import {
  assertServes,
  elsewhere,
  KEY_HEADER,
  SHARED_KEY,
  TAG_HEADER,
} from '../support/attack-gateway.ts';
import { tokenSceneForFile } from '../support/attack-issuer.ts';
import { freePort } from '../support/conformance-processes.ts';
import { initializeBody, modernSent } from '../support/raw-clients.ts';
import { EventReader } from '../support/raw-events.ts';
import { rpcOf, send, type JsonObject } from '../support/raw-http.ts';

/** What callers prove themselves with, and what they send under secret names, is written nowhere: not in the log, the audit, an answer, the metrics or the data folder. */

const metricsPort = await freePort();
const { gateway, provider, claims } = await tokenSceneForFile({
  env: { LOG_LEVEL: 'trace', ENABLE_METRICS: 'true', SERVE_METRICS_PORT: String(metricsPort) },
  app: {
    rules: [
      { id: 'no-echo', effect: 'deny', tools: ['it/fixture_big'], when: 'args.password == "x"' },
    ],
  },
});
const { port } = gateway;

/** Every secret that was used; each is looked for everywhere at the end. */
const secrets: string[] = [SHARED_KEY];
const answers: string[] = [];

let lastSecret = 0;
function secret(): string {
  lastSecret += 1;
  const text = `hush${lastSecret}${'qX7'.repeat(6)}${lastSecret}`;
  secrets.push(text);
  return text;
}

const named = await gateway.createKey('alice');
const token = await provider.sign(claims());
secrets.push(named, named.slice(-43), token, token.split('.')[2] ?? '');
const alice = new Caller(port, { headers: { [KEY_HEADER]: named } });

async function keep(answer: Promise<{ text: string; headers: object }>): Promise<void> {
  const { text, headers } = await answer;
  answers.push(`${text}${JSON.stringify(headers)}`);
}

test('credentials of every kind, good, wrong and out of place', async () => {
  const wrongToken = `${token.split('.').slice(0, 2).join('.')}.${Buffer.from(secret()).toString('base64url')}`;
  secrets.push(wrongToken);
  for (const headers of [
    { [KEY_HEADER]: secret() },
    { [KEY_HEADER]: `mcpx_${secret()}_${'A'.repeat(43)}` },
    { authorization: `Bearer ${secret()}` },
    { authorization: `Bearer ${wrongToken}` },
    { authorization: `Basic ${btoa(`user:${secret()}`)}` },
    { authorization: secret() },
    { [KEY_HEADER]: SHARED_KEY, [TAG_HEADER]: `*${secret()}` },
    { cookie: `key=${secret()}` },
    { [KEY_HEADER]: SHARED_KEY, 'mcp-session-id': secret() },
    { [KEY_HEADER]: SHARED_KEY, host: `${secret().toLowerCase()}.example` },
    { [KEY_HEADER]: SHARED_KEY, origin: `https://${secret().toLowerCase()}.example` },
  ]) {
    const all = { ...elsewhere(), ...headers };
    await keep(send(port, { headers: all, body: initializeBody() }));
    await keep(send(port, { ...modernSent('tools/list'), headers: all }));
  }
  for (const path of ['/mcp', '/sse', '/messages', '/admin/servers', '/nowhere', '/mcp/group'])
    await keep(
      send(port, { method: 'GET', path: `${path}?key=${secret()}`, headers: elsewhere() }),
    );
  for (const headers of [
    { authorization: `Bearer ${token}` },
    { [KEY_HEADER]: named },
    { [KEY_HEADER]: SHARED_KEY },
  ])
    await assertServes(gateway, headers);
});

/** Names under which callers send secrets. */
const NAMES = [
  'password',
  'Password',
  'user_password',
  'passwd',
  'secret',
  'clientSecret',
  'api_key',
  'apiKey',
  'X-API-Key',
  'access_token',
  'refreshToken',
  'token',
  'authorization',
  'Authorization',
  'cookie',
  'private_key',
  'credentials',
  'connectionString',
  'passphrase',
];

/** Names that are looked for inside of texts too. */
const IN_TEXTS = /pass|secret|key|token|auth|cookie|credential|connection/iu;

test('arguments under secret names, at any depth, in calls that are served, refused, unknown and failing', async () => {
  for (const name of NAMES) {
    const args = (): JsonObject => ({
      [name]: secret(),
      deep: { list: [{ [name]: secret() }, { name, value: secret() }] },
      whole: { [name]: { inner: secret() } },
      ...(IN_TEXTS.test(name) ? { text: `${name}=${secret()}` } : {}),
      url: `https://user:${secret()}@example.com/?${name}=${secret()}`,
    });
    for (const tool of [
      'it__test_simple_text',
      'it__fixture_big',
      'it__nothing',
      'it__test_error_handling',
    ])
      await keep(alice.modernCall(tool, args()));
    await keep(alice.modern('prompts/get', { name: 'it__test_simple_prompt', arguments: args() }));
    // What is not found is named to whoever asked for it, and to nobody else.
    if (IN_TEXTS.test(name))
      await alice.modern('resources/read', { uri: `test://template/1/data?${name}=${secret()}` });
  }
});

test('texts that are credentials by themselves, under any name', async () => {
  for (const make of [
    () => `Bearer ${secret()}`,
    () => named,
    () => token,
    () => `sk-${secret()}`,
    () => `ghp_${secret()}`,
    () => `-----BEGIN PRIVATE KEY-----\n${secret()}\n-----END PRIVATE KEY-----`,
  ])
    await keep(alice.modernCall('it__test_simple_text', { note: make(), list: [make()] }));
});

test('secrets in what is no call at all', async () => {
  const session = await Caller.open(port, { headers: alice.headers });
  for (const body of [
    `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"password":"${secret()}"`,
    { jsonrpc: '2.0', id: secret(), method: 'ping', params: { token: secret() } },
    { jsonrpc: '2.0', method: 'notifications/cancelled', params: { reason: secret() } },
    { jsonrpc: '1.0', secret: secret() },
  ])
    await session.post(body);
  const sse = await EventReader.open(port, { method: 'GET', path: '/sse', headers: alice.headers });
  const { data: path = '' } = await sse.next(({ event }) => event === 'endpoint');
  secrets.push(new URLSearchParams(path.split('?')[1]).get('sessionId') ?? '', session.sessionId);
  await send(port, {
    path,
    headers: alice.headers,
    body: { jsonrpc: '2.0', id: 1, method: 'ping' },
  });
  sse.break();
});

test('none of them is in an answer, in the log, in the audit, in the metrics, in the admin API or on the disk', async () => {
  await alice.modernCall('it__test_image_content');
  await gateway.recorded('the last call', ({ target }) => target === 'test_image_content');
  const admin = await send(port, {
    method: 'GET',
    path: '/admin/servers',
    headers: { [KEY_HEADER]: SHARED_KEY },
  });
  const metrics = await fetch(`http://127.0.0.1:${metricsPort}/metrics`, {
    headers: { [KEY_HEADER]: SHARED_KEY },
  });
  const metricsText = await metrics.text();
  assert.match(metricsText, /tool_call_duration_ms/u);
  const places: readonly (readonly [string, string])[] = [
    ['an answer', answers.join('\n')],
    ['the log', gateway.output()],
    ['the audit', gateway.auditText()],
    ['the admin API', admin.text],
    ['the metrics', metricsText],
    ['the data folder', disk(join(gateway.folder, 'data'))],
  ];
  assert.ok(secrets.length > 300);
  for (const [place, text] of places) {
    const found = secrets.filter((each) => each !== '' && text.includes(each));
    assert.deepEqual(found, [], `${place} holds secrets`);
  }
});

test('nothing is served without a key that would tell of them', async () => {
  for (const path of ['/metrics', '/admin/servers']) {
    const { status } = await fetch(`http://127.0.0.1:${port}${path}`, { headers: elsewhere() });
    assert.equal(status, 401);
  }
  const { status } = await fetch(`http://127.0.0.1:${metricsPort}/metrics`, {
    headers: elsewhere(),
  });
  assert.equal(status, 401);
  const got = rpcOf(await alice.modernCall('it__fixture_echo', { password: 'as it is' }));
  assert.match(JSON.stringify(got.result), /as it is/u, 'the server gets what the caller sent');
  await assertServes(gateway);
});

function disk(folder: string): string {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('\n');
}
