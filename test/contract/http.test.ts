import assert from 'node:assert/strict';
import { Agent, request as openRequest } from 'node:http';
import test from 'node:test';
import { initializeBody, RawSession } from '../support/raw-clients.ts';
import { gatewayForFile, startRaw } from '../support/raw-gateway.ts';
import { assertRefused, parseRaw, rpcOf, send, speak } from '../support/raw-http.ts';

/** What streamable HTTP answers before any method is looked at. */

const { port } = await gatewayForFile({ app: 'server:\n  maxBodyBytes: 100000\n' });

const PING = { jsonrpc: '2.0', id: 1, method: 'ping' };
const JSON_TYPE = 'content-type: application/json';

test('a body above server.maxBodyBytes is refused with 413 as JSON-RPC, told by its length alone', async () => {
  const got = await send(port, { body: 'x'.repeat(100_001) });
  assertRefused(got, 413, -32600, 'BODY_TOO_LARGE');
  assert.equal(rpcOf(got).error?.data?.['maxBytes'], 100_000);
  assert.equal(rpcOf(got).id, null);
});

test('a body above the bound is refused with 413 when its length is not told before', async () => {
  const got = await new Promise<{ status: number; text: string }>((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'transfer-encoding': 'chunked' };
    const outgoing = openRequest({ port, path: '/mcp', method: 'POST', headers, agent: false });
    outgoing.on('response', (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    outgoing.on('error', reject);
    for (let sent = 0; sent < 200_000; sent += 10_000) outgoing.write('x'.repeat(10_000));
    outgoing.end();
  });
  assert.equal(got.status, 413);
  assert.match(got.text, /"refusal":"BODY_TOO_LARGE"/u);
});

test('the default bound of a body is 4 MiB, and a body below it is served', async (t) => {
  const gateway = await startRaw();
  t.after(() => gateway.stop());
  const session = await RawSession.open(gateway.port);
  const text = 'x'.repeat(4_100_000);
  const { result } = await session.call('it__fixture_echo', { text });
  const echoed = result?.['structuredContent'] as { arguments: { text: string } };
  assert.equal(echoed.arguments.text.length, 4_100_000);
  const got = await session.post(session.body('ping', { text: 'x'.repeat(4_200_000) }));
  assertRefused(got, 413, -32600, 'BODY_TOO_LARGE');
});

for (const [what, body] of [
  ['half an object', '{"jsonrpc":'],
  ['nothing at all', ''],
  ['a byte that is not UTF-8 text in JSON', Buffer.from([0xff, 0xfe])],
  ['HTML', '<html></html>'],
] as const) {
  test(`${what} as a body is refused with -32700`, async () => {
    assertRefused(await send(port, { body }), 400, -32700, 'MALFORMED_JSON');
  });
}

for (const [what, body] of [
  ['a number', 7],
  ['null', null],
  ['a string', '"ping"'],
  ['an object without jsonrpc', { id: 1, method: 'ping' }],
  ['another version of JSON-RPC', { jsonrpc: '1.0', id: 1, method: 'ping' }],
  ['a method that is no string', { jsonrpc: '2.0', id: 1, method: 5 }],
  ['params that are a list', { jsonrpc: '2.0', id: 1, method: 'ping', params: [1] }],
  ['an answer to nothing', { jsonrpc: '2.0', id: 1 }],
] as const) {
  test(`${what} is no message and refused with -32600`, async () => {
    const got = await send(port, { body: typeof body === 'string' ? body : JSON.stringify(body) });
    assertRefused(got, 400, -32600, 'MALFORMED_MESSAGE');
  });
}

for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp', '']) {
  test(`the content type "${type}" is refused with 415`, async () => {
    const got = await send(port, { headers: { 'content-type': type }, body: PING });
    assertRefused(got, 415, -32600, 'CONTENT_TYPE_UNSUPPORTED');
  });
}

test('JSON with a charset is JSON', async () => {
  const headers = { 'content-type': 'Application/JSON; charset=utf-8' };
  const got = await send(port, { headers, body: initializeBody() });
  assert.equal(got.status, 200);
});

