import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import test, { after, type TestContext } from 'node:test';
import { modernRequest, RawSession } from '../support/gateway-session.ts';
import { eventually, ON_LINUX, residentMebibytes } from '../support/processes.ts';
import { modernSent } from '../support/raw-clients.ts';
import { startRaw } from '../support/raw-gateway.ts';
import { begin, type Sent } from '../support/raw-http.ts';

/** A client that asks and never reads is cut off; it takes neither memory nor time from anybody else. */

const MEBIBYTE = 2 ** 20;

/** Most tests share one gateway: each begins and ends with it well. */
const shared = await startRaw({
  app: JSON.stringify({
    server: { stalledMs: 1500 },
    sse: { maxStoredBytes: 24 * MEBIBYTE, afterMs: 1, keepAliveMs: 200 },
  }),
});
after(() => shared.stop());
const { port, pid } = shared;
const url = `http://127.0.0.1:${port}/mcp`;

/** Sends a request and never reads what comes; `isGone` tells whether the gateway has closed the connection. */
async function deaf(
  t: TestContext,
  port: number,
  sent: Sent,
): Promise<{ socket: Socket; isGone(): boolean }> {
  const socket = connect(port, '127.0.0.1');
  t.after(() => socket.destroy());
  let isGone = false;
  socket.on('error', () => (isGone = true));
  socket.on('close', () => (isGone = true));
  await once(socket, 'connect');
  const { method = 'POST', path = '/mcp', headers = {}, body } = sent;
  const text = body === undefined ? '' : JSON.stringify(body);
  const lines = Object.entries({
    ...headers,
    host: 'localhost',
    'content-type': 'application/json',
  });
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  socket.write(
    `${method} ${path} HTTP/1.1\r\n${head}content-length: ${text.length}\r\n\r\n${text}`,
  );
  socket.pause();
  return { socket, isGone: () => isGone };
}

function big(bytes: number): Sent {
  return modernSent('tools/call', { name: 'it__fixture_big', arguments: { bytes } });
}

function openSockets(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).filter((fd) => isSocket(`/proc/${pid}/fd/${fd}`)).length;
}

function isSocket(path: string): boolean {
  try {
    return readlinkSync(path).startsWith('socket:');
  } catch {
    return false;
  }
}

async function assertCutOff(idle: number): Promise<void> {
  await eventually('all were gone', 15_000, () => openSockets(pid) <= idle);
}

async function assertServed(at = url): Promise<void> {
  const answer = await modernRequest(at, 'tools/call', {
    name: 'it__fixture_big',
    arguments: { bytes: 1000 },
  });
  assert.equal(answer.error, undefined);
}

test(
  'answers nobody reads are given up after server.stalledMs, others are served meanwhile, and nothing is left',
  ON_LINUX,
  async (t) => {
    await assertServed();
    // Two more for what this test itself asks.
    const idle = openSockets(pid) + 2;
    const before = residentMebibytes(pid);
    for (let count = 0; count < 6; count += 1) await deaf(t, port, big(8 * MEBIBYTE));
    await assertServed();
    await assertCutOff(idle);
    await assertServed();
    // Six answers of 8 MiB were held for a while at most; what the heap grew by once, it keeps.
    await deaf(t, port, big(8 * MEBIBYTE));
    await assertCutOff(idle);
    assert.ok(residentMebibytes(pid) - before < 300);
    const whole = await modernRequest(url, 'tools/call', {
      name: 'it__fixture_big',
      arguments: { bytes: 8 * MEBIBYTE },
    });
    assert.equal(
      JSON.stringify(whole.result).length > 8 * MEBIBYTE,
      true,
      'who reads gets it whole',
    );
  },
);

test('a client that reads slowly, but reads, is not cut off', async (t) => {
  const bytes = 32 * MEBIBYTE;
  const { socket, isGone } = await deaf(t, port, big(bytes));
  let [size, room] = [0, 0];
  socket.on('data', (chunk: Buffer) => {
    size += chunk.length;
    room -= chunk.length;
    if (room <= 0) socket.pause();
  });
  const begin = performance.now();
  const isWhole = (): boolean => size >= bytes;
  while (!isGone() && !isWhole()) {
    room += 1.5 * MEBIBYTE;
    socket.resume();
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
  assert.ok(size >= 32 * MEBIBYTE, `it got ${size} bytes`);
  assert.ok(performance.now() - begin > 2500);
});

test('beyond server.maxUnreadBytes the client that holds most is cut off at once, the smaller one goes on', async (t) => {
  const app = JSON.stringify({ server: { maxUnreadBytes: 12 * MEBIBYTE } });
  const own = await startRaw({ app });
  t.after(() => own.stop());
  const small = await deaf(t, own.port, big(6 * MEBIBYTE));
  const idle = await deaf(t, own.port, { method: 'GET', path: '/healthcheck' });
  idle.socket.destroy();
  await assertServed(`http://127.0.0.1:${own.port}/mcp`);
  const large = await deaf(t, own.port, big(16 * MEBIBYTE));
  large.socket.resume();
  await eventually('the large one was gone', 10_000, () => large.isGone());
  let size = 0;
  small.socket.on('data', (chunk: Buffer) => (size += chunk.length));
  small.socket.resume();
  await eventually('the small one was whole', 10_000, () => size > 6 * MEBIBYTE);
  assert.equal(small.isGone(), false);
});

test(
  'a legacy stream nobody reads is cut off, and can be taken up again with what is kept',
  ON_LINUX,
  async (t) => {
    const session = await RawSession.open(url);
    const headers = { 'mcp-session-id': session.id, 'mcp-protocol-version': '2025-11-25' };
    const params = { name: 'it__fixture_big', arguments: { bytes: 16 * MEBIBYTE } };
    const body = { jsonrpc: '2.0', id: 5, method: 'tools/call', params };
    const { socket, isGone } = await deaf(t, port, { headers, body });
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      if (text.length < 100_000) text += chunk.toString();
      if (/id: \S+_0\n/u.test(text)) socket.pause();
    });
    socket.resume();
    const id = await eventually(
      'the stream had begun',
      5000,
      () => /id: (\S+_0)\n/u.exec(text)?.[1],
    );
    const during = openSockets(pid);
    // Paused, it cannot tell that it is gone: the gateway can.
    await eventually('it was cut off', 10_000, () => openSockets(pid) < during);
    socket.removeAllListeners('data');
    socket.resume();
    await eventually('it knew', 5000, isGone);
    const resume = { ...headers, 'last-event-id': id };
    const again = await begin(port, { method: 'GET', headers: resume });
    let size = 0;
    for await (const chunk of again) size += (chunk as Buffer).length;
    assert.ok(size > 16 * MEBIBYTE, `it got ${size} bytes`);
  },
);
