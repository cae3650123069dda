import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import test, { type TestContext } from 'node:test';
import { eventually } from '../support/processes.ts';
import { initializeBody, modernSent, RawSession } from '../support/raw-clients.ts';
import { EventReader } from '../support/raw-events.ts';
import { startRaw, type RawGateway } from '../support/raw-gateway.ts';
import { rpcOf, send, type Got } from '../support/raw-http.ts';

/** More than the gateway may have to do at once is refused at once, says so, and hides from nobody that the gateway is well. */

const MAX = 8;

async function start(t: TestContext, app: object, servers?: {}): Promise<RawGateway> {
  const gateway = await startRaw({
    app: JSON.stringify(app),
    env: { ENABLE_METRICS: 'true' },
    ...(servers === undefined ? {} : { servers }),
  });
  t.after(() => gateway.stop());
  return gateway;
}

function assertOverloaded(got: Got): void {
  assert.equal(got.status, 503, got.text);
  assert.equal(got.headers['retry-after'], '1');
  const { error } = rpcOf(got);
  assert.equal(error?.code, 1521);
  assert.equal(error.data?.['refusal'], 'OVERLOADED');
}

/** Begins calls that stay open until they are cancelled; resolves when the server has them. */
async function hold(
  session: RawSession,
  count: number,
): Promise<{ ids: number[]; done: Promise<unknown> }> {
  const params = { name: 'it__fixture_slow', arguments: { ms: 60_000 } };
  const bodies = Array.from({ length: count }, () => session.body('tools/call', params));
  const done = Promise.all(bodies.map((body) => session.post(body).catch(() => undefined)));
  return { ids: bodies.map(({ id }) => id), done };
}

async function release(session: RawSession, ids: readonly number[]): Promise<void> {
  for (const requestId of ids) await session.notify('notifications/cancelled', { requestId });
}

test('beyond server.maxInFlight calls are refused with OVERLOADED while health and metrics answer, and what is held can be cancelled', async (t) => {
  const gateway = await start(t, { server: { maxInFlight: MAX }, sse: { afterMs: 0 } });
  const { port } = gateway;
  const session = await RawSession.open(port);
  const other = await RawSession.open(port);
  const { ids, done } = await hold(session, MAX);
  const ping = (): Promise<Got> => other.post(other.body('ping'));
  await eventually('the gateway was full', 10_000, async () => (await ping()).status === 503);
  const flood = Promise.all(Array.from({ length: 200 }, ping));
  for (let count = 0; count < 20; count += 1) {
    const health = await send(port, { method: 'GET', path: '/healthcheck' });
    assert.deepEqual([health.status, health.text], [200, '{"status":"OK"}']);
    assert.equal((await send(port, { method: 'GET', path: '/metrics' })).status, 200);
  }
  for (const got of await flood) assertOverloaded(got);
  // Nobody has to be proven, and nothing is read, to be told so.
  assertOverloaded(await send(port, { body: initializeBody() }));
  assertOverloaded(await send(port, modernSent('tools/list')));
  // Who has a call under way is read, for it may cancel it; what it asks besides is refused all the same.
  assertOverloaded(await session.post(session.body('ping')));
  await release(session, ids);
  await done;
  assert.equal((await ping()).status, 200, 'when the load is gone all is well');
  assert.equal((await other.call('it__fixture_echo')).error, undefined);
});

test('beyond server.maxInFlight requests of clients on HTTP+SSE are refused too, with their id', async (t) => {
  const { port } = await start(t, { server: { maxInFlight: 1 } });
  const stream = await EventReader.open(port, { method: 'GET', path: '/sse' });
  t.after(() => stream.break());
  const { data: path = '' } = await stream.next(({ event }) => event === 'endpoint');
  const post = (body: object): Promise<Got> =>
    send(port, { path, body: { jsonrpc: '2.0', ...body } });
  await post(initializeBody({ version: '2024-11-05' }));
  await stream.nextMessage(({ id }) => id === 0);
  const args = { name: 'it__fixture_slow', arguments: { ms: 60_000 } };
  assert.equal((await post({ id: 1, method: 'tools/call', params: args })).status, 202);
  // Its own call is under way, so that what it sends is read.
  assert.equal((await post({ id: 2, method: 'ping' })).status, 202);
  const refused = await stream.nextMessage(({ id }) => id === 2);
  assert.equal(refused.error?.code, 1521);
  await post({ method: 'notifications/cancelled', params: { requestId: 1 } });
  await eventually('there was room again', 5000, async () => {
    const session = await RawSession.open(port).catch(() => undefined);
    return session !== undefined && (await session.request('ping')).error === undefined;
  });
});