test('headers above server.maxHeaderBytes are refused with 431 as JSON-RPC', async () => {
  const raw = await speak(
    port,
    `GET /mcp HTTP/1.1\r\nHost: localhost\r\nx: ${'a'.repeat(40_000)}\r\n\r\n`,
  );
  assertRefused(parseRaw(raw), 431, -32600, 'HEADERS_TOO_LARGE');
});

for (const [what, bytes] of [
  ['a greeting', 'hello there\r\n\r\n'],
  ['a TLS handshake', Buffer.from('16030100c8010000c40303', 'hex')],
  ['a header without a colon', 'GET /mcp HTTP/1.1\r\nnonsense\r\n\r\n'],
  [
    'two lengths',
    `POST /mcp HTTP/1.1\r\nHost: localhost\r\n${JSON_TYPE}\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\n{}`,
  ],
  [
    'a length and chunks',
    `POST /mcp HTTP/1.1\r\nHost: localhost\r\n${JSON_TYPE}\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  ],
] as const) {
  test(`${what} is not HTTP and refused with 400 as JSON-RPC`, async () => {
    assertRefused(parseRaw(await speak(port, bytes)), 400, -32600, 'MALFORMED_HTTP');
  });
}

test('an unknown path is refused with 404 as JSON-RPC', async () => {
  for (const path of ['/', '/mcp/', '/MCP', '/other', '/healthcheck/x', '/favicon.ico']) {
    assertRefused(await send(port, { path, method: 'GET' }), 404, -32600, 'PATH_UNKNOWN');
  }
});

test('an HTTP method that a path does not have is refused with 405, naming those it has', async () => {
  for (const [method, path, allow] of [
    ['PUT', '/mcp', 'GET, POST, DELETE, OPTIONS'],
    ['PATCH', '/mcp', 'GET, POST, DELETE, OPTIONS'],
    ['POST', '/sse', 'GET, OPTIONS'],
    ['GET', '/messages', 'POST, OPTIONS'],
  ] as const) {
    const got = await send(port, { path, method });
    assertRefused(got, 405, -32600, 'HTTP_METHOD_UNSUPPORTED');
    assert.equal(got.headers['allow'], allow);
  }
});

test('a query changes nothing about the path', async () => {
  const got = await send(port, { path: '/mcp?from=here', body: initializeBody() });
  assert.equal(got.status, 200);
});

test('GET /healthcheck says OK, to any host (R18)', async () => {
  const headers = { host: 'gateway.example', origin: 'https://example.com' };
  const got = await send(port, { path: '/healthcheck', method: 'GET', headers });
  assert.deepEqual([got.status, got.text], [200, '{"status":"OK"}']);
});

test('what was refused at the door does not keep the gateway from ending at once', async () => {
  const gateway = await startRaw({ app: 'server:\n  maxBodyBytes: 2000\n' });
  await send(gateway.port, { headers: { 'content-type': 'text/plain' }, body: PING });
  await send(gateway.port, { body: 'x'.repeat(3000) });
  await send(gateway.port, { body: 'nonsense' });
  assert.ok((await gateway.stop()) < 5000, 'ending took as long as the time calls may still take');
});

test('a connection can be used on after every refusal, with a body that nobody read too', async (t) => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  const ask = (path: string, headers: Record<string, string>, body: string): Promise<number> =>
    new Promise((resolve, reject) => {
      const terms = { port, path, method: 'POST', headers, agent, timeout: 5000 };
      const outgoing = openRequest(terms, (response) => {
        response.resume().on('end', () => resolve(response.statusCode ?? 0));
      });
      outgoing.on('error', reject);
      outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer on ${path}`)));
      outgoing.end(body);
    });
  const json = { 'content-type': 'application/json' };
  const body = JSON.stringify(initializeBody());
  const long = JSON.stringify({ text: 'x'.repeat(90_000) });
  for (const [path, headers, sent, status] of [
    ['/no/such/path', json, long, 404],
    ['/mcp', { ...json, origin: 'https://other.example' }, long, 403],
    ['/mcp', { ...json, host: 'other.example' }, long, 403],
    ['/mcp', { 'content-type': 'text/plain' }, long, 415],
    ['/sse', json, long, 405],
    ['/mcp', json, '{', 400],
    ['/mcp', json, long, 400],
    ['/mcp', { ...json, 'mcp-session-id': 'x' }, JSON.stringify(PING), 404],
    ['/mcp', json, 'x'.repeat(150_000), 413],
  ] as const) {
    assert.equal(await ask(path, headers, sent), status, path);
    assert.equal(await ask('/mcp', json, body), 200, `after ${status} on ${path}`);
  }
});

