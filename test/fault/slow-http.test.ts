import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import test from 'node:test';
import { FaultScene } from '../support/fault-scene.ts';
import { EVENTS, eventOf, textResult, type Fault } from '../support/faulty-remote.ts';
import { echoServer, TestGateway } from '../support/gateway.ts';
import { RawSession, textOf } from '../support/gateway-session.ts';
import { eventually } from '../support/processes.ts';

/** Writes a text byte by byte on the socket itself. */
const dribble =
  (text: string): Fault =>
  ({ response }) => {
    const { socket } = response;
    let sent = 0;
    const timer = setInterval(() => {
      socket?.write(text.charAt(sent % text.length));
      sent += 1;
    }, 50).unref();
    socket?.on('close', () => clearInterval(timer));
  };

const HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99999\r\n\r\n';
const SLOW: Readonly<Record<string, Fault>> = {
  'sends its headers byte by byte': dribble(HEAD.replace('\r\n\r\n', `\r\nx: ${'y'.repeat(999)}`)),
  'sends its body byte by byte': (incoming) => {
    incoming.response.socket?.write(HEAD);
    dribble(' ')(incoming);
  },
  'never answers': () => undefined,
  'begins a stream and is silent': ({ response }) => response.writeHead(200, EVENTS).flushHeaders(),
};

test('a server that is too slow in whatever way costs its callers no more than callTimeoutMs, and keeps no place and no connection', async (t) => {
  const entry = { callTimeoutMs: 700, listTimeoutMs: 700, maxConnections: 2, breakAfter: 0 };
  const scenes = await FaultScene.startAll(t, { entry });
  await Promise.all(
    scenes.map(async (scene) => {
      for (const fault of Object.values(SLOW)) {
        scene.remote.onCall = fault;
        const answers = await Promise.all(Array.from({ length: 4 }, () => scene.call()));
        // Two have the connections, the others wait for one until their time is over too.
        const refusals = answers.map(({ error }) => String(error?.data?.['refusal'])).toSorted();
        assert.match(refusals.join(' '), /^(?:UPSTREAM_BUSY ){0,2}(?:UPSTREAM_TIMEOUT ?){2,4}$/u);
        scene.remote.onCall = undefined;
        await scene.assertWell();
      }
      await scene.assertNothingLeft();
    }),
  );
});

test('a server that never answers what needs no answer is served on, and such requests do not pile up', async (t) => {
  const entry = { callTimeoutMs: 700, listTimeoutMs: 700 };
  const scenes = await FaultScene.startAll(t, { entry }, ['legacy HTTP', 'HTTP+SSE']);
  await Promise.all(
    scenes.map(async (scene) => {
      scene.remote.onRequest = ({ request, id }) => request.method === 'POST' && id === undefined;
      scene.remote.onCall = () => undefined;
      // Each of these is cancelled at the server, which is told by a notification.
      const lost = await Promise.all(Array.from({ length: 10 }, () => scene.call()));
      for (const { error } of lost) assert.equal(error?.data?.['refusal'], 'UPSTREAM_TIMEOUT');
      scene.remote.onCall = undefined;
      await scene.untilWell();
      await scene.assertNothingLeft();
    }),
  );
});

test('an answer that is slow but comes in time is an answer', async (t) => {
  const scene = await FaultScene.start(t);
  scene.remote.onCall = ({ response, id }) => {
    response.writeHead(200, EVENTS);
    const text = eventOf({ id, result: textResult('at last \u2603') });
    const bytes = [...Buffer.from(text)];
    const timer = setInterval(() => {
      const byte = bytes.shift();
      if (byte !== undefined) response.write(Buffer.from([byte]));
      else clearInterval(timer);
    }, 3);
  };
  assert.equal(textOf(await scene.call()), 'at last \u2603');
  scene.remote.onCall = undefined;
  await scene.assertNothingLeft();
});

test('a server that takes connections and is silent has failed, keeps nobody waiting, and holds few connections', async (t) => {
  const sockets = new Set<Socket>();
  const silent = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    socket.resume();
  }).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  t.after(() => {
    silent.close();
    for (const socket of sockets) socket.destroy();
  });
  const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/mcp`;
  const gateway = await TestGateway.start(t, {
    servers: { plain: { url }, old: { url, type: 'sse' }, near: echoServer() },
    app: { upstreams: { restartMinMs: 50, restartMaxMs: 100, connectTimeoutMs: 300 } },
  });
  await gateway.whenReady('near');
  const session = await RawSession.open(gateway.url);
  for (const name of ['plain', 'old']) {
    const { reason } = await gateway.whenServer(name, ({ phase }) => phase === 'failed');
    assert.match(reason ?? '', /within 300 ms/u);
  }
  assert.match(textOf(await session.call('near__echo', { text: 'well' })), /^well/u);
  let attempts = 0;
  silent.on('connection', () => (attempts += 1));
  await eventually('it was tried again', 15_000, () => attempts >= 10);
  assert.ok(sockets.size <= 4, `${sockets.size} connections`);
});