test('bodies beyond server.maxInFlightBytes together are refused, each alone is taken', async (t) => {
  const { port } = await start(t, { server: { maxInFlightBytes: 100_000 } });
  const session = await RawSession.open(port);
  const open = await stall(t, port, `${HEAD}Content-Length: 90000\r\n\r\n{${'x'.repeat(80_000)}`);
  const text = 'y'.repeat(30_000);
  const echo = (): Promise<Got> =>
    session.post(session.body('tools/call', { name: 'it__fixture_echo', arguments: { text } }));
  await eventually('the bytes were held', 5000, async () => (await echo()).status === 503);
  assertOverloaded(await echo());
  assert.equal((await session.request('ping')).error, undefined, 'what is small has room');
  open.destroy();
  await eventually('the bytes were given back', 5000, async () => (await echo()).status === 200);
});

test('bodies of clients on HTTP+SSE count until they are answered', async (t) => {
  const { port } = await start(t, { server: { maxInFlightBytes: 100_000 } });
  const stream = await EventReader.open(port, { method: 'GET', path: '/sse' });
  t.after(() => stream.break());
  const { data: path = '' } = await stream.next(({ event }) => event === 'endpoint');
  const post = (body: object): Promise<Got> =>
    send(port, { path, body: { jsonrpc: '2.0', ...body } });
  await post(initializeBody({ version: '2024-11-05' }));
  await stream.nextMessage(({ id }) => id === 0);
  const text = 'y'.repeat(30_000);
  const call = (id: number, ms = 60_000): Promise<Got> => {
    const params = { name: 'it__fixture_slow', arguments: { ms, text } };
    return post({ id, method: 'tools/call', params });
  };
  for (const id of [1, 2, 3]) assert.equal((await call(id)).status, 202);
  assertOverloaded(await call(4));
  for (const requestId of [1, 2, 3])
    await post({ method: 'notifications/cancelled', params: { requestId } });
  await eventually(
    'the bytes were given back',
    5000,
    async () => (await call(5, 1)).status === 202,
  );
});

test('on connections beyond server.maxConnections requests are refused and the connection ends, health answers', async (t) => {
  const { port } = await start(t, { server: { maxConnections: 5 } }, {});
  await send(port, { method: 'GET', path: '/healthcheck' });
  const idle = await Promise.all(Array.from({ length: 5 }, () => stall(t, port, '')));
  await eventually('all places were taken', 5000, async () => {
    const got = await send(port, { body: initializeBody() });
    return got.status === 503;
  });
  const refused = await send(port, { body: initializeBody() });
  assertOverloaded(refused);
  assert.equal(refused.headers.connection, 'close');
  assert.equal((await send(port, { method: 'GET', path: '/healthcheck' })).status, 200);
  assert.equal((await send(port, { method: 'GET', path: '/metrics' })).status, 200);
  for (const socket of idle) socket.destroy();
  await eventually('there was room again', 5000, async () => {
    const got = await send(port, { body: initializeBody() });
    return got.status === 200;
  });
});

test('beyond sse.maxStreams no stream opens for anybody, legacy or modern, and calls still go through', async (t) => {
  const { port } = await start(t, { sse: { maxStreams: 2 } }, {});
  const session = await RawSession.open(port);
  const listen = modernSent('subscriptions/listen', { notifications: { toolsListChanged: true } });
  const legacy = await session.listen();
  const modern = await EventReader.open(port, listen);
  await modern.nextMessage(({ method }) => method?.endsWith('acknowledged') === true);
  const other = await RawSession.open(port);
  assertOverloaded(await send(port, { method: 'GET', headers: other.headers }));
  assertOverloaded(await send(port, { method: 'GET', path: '/sse' }));
  assertOverloaded(await send(port, listen));
  assert.equal((await other.request('ping')).error, undefined);
  legacy.break();
  modern.break();
  await eventually('a stream opened again', 5000, async () => {
    const again = await EventReader.open(port, listen);
    t.after(() => again.break());
    return again.status === 200;
  });
});

test('beyond sse.maxStreamsPerPrincipal that caller is refused with LIMITED, others are not', async (t) => {
  const gateway = await start(t, { sse: { maxStreamsPerPrincipal: 1 } }, {});
  const { port } = gateway;
  const session = await RawSession.open(port);
  const stream = await session.listen();
  t.after(() => stream.break());
  const refused = await send(port, { method: 'GET', path: '/sse' });
  assert.equal(refused.status, 429);
  assert.match(rpcOf(refused).error?.message ?? '', /sse\.maxStreamsPerPrincipal/u);
  const tagged = { 'x-lunar-consumer-tag': 'somebody-else' };
  const other = await EventReader.open(port, { method: 'GET', path: '/sse', headers: tagged });
  t.after(() => other.break());
  assert.equal(other.status, 200);
});

const HEAD = 'POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';

async function stall(t: TestContext, port: number, text: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  t.after(() => socket.destroy());
  await once(socket, 'connect');
  if (text !== '') socket.write(text);
  return socket;
}
