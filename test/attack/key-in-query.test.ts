import assert from 'node:assert/strict';
import test from 'node:test';
import { assertRefusal, Caller } from '../support/attack-caller.ts';
import {
  assertServes,
  attackedForFile,
  elsewhere,
  KEY_HEADER,
  SHARED_KEY,
} from '../support/attack-gateway.ts';
import { initializeBody } from '../support/raw-clients.ts';
import { parseRaw, send, speak } from '../support/raw-http.ts';

/** Addresses end up in logs, histories and referrers: a key anywhere but in its header is none, and is written down nowhere. */

const gateway = await attackedForFile({
  env: { LOG_LEVEL: 'debug' },
});
const { port } = gateway;
const named = await gateway.createKey('alice');

for (const [what, key] of [
  ['the shared key', SHARED_KEY],
  ['a named key', named],
] as const) {
  for (const name of [
    KEY_HEADER,
    'X-Lunar-Api-Key',
    'api_key',
    'apikey',
    'key',
    'access_token',
    'token',
    'authorization',
    'sessionId',
  ]) {
    test(`${what} as "${name}" in the query is none`, async () => {
      const from = gateway.audit().length;
      const path = `/mcp?${name}=${key}`;
      const headers = elsewhere();
      const got = await send(port, { path, headers, body: initializeBody() });
      assertRefusal(got, 'UNAUTHENTICATED', 401);
      assert.ok(!JSON.stringify(got).includes(key), 'it is echoed');
      await gateway.recorded(
        'the attempt',
        ({ code, address }) => code === 'UNAUTHENTICATED' && address === headers['x-forwarded-for'],
        from,
      );
    });
  }

  test(`${what} in the path, a fragment, a cookie or the body is none`, async () => {
    const paths = [`/mcp/${key}`, `/mcp#${KEY_HEADER}=${key}`, `/${key}/mcp`, `/mcp;key=${key}`];
    for (const path of paths) {
      const got = await send(port, { path, headers: elsewhere(), body: initializeBody() });
      assert.ok(got.status === 401 || got.status === 404 || got.status === 400, got.text);
      assert.ok(!JSON.stringify(got).includes(key), 'it is echoed');
    }
    for (const headers of [
      { cookie: `${KEY_HEADER}=${key}` },
      { cookie: `authorization=Bearer ${key}` },
      { 'proxy-authorization': `Bearer ${key}` },
      { 'www-authenticate': `Bearer ${key}` },
      { 'x-api-key': key },
      { authorization: key },
      { authorization: `Basic ${btoa(`mcpx:${key}`)}` },
      { authorization: `Basic ${btoa(key)}` },
      { authorization: `Bearer${key}` },
      { authorization: `Token ${key}` },
    ]) {
      const all = { ...elsewhere(), ...headers } as Record<string, string>;
      const got = await send(port, { headers: all, body: initializeBody() });
      assertRefusal(got, 'UNAUTHENTICATED', 401);
    }
    const caller = new Caller(port, { headers: elsewhere() });
    const meta = { [KEY_HEADER]: key, authorization: `Bearer ${key}` };
    assertRefusal(await caller.modern('tools/list', { apiKey: key }, meta), 'UNAUTHENTICATED', 401);
  });

  test(`${what} as a user of a whole URL is none`, async () => {
    const lines = [
      `GET http://${key}@localhost/admin/servers HTTP/1.1`,
      'Host: localhost',
      'Connection: close',
      `X-Forwarded-For: ${elsewhere()['x-forwarded-for']}`,
    ];
    const got = parseRaw(await speak(port, `${lines.join('\r\n')}\r\n\r\n`));
    assert.ok(got.status >= 400 && got.status < 500, got.text);
    assert.ok(!got.text.includes(key));
  });

  test(`${what} in the query opens neither the admin API nor a stream`, async () => {
    for (const path of ['/admin/servers', '/sse', '/mcp', '/messages']) {
      const method = path === '/messages' ? 'POST' : 'GET';
      const got = await send(port, {
        method,
        path: `${path}?${KEY_HEADER}=${key}`,
        headers: elsewhere(),
      });
      assertRefusal(got, 'UNAUTHENTICATED', 401);
    }
  });
}

test('two keys in two headers of one name are none', async () => {
  const headers = { ...elsewhere(), [KEY_HEADER]: [SHARED_KEY, SHARED_KEY] };
  assertRefusal(await send(port, { headers, body: initializeBody() }), 'UNAUTHENTICATED', 401);
});

test('a good key beside a wrong one is refused', async () => {
  for (const headers of [
    { [KEY_HEADER]: SHARED_KEY, authorization: 'Bearer wrong' },
    { [KEY_HEADER]: 'wrong', authorization: `Bearer ${SHARED_KEY}` },
  ]) {
    const all = { ...elsewhere(), ...headers } as Record<string, string>;
    assertRefusal(
      await send(port, { headers: all, body: initializeBody() }),
      'UNAUTHENTICATED',
      401,
    );
  }
});

test('no key of all these is in the log or in the audit, and the gateway serves as before', async () => {
  await assertServes(gateway);
  await assertServes(gateway, { [KEY_HEADER]: named });
  await assertServes(gateway, { authorization: `bearer ${named}` });
  for (const key of [SHARED_KEY, named, btoa(SHARED_KEY)]) {
    assert.ok(!gateway.output().includes(key), 'the log holds a key');
    assert.ok(!gateway.auditText().includes(key), 'the audit holds a key');
  }
});
