import assert from 'node:assert/strict';
import { Agent, request, type IncomingMessage } from 'node:http';
import test, { type TestContext } from 'node:test';
import { connectLegacy } from '../support/gateway-clients.ts';
import { RawSession, textOf } from '../support/gateway-session.ts';
import { fixture, TestGateway, type ServerEntry } from '../support/gateway.ts';
import { descendantsOf, eventually, isRunning, ON_LINUX } from '../support/processes.ts';
import { initializeBody, modernSent } from '../support/raw-clients.ts';
import { EventReader } from '../support/raw-events.ts';
import { begin, rpcOf, send, type Got, type Sent } from '../support/raw-http.ts';

/** A gateway that was told to stop finishes what it began, says no to all else, and tells who listens to come back. */

async function start(
  t: TestContext,
  app: Readonly<Record<string, unknown>> = {},
  servers: Readonly<Record<string, ServerEntry>> = { slow: fixture('legacy') },
): Promise<{ gateway: TestGateway; port: number }> {
  const gateway = await TestGateway.start(t, {
    servers,
    app: { upstreams: { shutdownGraceMs: 300 }, ...app },
  });
  for (const name of Object.keys(servers)) await gateway.whenReady(name);
  return { gateway, port: Number(new URL(gateway.base).port) };
}

async function untilCallRuns(gateway: TestGateway): Promise<void> {
  const watcher = await RawSession.open(gateway.url);
  await eventually('the call was under way', 10_000, async () => {
    const state = textOf(await watcher.call('slow__fixture_state'));
    return (JSON.parse(state) as { callsStarted: number }).callsStarted >= 1;
  });
}

const SLOW = { name: 'slow__fixture_slow', arguments: { ms: 1500 } };

/** Sends over connections that are kept alive. */
function keeping(t: TestContext, port: number): (sent: Sent) => Promise<Got> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  return async ({ method = 'POST', path = '/mcp', headers = {}, body }) => {
    const type = { 'content-type': 'application/json' };
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const outgoing = request(
        { host: '127.0.0.1', port, agent, method, path, headers: { ...type, ...headers } },
        resolve,
      );
      outgoing.on('error', reject);
      outgoing.end(body === undefined ? undefined : JSON.stringify(body));
    });
    let text = '';
    for await (const chunk of response.setEncoding('utf8')) text += String(chunk);
    return { status: response.statusCode ?? 0, headers: response.headers, text };
  };
}

function assertShuttingDown(got: Got): void {
  assert.equal(got.status, 503, got.text);
  assert.equal(rpcOf(got).error?.code, 1520);
  assert.equal(got.headers.connection, 'close');
  assert.equal(got.headers['retry-after'], '1');
}

test('while calls finish, new connections and kept-alive ones are told SHUTTING_DOWN, and health says so', async (t) => {
  const { gateway, port } = await start(t);
  const kept = keeping(t, port);
  assert.equal((await kept(modernSent('tools/list'))).headers.connection, 'keep-alive');
  const call = send(port, modernSent('tools/call', SLOW));
  await untilCallRuns(gateway);
  const ended = gateway.end('SIGTERM');
  const health = (): Promise<Got> => send(port, { method: 'GET', path: '/healthcheck' });
  await eventually('health told it', 5000, async () => (await health()).status === 503);
  assertShuttingDown(await kept(modernSent('tools/list')));
  assertShuttingDown(await send(port, { body: initializeBody() }));
  assertShuttingDown(await send(port, { method: 'GET', path: '/sse' }));
  assert.match((await call).text, /waited 1500 ms/u);
  assert.equal(await ended, 0);
});

