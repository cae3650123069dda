import assert from 'node:assert/strict';
import test from 'node:test';
import { assertRefusal } from '../support/attack-caller.ts';
import {
  assertServes,
  elsewhere,
  KEY_HEADER,
  SHARED_KEY,
  TAG_HEADER,
} from '../support/attack-gateway.ts';
import { tokenSceneForFile } from '../support/attack-issuer.ts';
import { freePort } from '../support/conformance-processes.ts';
import { parseRaw, send, speak } from '../support/raw-http.ts';

/** Whoever may call tools may not therefore read what operators read, and whoever may not is recorded. */

const metricsPort = await freePort();
const { gateway, provider, claims } = await tokenSceneForFile({
  issuer: { groupsClaim: 'groups', consumers: ['nobody'] },
  env: { ENABLE_METRICS: 'true', SERVE_METRICS_PORT: String(metricsPort) },
  app: { auth: { admins: { consumers: ['operator'], groups: ['sre'] } } },
});
const { port } = gateway;
const keys = {
  dev: await gateway.createKey('dev'),
  operator: await gateway.createKey('operator'),
};

async function tokenOf(groups: unknown): Promise<string> {
  return `Bearer ${await provider.sign(claims({ groups }))}`;
}

async function statusOf(headers: Record<string, string>): Promise<number> {
  const all = { ...elsewhere(), ...headers };
  return (await send(port, { method: 'GET', path: '/admin/servers', headers: all })).status;
}

test('the key of an ordinary consumer and the token of an ordinary group are refused, and recorded', async () => {
  for (const headers of [
    { [KEY_HEADER]: keys.dev },
    { authorization: await tokenOf(['dev']) },
    { authorization: await tokenOf([]) },
    { authorization: await tokenOf('SRE') },
    { authorization: await tokenOf(['sre ']) },
    { authorization: await tokenOf({ sre: true }) },
    { authorization: await tokenOf([['sre']]) },
  ]) {
    const from = gateway.audit().length;
    const place = elsewhere();
    const all = { ...place, ...headers } as Record<string, string>;
    const got = await send(port, { method: 'GET', path: '/admin/servers', headers: all });
    assertRefusal(got, 'ADMIN_REFUSED', 403);
    assert.doesNotMatch(got.text, /phase|"it"/u);
    await gateway.recorded(
      'it',
      ({ code, address }) => code === 'ADMIN_REFUSED' && address === place['x-forwarded-for'],
      from,
    );
  }
});

test('a tag makes nobody an operator', async () => {
  for (const credential of [{ [KEY_HEADER]: keys.dev }, { authorization: await tokenOf([]) }])
    for (const tag of ['operator', 'sre', 'Operator', 'admin'])
      assert.equal(await statusOf({ ...credential, [TAG_HEADER]: tag }), 403);
});

test('operators read, by the shared key, by consumer and by group', async () => {
  for (const headers of [
    { [KEY_HEADER]: SHARED_KEY },
    { [KEY_HEADER]: keys.operator },
    { authorization: await tokenOf(['dev', 'sre']) },
    { authorization: await tokenOf('dev sre') },
  ])
    assert.equal(await statusOf(headers as Record<string, string>), 200);
});

test('nothing but reading is served, whoever asks, and no other way leads there', async () => {
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'TRACE']) {
    const lines = [
      `${method} /admin/servers HTTP/1.1`,
      'Host: localhost',
      'Connection: close',
      `${KEY_HEADER}: ${keys.dev}`,
      'Content-Length: 0',
    ];
    const got = parseRaw(await speak(port, `${lines.join('\r\n')}\r\n\r\n`));
    assert.ok(got.status >= 400, `${method}: ${got.status}`);
    assert.doesNotMatch(got.text, /phase/u);
  }
  for (const path of [
    '/admin',
    '/admin/',
    '/Admin/servers',
    '/admin/servers/',
    '/mcp/admin',
    '/admin/servers%00',
  ])
    assert.ok(
      (await send(port, { method: 'GET', path, headers: { [KEY_HEADER]: keys.dev } })).status >=
        400,
      path,
    );
  const override = {
    [KEY_HEADER]: keys.dev,
    'x-http-method-override': 'GET',
    'x-original-url': '/admin/servers',
  };
  assert.ok(
    (await send(port, { method: 'GET', path: '/nowhere', headers: override })).status >= 400,
  );
});

test('metrics, which name all servers, tools and consumers, are told to those who may use the admin API, on either port', async () => {
  for (const at of [port, metricsPort]) {
    const url = `http://127.0.0.1:${at}/metrics`;
    assert.equal((await fetch(url, { headers: elsewhere() })).status, 401);
    assert.equal((await fetch(`${url}?key=${keys.dev}`, { headers: elsewhere() })).status, 401);
    const wrong = { ...elsewhere(), [KEY_HEADER]: 'wrong' };
    assert.equal((await fetch(url, { headers: wrong })).status, 401);
    assert.equal((await fetch(url, { headers: { [KEY_HEADER]: keys.dev } })).status, 403);
    assert.equal((await fetch(url, { headers: { [KEY_HEADER]: SHARED_KEY } })).status, 200);
  }
  const from = gateway.audit().length;
  const place = elsewhere();
  await fetch(`http://127.0.0.1:${metricsPort}/metrics`, { headers: place });
  await gateway.recorded(
    'it',
    ({ code, address }) => code === 'UNAUTHENTICATED' && address === place['x-forwarded-for'],
    from,
  );
  await assertServes(gateway);
});