test('requests sent one after another without waiting are answered in their order', async () => {
  const session = await RawSession.open(port);
  const ping = (id: number, more = ''): string => {
    const body = JSON.stringify({ jsonrpc: '2.0', id, method: 'ping' });
    const head = `POST /mcp HTTP/1.1\r\nHost: localhost\r\n${JSON_TYPE}\r\nMcp-Session-Id: ${session.id}`;
    return `${head}\r\n${more}Content-Length: ${body.length}\r\n\r\n${body}`;
  };
  const raw = await speak(port, ping(1) + ping(2) + ping(3, 'Connection: close\r\n'));
  const ids = [...raw.matchAll(/"id":(\d)/gu)].map(([, id]) => Number(id));
  assert.deepEqual(ids, [1, 2, 3]);
});

test('a client that waits to be told to send its body is told, unless the body is too large', async () => {
  const post = (length: number, body: string): Promise<string> => {
    const lines = `Host: localhost\r\n${JSON_TYPE}\r\nExpect: 100-continue\r\nConnection: close`;
    return speak(
      port,
      `POST /mcp HTTP/1.1\r\n${lines}\r\nContent-Length: ${length}\r\n\r\n${body}`,
    );
  };
  const body = JSON.stringify(initializeBody());
  assert.match(await post(body.length, body), /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK/u);
  assert.match(await post(99_999_999, ''), /HTTP\/1\.1 413 .*BODY_TOO_LARGE/su);
});

test('a page of a loopback origin may ask before it calls (CORS)', async () => {
  const headers = {
    origin: 'http://localhost:6274',
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'content-type, mcp-session-id, mcp-protocol-version',
  };
  const got = await send(port, { method: 'OPTIONS', headers });
  assert.deepEqual([got.status, got.text], [204, '']);
  assert.equal(got.headers['access-control-allow-origin'], 'http://localhost:6274');
  assert.match(String(got.headers['access-control-allow-methods']), /POST/u);
  assert.match(String(got.headers['access-control-allow-methods']), /DELETE/u);
  assert.equal(
    got.headers['access-control-allow-headers'],
    'content-type, mcp-session-id, mcp-protocol-version',
  );
  assert.equal(got.headers['access-control-allow-credentials'], undefined);
});

test('a page of a loopback origin may read answers, refusals and the session id (CORS)', async () => {
  const headers = { origin: 'http://127.0.0.1:5173' };
  for (const body of [initializeBody(), PING, '{']) {
    const got = await send(port, { headers, body });
    assert.equal(got.headers['access-control-allow-origin'], 'http://127.0.0.1:5173', got.text);
    assert.match(String(got.headers['access-control-expose-headers']), /mcp-session-id/u);
    assert.match(String(got.headers['vary']), /origin/iu);
  }
});

test('an answer to no page carries no CORS headers', async () => {
  const got = await send(port, { body: initializeBody() });
  assert.deepEqual(
    Object.keys(got.headers).filter((name) => name.startsWith('access-control')),
    [],
  );
});

test('an origin in server.allowedOrigins may call, and no other (R18)', async (t) => {
  const app = 'server:\n  allowedOrigins: [https://app.example.com]\n';
  const gateway = await startRaw({ app, servers: {} });
  t.after(() => gateway.stop());
  const from = (origin: string) =>
    send(gateway.port, { headers: { origin }, body: initializeBody() });
  assert.equal((await from('https://app.example.com')).status, 200);
  assertRefused(await from('https://other.example.com'), 403, -32600, 'ORIGIN_REFUSED');
});
