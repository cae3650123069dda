import assert from 'node:assert/strict';
import { request, type IncomingMessage } from 'node:http';
import test from 'node:test';
import { initializeBody } from '../support/raw-clients.ts';
import { freePort } from '../support/conformance-processes.ts';
import { gatewayForFile, startRaw } from '../support/raw-gateway.ts';
import { assertRefused, parseRaw, send, speak } from '../support/raw-http.ts';

/** A page whose name was made to point at this machine must not reach the gateway: its Host gives it away. */

const { port } = await gatewayForFile({ servers: {} });

const PATHS = [
  ['POST', '/mcp'],
  ['GET', '/mcp'],
  ['DELETE', '/mcp'],
  ['OPTIONS', '/mcp'],
  ['GET', '/sse'],
  ['POST', '/messages?sessionId=x'],
  ['GET', '/admin/servers'],
  ['GET', '/no/such/path'],
] as const;

for (const [method, path] of PATHS) {
  test(`${method} ${path} with the Host of another name is refused with 403 (R18)`, async () => {
    const headers = { host: `attacker.example:${port}` };
    const body = method === 'POST' ? initializeBody() : undefined;
    assertRefused(await send(port, { method, path, headers, body }), 403, -32600, 'HOST_REFUSED');
  });
}

for (const host of [
  'attacker.example',
  '127.0.0.1.attacker.example',
  'localhost.attacker.example',
  'localhost@attacker.example',
  'attacker.example#localhost',
  'attacker.example/localhost',
  '127.0.0.1:80:80',
  'localhost:',
  'localhost:123456',
  '127.0.0.1.',
  '127.1',
  '2130706433',
  '0.0.0.0',
  '[::]',
  '[::1',
  '::1',
  '[::1]attacker.example',
  '__proto__',
  'constructor',
]) {
  test(`the Host "${host}" is not this gateway's`, async () => {
    const got = await send(port, { headers: { host }, body: initializeBody() });
    assertRefused(got, 403, -32600, 'HOST_REFUSED');
  });
}

for (const host of [
  'localhost',
  'LOCALHOST:1234',
  '127.0.0.1',
  '127.0.0.1:9',
  '[::1]',
  '[::1]:80',
]) {
  test(`the Host "${host}" is this machine's`, async () => {
    const got = await send(port, { headers: { host }, body: initializeBody() });
    assert.equal(got.status, 200);
  });
}

test('a request without Host, or with two, is refused', async () => {
  const none = parseRaw(await speak(port, 'GET /mcp HTTP/1.0\r\n\r\n'));
  assertRefused(none, 403, -32600, 'HOST_REFUSED');
  const missing = await speak(port, 'GET /mcp HTTP/1.1\r\nConnection: close\r\n\r\n');
  assert.match(missing, /^HTTP\/1\.1 4\d\d /u);
  const empty = await speak(port, 'GET /mcp HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n');
  assertRefused(parseRaw(empty), 403, -32600, 'HOST_REFUSED');
});

test('a request with two Hosts is refused, as RFC 9112 has it', async () => {
  for (const hosts of [
    ['localhost', 'attacker.example'],
    ['attacker.example', 'localhost'],
  ]) {
    const lines = `Host: ${hosts[0]}\r\nHost: ${hosts[1]}\r\nConnection: close`;
    const { status } = parseRaw(
      await speak(port, `GET /admin/servers HTTP/1.1\r\n${lines}\r\n\r\n`),
    );
    assert.ok(status === 400 || status === 403, `answered ${status}`);
  }
});

test('a whole URL as the target does not stand in for the Host', async () => {
  const lines = 'Host: attacker.example\r\nConnection: close';
  const raw = await speak(port, `GET http://localhost/admin/servers HTTP/1.1\r\n${lines}\r\n\r\n`);
  assertRefused(parseRaw(raw), 403, -32600, 'HOST_REFUSED');
});

test('forwarding headers do not stand in for the Host', async () => {
  const headers = {
    host: 'attacker.example',
    'x-forwarded-host': 'localhost',
    forwarded: 'host=localhost',
    'x-original-host': 'localhost',
  };
  const got = await send(port, { headers, body: initializeBody() });
  assertRefused(got, 403, -32600, 'HOST_REFUSED');
});

test('the refusal of a Host is readable by no page', async () => {
  const headers = { host: 'attacker.example', origin: 'http://attacker.example' };
  const got = await send(port, { headers, body: initializeBody() });
  assert.equal(got.headers['access-control-allow-origin'], undefined);
});

test('names in server.allowedHosts and of server.publicUrl are accepted, others are not (R18)', async (t) => {
  const gateway = await startRaw({
    servers: {},
    app: 'server:\n  allowedHosts: [Gateway.Internal, "other.internal:8443"]\n  publicUrl: https://mcp.example.com\n',
  });
  t.after(() => gateway.stop());
  const statusFor = async (host: string): Promise<number> =>
    (await send(gateway.port, { headers: { host }, body: initializeBody() })).status;
  assert.equal(await statusFor('gateway.internal'), 200);
  assert.equal(await statusFor('gateway.internal:9000'), 200);
  assert.equal(await statusFor('other.internal:8443'), 200);
  assert.equal(await statusFor('other.internal:8444'), 403);
  assert.equal(await statusFor('mcp.example.com'), 200);
  assert.equal(await statusFor('example.com'), 403);
});

test('the address the gateway is bound to is accepted, whichever of this machine it is (R18)', async (t) => {
  const env = { MCPX_HOST: '127.0.0.2' };
  const gateway = await startRaw({ servers: {}, isReady: false, env });
  t.after(() => gateway.stop());
  const statusFor = async (host: string): Promise<number> => {
    const body = JSON.stringify(initializeBody());
    const response = await fetchAt('127.0.0.2', gateway.port, host, body);
    return response.statusCode ?? 0;
  };
  assert.equal(await statusFor(`127.0.0.2:${gateway.port}`), 200);
  assert.equal(await statusFor('127.0.0.3'), 403);
  assert.equal(await statusFor('attacker.example'), 403);
});

test('metrics on their own port are not for pages of another name either', async (t) => {
  const metricsPort = await freePort();
  const gateway = await startRaw({
    servers: {},
    env: { ENABLE_METRICS: 'true', SERVE_METRICS_PORT: String(metricsPort) },
  });
  t.after(() => gateway.stop());
  const statusFor = async (host: string): Promise<string> => {
    const lines = `Host: ${host}\r\nConnection: close`;
    const raw = await speak(metricsPort, `GET /metrics HTTP/1.1\r\n${lines}\r\n\r\n`);
    return raw.slice(0, 12);
  };
  assert.equal(await statusFor('localhost'), 'HTTP/1.1 200');
  assert.equal(await statusFor('attacker.example'), 'HTTP/1.1 403');
});

function fetchAt(
  address: string,
  port: number,
  host: string,
  body: string,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = { host, 'content-type': 'application/json' };
    const outgoing = request({
      host: address,
      port,
      path: '/mcp',
      method: 'POST',
      headers,
      agent: false,
    });
    outgoing.on('response', (response) => {
      response.resume();
      resolve(response);
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
