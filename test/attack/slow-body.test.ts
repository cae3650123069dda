import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import test, { type TestContext } from 'node:test';
import { modernSent, RawSession } from '../support/raw-clients.ts';
import { eventually } from '../support/raw-eventually.ts';
import { gatewayForFile, startRaw } from '../support/raw-gateway.ts';
import { residentMib } from '../support/raw-memory.ts';
import { send } from '../support/raw-http.ts';

/** Clients that never finish what they begin, or never read what they get, cost nobody else anything. */

const { port, pid } = await gatewayForFile();

const HEAD = 'POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';

/** Connects, writes and leaves it at that. */
function stall(t: TestContext, text: string, at = port): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(at, '127.0.0.1', () => {
      socket.write(text);
      resolve(socket);
    });
    socket.on('error', reject);
    t.after(() => socket.destroy());
  });
}

test('two hundred bodies that never end keep nobody from being served at once', async (t) => {
  const halves = [
    `${HEAD}Content-Length: 1000\r\n\r\n{"jsonrpc"`,
    `${HEAD}Transfer-Encoding: chunked\r\n\r\n5\r\n{"js`,
  ];
  const sockets = await Promise.all(
    Array.from({ length: 200 }, (_, index) => stall(t, halves[index % 2] ?? '')),
  );
  const startedAt = performance.now();
  const session = await RawSession.open(port);
  assert.equal((await session.request('ping')).error, undefined);
  assert.ok(performance.now() - startedAt < 5000);
  for (const socket of sockets) socket.destroy();
  assert.equal((await session.request('ping')).error, undefined);
});

test('headers that never end keep nobody from being served at once', async (t) => {
  await Promise.all(Array.from({ length: 200 }, () => stall(t, 'GET /mcp HTTP/1.1\r\nHost: loc')));
  const session = await RawSession.open(port);
  assert.equal((await session.request('ping')).error, undefined);
});

test('a body that breaks off is no request: nothing of it is run', async (t) => {
  const session = await RawSession.open(port);
  const params = { name: 'it__fixture_add_tool', arguments: { name: 'half' } };
  const { body } = modernSent('tools/call', params);
  const text = JSON.stringify(body);
  const socket = await stall(t, `${HEAD}Content-Length: ${text.length + 1}\r\n\r\n${text}`);
  socket.destroy();
  assert.equal((await session.request('ping')).error, undefined);
  assert.equal((await session.state())['callsStarted'], 0);
});

test('bodies that never end do not keep the gateway from ending within the time calls may take', async (t) => {
  const gateway = await startRaw({ servers: {}, app: 'shutdown:\n  drainMs: 500\n' });
  await stall(t, `${HEAD}Content-Length: 1000\r\n\r\n{`, gateway.port);
  const socket = await stall(t, 'GET /mcp HTTP/1.1\r\n', gateway.port);
  socket.on('error', () => undefined);
  await send(gateway.port, { method: 'GET', path: '/healthcheck' });
  assert.ok((await gateway.stop()) < 4000);
});

test('a client that does not read its answers is cut off before they fill the memory', async (t) => {
  const gateway = await startRaw({ app: 'sse:\n  maxStoredBytes: 1000000\n' });
  t.after(() => gateway.stop());
  const socket = await stall(t, 'GET /sse HTTP/1.1\r\nHost: localhost\r\n\r\n', gateway.port);
  const path = await new Promise<string>((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      const found = /\/messages\?sessionId=[\w-]+/u.exec(chunk.toString());
      if (found === null) return;
      socket.pause();
      resolve(found[0]);
    });
  });
  const post = (body: object) => send(gateway.port, { path, body: { jsonrpc: '2.0', ...body } });
  const params = { protocolVersion: '2024-11-05', capabilities: {} };
  await post({ id: 0, method: 'initialize', params });
  const before = residentMib(gateway.pid);
  const call = { name: 'it__fixture_big', arguments: { bytes: 1_000_000 } };
  await eventually('it is cut off', async () => {
    const { status } = await post({ id: performance.now(), method: 'tools/call', params: call });
    return status === 404;
  });
  assert.ok(residentMib(gateway.pid) - before < 150);
});

test('the gateway is still well', async () => {
  assert.ok(residentMib(pid) < 500);
  const session = await RawSession.open(port);
  assert.equal((await session.call('it__test_simple_text')).error, undefined);
});