test('a call that waits for its user is finished: the answer still reaches it', async (t) => {
  const { gateway } = await start(t);
  const { promise: asked, resolve: wasAsked } = Promise.withResolvers<void>();
  const { promise: told, resolve: tell } = Promise.withResolvers<void>();
  const client = await connectLegacy(t, gateway, 'http', {
    elicit: async () => {
      wasAsked();
      await told;
      return { action: 'accept', content: { username: 'ada', email: 'ada@example.com' } };
    },
  });
  const call = client.call('slow__test_elicitation', { message: 'Who?' });
  await asked;
  const ended = gateway.end('SIGTERM');
  await eventually('it was stopping', 5000, async () => {
    const { status } = await fetch(`${gateway.base}/healthcheck`);
    return status === 503;
  });
  tell();
  assert.match(textOf({ result: await call }), /ada/u);
  assert.equal(await ended, 0);
});

test('a modern request of a client on HTTP+SSE is waited for', async (t) => {
  const { gateway, port } = await start(t);
  const stream = await EventReader.open(port, { method: 'GET', path: '/sse' });
  const { data: path = '' } = await stream.next(({ event }) => event === 'endpoint');
  await send(port, { ...modernSent('tools/call', SLOW, { id: 7 }), path });
  await untilCallRuns(gateway);
  const ended = gateway.end('SIGTERM');
  const { result } = await stream.nextMessage(({ id }) => id === 7);
  assert.equal(textOf({ result }), 'waited 1500 ms');
  await stream.ended;
  assert.equal(await ended, 0);
});

test('open streams of both eras are told when to come back, not all at the same moment, and end in order', async (t) => {
  const { gateway, port } = await start(t, { sse: { retryMs: 400 } }, {});
  const session = await RawSession.open(gateway.url);
  const headers = { 'mcp-session-id': session.id };
  const legacy = await EventReader.open(port, { method: 'GET', headers });
  const old = await EventReader.open(port, { method: 'GET', path: '/sse' });
  const wish = { notifications: { toolsListChanged: true } };
  const modern = await EventReader.open(port, modernSent('subscriptions/listen', wish, { id: 9 }));
  await modern.nextMessage(({ method }) => method?.endsWith('acknowledged') === true);
  const ended = gateway.end('SIGTERM');
  const streams = [legacy, old, modern];
  await Promise.all(streams.map((stream) => stream.ended));
  assert.ok(
    streams.every(({ response }) => response.complete),
    'none was broken off',
  );
  const moments = streams.map(({ events }) => events.at(-1)?.retry ?? 0);
  assert.ok(
    moments.every((ms) => ms >= 400 && ms < 800),
    String(moments),
  );
  assert.equal(new Set(moments).size, 3);
  assert.ok(modern.messages.some(({ id, result }) => id === 9 && result !== undefined));
  assert.equal(await ended, 0);
});

test('an answer that its client has not read to the end yet is not cut short', async (t) => {
  const { gateway, port } = await start(t);
  const params = { name: 'slow__fixture_big', arguments: { bytes: 16_000_000 } };
  const response = await begin(port, modernSent('tools/call', params));
  const ended = gateway.end('SIGTERM');
  await eventually('it was stopping', 5000, async () => {
    const { status } = await send(port, { method: 'GET', path: '/healthcheck' });
    return status === 503;
  });
  let size = 0;
  for await (const chunk of response) size += (chunk as Buffer).length;
  assert.ok(size > 16_000_000);
  assert.ok(response.complete);
  assert.equal(await ended, 0);
});

test(
  'a second SIGTERM a while after the first ends the gateway at once, and nobody is left behind',
  ON_LINUX,
  async (t) => {
    const { gateway, port } = await start(t, { shutdown: { drainMs: 60_000 } });
    const params = { name: 'slow__fixture_slow', arguments: { ms: 60_000 } };
    const call = send(port, modernSent('tools/call', params)).catch(() => 'cut off');
    await untilCallRuns(gateway);
    const before = descendantsOf(gateway.pid);
    process.kill(gateway.pid, 'SIGTERM');
    // Within a second two signals are one: a terminal and npm both pass Ctrl-C on.
    await new Promise((resolve) => setTimeout(resolve, 1100));
    assert.equal(await gateway.end('SIGTERM', 3000), 130);
    assert.equal(await call, 'cut off');
    await eventually('nothing was left', 6000, () => !before.some(isRunning));
  },
);
