import assert from 'node:assert/strict';
import test from 'node:test';
import { initializeBody, modernSent, RawSession } from '../support/raw-clients.ts';
import { gatewayForFile } from '../support/raw-gateway.ts';
import { assertRefused, send } from '../support/raw-http.ts';

/** A page of another site, open in the user's browser, must not use the gateway. */

const { port } = await gatewayForFile();

for (const origin of [
  'https://attacker.example',
  'http://attacker.example:9000',
  'null',
  '',
  'file://',
  'http://localhost.attacker.example',
  'http://127.0.0.1.attacker.example:80',
  'http://localhost:3000@attacker.example',
  'http://attacker.example//localhost',
  'http://localhost//attacker.example',
  'ftp://localhost',
  'chrome-extension://localhost',
  'javascript://localhost',
  'localhost',
  '//localhost',
  'http:localhost',
  'http://[::1',
  'http://0.0.0.0:80',
  'http://localhost:123456',
]) {
  test(`a page of the origin "${origin}" is refused with 403 and may not read why`, async () => {
    const got = await send(port, { headers: { origin }, body: initializeBody() });
    assertRefused(got, 403, -32600, 'ORIGIN_REFUSED');
    assert.equal(got.headers['access-control-allow-origin'], undefined);
    assert.equal(got.headers['mcp-session-id'], undefined);
  });
}

test('a foreign page is refused on every path and with every method', async () => {
  const session = await RawSession.open(port);
  const origin = 'https://attacker.example';
  for (const [method, path] of [
    ['GET', '/mcp'],
    ['DELETE', '/mcp'],
    ['OPTIONS', '/mcp'],
    ['GET', '/sse'],
    ['POST', '/messages?sessionId=x'],
    ['GET', '/admin/servers'],
    ['GET', '/no/such/path'],
  ] as const) {
    const body = method === 'POST' ? initializeBody() : undefined;
    const got = await send(port, { method, path, headers: { ...session.headers, origin }, body });
    assertRefused(got, 403, -32600, 'ORIGIN_REFUSED');
  }
  assert.equal((await session.request('ping')).error, undefined, 'DELETE did nothing');
});

test('a modern call of a foreign page never reaches a server', async () => {
  const session = await RawSession.open(port);
  const sent = modernSent('tools/call', { name: 'it__fixture_add_tool', arguments: { name: 'x' } });
  const headers = { ...sent.headers, origin: 'https://attacker.example' };
  assertRefused(await send(port, { ...sent, headers }), 403, -32600, 'ORIGIN_REFUSED');
  assert.equal((await session.state())['callsStarted'], 0);
});

test('a form or a beacon of a foreign page, which may be sent without asking, is refused', async () => {
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']) {
    const headers = { origin: 'https://attacker.example', 'content-type': type };
    const got = await send(port, { headers, body: JSON.stringify(initializeBody()) });
    assert.equal(got.status, 403);
    const unnamed = await send(port, { headers: { 'content-type': type }, body: '{}' });
    assert.equal(unnamed.status, 415);
  }
});
