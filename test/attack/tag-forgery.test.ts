import assert from 'node:assert/strict';
import test from 'node:test';
import { Caller, assertRefusal } from '../support/attack-caller.ts';
import {
  assertServes,
  attackedForFile,
  KEY_HEADER,
  SHARED_KEY,
  TAG_HEADER,
} from '../support/attack-gateway.ts';
import { initializeBody } from '../support/raw-clients.ts';
import { send } from '../support/raw-http.ts';

/** A consumer tag is a claim: it opens nothing that is bound to a credential, and what is no name is refused. */

const gateway = await attackedForFile({
  app: {
    toolGroups: [{ name: 'texts', services: { it: ['test_simple_text'] } }],
    permissions: {
      default: { allow: [] },
      consumers: { admin: { block: [] }, dev: { allow: ['texts'] }, free: { allow: ['texts'] } },
    },
  },
});
const { port } = gateway;
const admin = { [KEY_HEADER]: await gateway.createKey('admin') };
const dev = { [KEY_HEADER]: await gateway.createKey('dev') };
const shared = { [KEY_HEADER]: SHARED_KEY };

for (const [who, headers] of [
  ['a key of another consumer', dev],
  ['the shared key', shared],
] as const) {
  test(`the tag of a consumer that has a key is refused to ${who}, and recorded (R20)`, async () => {
    const from = gateway.audit().length;
    const caller = new Caller(port, { headers: { ...headers, [TAG_HEADER]: 'admin' } });
    assertRefusal(await caller.modernCall('it__fixture_state'), 'CONSUMER_REFUSED', 403);
    assertRefusal(await caller.post(initializeBody()), 'CONSUMER_REFUSED', 403);
    for (const [method, path] of [
      ['GET', '/mcp'],
      ['DELETE', '/mcp'],
      ['GET', '/sse'],
      ['GET', '/admin/servers'],
    ] as const) {
      const got = await send(port, { method, path, headers: caller.headers });
      assertRefusal(got, 'CONSUMER_REFUSED', 403);
    }
    const { outcome } = await gateway.recorded(
      'the forged tag',
      ({ code }) => code === 'CONSUMER_REFUSED',
      from,
    );
    assert.equal(outcome, 'turned-away');
  });
}

test('the own tag of a key is no contradiction', async () => {
  await assertServes(gateway, { ...admin, [TAG_HEADER]: 'admin' }, 'it__test_simple_text');
  await assertServes(gateway, { ...dev, [TAG_HEADER]: 'dev' });
});

for (const tag of ['Admin', 'ADMIN', 'admin.', 'admin0', 'a.dmin']) {
  test(`the tag "${tag}" is another consumer, which may do what anybody may: nothing`, async () => {
    const from = gateway.audit().length;
    const caller = new Caller(port, { headers: { ...shared, [TAG_HEADER]: tag } });
    assert.deepEqual(await caller.listed('tools'), []);
    assertRefusal(await caller.modernCall('it__fixture_state'), 'TARGET_UNKNOWN');
    await gateway.recorded('the call', ({ code }) => code === 'TARGET_UNKNOWN', from);
  });
}

for (const tag of [
  '*',
  '__proto__',
  '.',
  '../admin',
  'admin/',
  'admin,dev',
  'admin dev',
  '"admin"',
  'admin\u0000'.replace('\u0000', '%00'),
  '%61dmin',
  'adm\u00edn',
  'admin\t',
  '\u00a0admin',
  'a'.repeat(101),
  'a'.repeat(8000),
  '-',
]) {
  test(`the tag ${JSON.stringify(tag.slice(0, 20))} is no name of a consumer`, async () => {
    const headers = { ...shared, [TAG_HEADER]: tag };
    const got = await new Caller(port, { headers }).modernCall('it__fixture_state');
    assertRefusal(got, 'CONSUMER_REFUSED', 403);
    assert.ok(!got.text.includes(tag.trim()) || tag.length < 3, 'the tag is echoed');
  });
}

test('two tags are no choice', async () => {
  for (const tags of [
    ['free', 'admin'],
    ['admin', 'free'],
    ['free', 'free'],
  ]) {
    const body = initializeBody();
    const got = await send(port, { headers: { ...shared, [TAG_HEADER]: tags }, body });
    assertRefusal(got, 'CONSUMER_REFUSED', 403);
  }
});

test('a tag in the query, the body, a cookie or a header like it is none', async () => {
  const meta = { consumer: 'admin', [TAG_HEADER]: 'admin' };
  const places: readonly [string, Record<string, string>][] = [
    [`/mcp?${TAG_HEADER}=admin`, {}],
    ['/mcp?consumer=admin', {}],
    ['/mcp', { cookie: `${TAG_HEADER}=admin` }],
    ['/mcp', { 'x-consumer-tag': 'admin', 'x-lunar-consumer': 'admin' }],
    ['/mcp', { x_lunar_consumer_tag: 'admin' }],
  ];
  for (const [path, headers] of places) {
    const caller = new Caller(port, { path, headers: { ...shared, ...headers } });
    const got = await caller.modern('tools/call', { name: 'it__fixture_state' }, meta);
    assertRefusal(got, 'TARGET_UNKNOWN');
  }
});

test('a tag without a key proves nobody', async () => {
  const caller = new Caller(port, { headers: { [TAG_HEADER]: 'free' } });
  assertRefusal(await caller.modernCall('it__test_simple_text'), 'UNAUTHENTICATED', 401);
});

test('after all of this the gateway serves as before', async () => {
  await assertServes(gateway, { ...shared, [TAG_HEADER]: 'free' });
  await assertServes(gateway, admin);
});
