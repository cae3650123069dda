import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import test, { after, type TestContext } from 'node:test';
import { eventually, ON_LINUX } from '../support/processes.ts';
import { modernSent, RawSession } from '../support/raw-clients.ts';
import { startRaw } from '../support/raw-gateway.ts';
import { send } from '../support/raw-http.ts';

/** Clients that send a byte a second are served when they are done in time, and told so when not; they take no place of others. */

const RECEIVE_MS = 3000;
const SLOW_CLIENTS = 100;
const { port, pid, stop } = await startRaw({
  app: JSON.stringify({ server: { receiveTimeoutMs: RECEIVE_MS, maxInFlight: 10 } }),
});
after(() => stop());

const HEAD = 'POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';

interface Slow {
  readonly socket: Socket;
  /** What the gateway has sent it. */
  got(): string;
  isGone(): boolean;
}

/** Sends at once what comes first, and the rest byte by byte. */
async function slow(
  t: TestContext,
  { first, rest, everyMs }: { first: string; rest: string; everyMs: number },
): Promise<Slow> {
  const socket = connect(port, '127.0.0.1');
  let [got, isGone, sent] = ['', false, 0];
  socket.on('data', (chunk: Buffer) => (got += chunk.toString()));
  socket.on('error', () => undefined);
  socket.on('close', () => (isGone = true));
  await once(socket, 'connect');
  socket.write(first);
  const timer = setInterval(() => {
    if (sent < rest.length && socket.writable) socket.write(rest[sent] ?? '');
    sent += 1;
  }, everyMs);
  t.after(() => {
    clearInterval(timer);
    socket.destroy();
  });
  return { socket, got: () => got, isGone: () => isGone };
}

function openSockets(): number {
  return readdirSync(`/proc/${pid}/fd`).filter((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith('socket:');
    } catch {
      return false;
    }
  }).length;
}

async function assertServed(): Promise<void> {
  const session = await RawSession.open(port);
  assert.equal((await session.call('it__fixture_echo')).error, undefined);
}

async function assertTimedOut(clients: readonly Slow[]): Promise<void> {
  await eventually('all were given up', 5 * RECEIVE_MS, () =>
    clients.every(({ isGone }) => isGone()),
  );
  for (const { got } of clients) {
    assert.match(got(), /^HTTP\/1\.1 408 Request Timeout\r\n/u);
    assert.match(got(), /"refusal":"RECEIVE_TIMEOUT"/u);
    assert.match(got(), /server\.receiveTimeoutMs/u);
  }
}

test(
  'heads and bodies that come a byte a second are given up after server.receiveTimeoutMs; more of them than there are places keep nobody from being served',
  ON_LINUX,
  async (t) => {
    await assertServed();
    const idle = openSockets() + 2;
    const clients = await Promise.all(
      Array.from({ length: SLOW_CLIENTS }, (_, index) =>
        slow(t, {
          first: index % 2 === 0 ? `${HEAD}Content-Length: 1000\r\n\r\n` : HEAD,
          rest: 'x'.repeat(1000),
          everyMs: 1000,
        }),
      ),
    );
    await assertServed();
    await assertTimedOut(clients);
    await eventually('nothing was left', 5000, () => openSockets() <= idle);
    await assertServed();
  },
);

test('a request that comes byte by byte, but in time, is answered', async (t) => {
  const { headers = {}, body } = modernSent('server/discover');
  const text = JSON.stringify(body);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${String(value)}\r\n`);
  const first = `${HEAD}${lines.join('')}Content-Length: ${text.length}\r\n\r\n${text.slice(0, -20)}`;
  const { got } = await slow(t, { first, rest: text.slice(-20), everyMs: 50 });
  await eventually('it was answered', 10_000, () => got().includes('"supportedVersions"'));
});

test('a connection that never says a word is closed after server.receiveTimeoutMs', async (t) => {
  const client = await slow(t, { first: '', rest: '', everyMs: 1000 });
  await eventually('it was closed', 5 * RECEIVE_MS, () => client.isGone());
  assert.equal((await send(port, { method: 'GET', path: '/healthcheck' })).status, 200);
});
