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
import { parseRaw, rpcOf, send, speak, type JsonObject } from '../support/raw-http.ts';

/** A page that has got hold of a good key still may not use it from a browser, nor may a name that was made to point here. */

const gateway = await attackedForFile({
  app: { server: { allowedOrigins: ['https://console.example'] } },
});
const { port } = gateway;
const key = { [KEY_HEADER]: SHARED_KEY };

const PLACES = [
  ['POST', '/mcp'],
  ['GET', '/mcp'],
  ['DELETE', '/mcp'],
  ['GET', '/sse'],
  ['POST', '/messages?sessionId=x'],
  ['GET', '/admin/servers'],
  ['OPTIONS', '/mcp'],
] as const;

for (const [what, refusal, header, forgeries] of [
  [
    'an Origin',
    'ORIGIN_REFUSED',
    'origin',
    [
      'https://attacker.example',
      'null',
      'https://console.example.attacker.example',
      'https://console.example:444',
      'http://console.example',
      'https://CONSOLE.example@attacker.example',
    ],
  ],
  [
    'a Host',
    'HOST_REFUSED',
    'host',
    ['attacker.example', 'localhost.attacker.example', 'console.example', '127.0.0.1.nip.example'],
  ],
] as const) {
  for (const forgery of forgeries) {
    test(`a good key with ${what} of "${forgery}" is refused everywhere, and recorded (R18)`, async () => {
      const from = gateway.audit().length;
      const place = elsewhere();
      for (const [method, path] of PLACES) {
        const headers = { ...key, ...place, [header]: forgery };
        const body = method === 'POST' ? initializeBody() : undefined;
        const got = await send(port, { method, path, headers, body });
        assertRefusal(got, refusal, 403);
        assert.equal(got.headers['access-control-allow-origin'], undefined);
        assert.equal(got.headers['access-control-allow-headers'], undefined);
        assert.equal(got.headers['mcp-session-id'], undefined);
      }
      const { outcome } = await gateway.recorded(
        what,
        ({ code, address }) => code === refusal && address === place['x-forwarded-for'],
        from,
      );
      assert.equal(outcome, 'turned-away');
    });
  }
}

test('a page that may read nothing cannot do anything either: no call of it reaches a server', async () => {
  const caller = new Caller(port, { headers: key });
  const sent = { name: 'it__fixture_add_tool', arguments: { name: 'by_a_page' } };
  const page = new Caller(port, { headers: { ...key, origin: 'https://attacker.example' } });
  assertRefusal(await page.modern('tools/call', sent), 'ORIGIN_REFUSED', 403);
  const { result } = rpcOf(await caller.modernCall('it__fixture_state'));
  const state = result?.['structuredContent'] as JsonObject | undefined;
  assert.equal(state?.['callsStarted'], 0);
});

test('who is forging is told nothing of the key: a good and a wrong one are refused alike', async () => {
  const answers = await Promise.all(
    [SHARED_KEY, 'wrong', ''].map((text) =>
      send(port, {
        headers: { [KEY_HEADER]: text, origin: 'https://attacker.example' },
        body: initializeBody(),
      }),
    ),
  );
  assert.equal(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size, 1);
});

test('a trusted proxy vouches for addresses alone, not for hosts', async () => {
  const headers = {
    ...key,
    host: 'attacker.example',
    'x-forwarded-host': 'localhost',
    forwarded: 'for=127.0.0.1;host=localhost',
    'x-forwarded-for': '127.0.0.1',
  };
  assertRefusal(await send(port, { headers, body: initializeBody() }), 'HOST_REFUSED', 403);
});

test('two Hosts or two Origins with a good key are refused', async () => {
  const common = `Connection: close\r\n${KEY_HEADER}: ${SHARED_KEY}`;
  const hosts = `Host: localhost\r\nHost: attacker.example\r\n${common}`;
  const first = parseRaw(await speak(port, `GET /admin/servers HTTP/1.1\r\n${hosts}\r\n\r\n`));
  assert.ok(first.status === 400 || first.status === 403, first.text);
  const origins = `Host: localhost\r\nOrigin: https://console.example\r\nOrigin: https://attacker.example\r\n${common}`;
  const second = parseRaw(await speak(port, `GET /admin/servers HTTP/1.1\r\n${origins}\r\n\r\n`));
  assert.ok(second.status === 200 || second.status === 403, second.text);
  assert.notEqual(second.headers['access-control-allow-origin'], 'https://attacker.example');
});

test('the page that is allowed is served with a key, and without one is not', async () => {
  const origin = { origin: 'https://console.example' };
  await assertServes(gateway, { ...key, ...origin });
  const caller = new Caller(port, { headers: origin });
  assertRefusal(await caller.modernCall('it__test_simple_text'), 'UNAUTHENTICATED', 401);
});
