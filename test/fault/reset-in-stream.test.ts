import assert from 'node:assert/strict';
import test from 'node:test';
import { FaultScene, PROMPT_MS } from '../support/fault-scene.ts';
import { EVENTS, eventOf, textResult, type Fault } from '../support/faulty-remote.ts';
import { textOf } from '../support/gateway-session.ts';

const LOG = { method: 'notifications/message', params: { level: 'info', data: 'half-way' } };
const JSON_HEAD = { 'content-type': 'application/json', 'content-length': '1000' };

/** Writes this and resets the connection once it has gone out. */
const breaking =
  (head: Record<string, string>, text: string): Fault =>
  ({ response }) => {
    response.writeHead(200, head);
    response.write(text, () => setTimeout(() => response.socket?.resetAndDestroy(), 50));
  };

test('a connection that is reset in the middle of an answer loses that call alone', async (t) => {
  const scenes = await FaultScene.startAll(t, {}, ['legacy HTTP', 'modern HTTP']);
  const breaks = {
    'before any byte': (({ response }) => response.socket?.resetAndDestroy()) satisfies Fault,
    'in JSON': breaking(JSON_HEAD, '{"jsonrpc":"2.0","id":'),
    'in a stream, before any event': breaking(EVENTS, ''),
    'in a stream, in an event': breaking(EVENTS, 'data: {"jsonrpc":"2.0","id"'),
    'in a stream, after an event without id': breaking(EVENTS, eventOf(LOG)),
    // Without a session there is nothing to resume in (spec 2025-11-25, "Resumability and Redelivery").
    'in a stream, after an event with an id': breaking(EVENTS, eventOf(LOG, 'one')),
  };
  await Promise.all(
    scenes.map(async (scene) => {
      for (const [how, fault] of Object.entries(breaks)) {
        const before = scene.remote.calls;
        await scene.assertFault(fault, 'UPSTREAM_LOST', /broke the connection/u);
        assert.equal(scene.remote.calls - before, 2, `${how}: a call was sent twice`);
      }
      await scene.assertNothingLeft();
    }),
  );
});

test('an HTTP+SSE server whose stream is reset loses the calls in flight, and serves the next ones over another', async (t) => {
  const scene = await FaultScene.start(t, { kind: 'HTTP+SSE' });
  await scene.assertFault(
    ({ response, stream }) => {
      response.writeHead(202).end();
      stream?.write('event: message\ndata: {"jsonrpc"', () => stream.socket?.resetAndDestroy());
    },
    'UPSTREAM_LOST',
    /broke the connection|ended its stream/u,
  );
  await scene.assertNothingLeft();
});

const SESSIONS = { remote: { hasSessions: true } };

/** Gives events ids and breaks off; what a stream is taken up with is in the test's hands. */
function interrupted(scene: FaultScene, eventId: string, retryMs: number): { callId: number } {
  const call = { callId: 0 };
  scene.remote.onCall = (incoming) => {
    call.callId = incoming.id ?? 0;
    breaking(EVENTS, `retry: ${retryMs}\n${eventOf(LOG, eventId)}`)(incoming);
  };
  return call;
}

for (const eventId of ['one', 'Ereignis-\u00fc', '\u2603/\u{1f600}'])
  test(`a stream that breaks after an event with the id ${eventId} is taken up where it broke, and its call runs once`, async (t) => {
    const scene = await FaultScene.start(t, SESSIONS);
    const call = interrupted(scene, eventId, 50);
    const resumed: (string | undefined)[] = [];
    scene.remote.onRequest = ({ request, response }) => {
      const from = request.headers['last-event-id'];
      if (request.method !== 'GET' || from === undefined) return false;
      resumed.push(Buffer.from(String(from), 'latin1').toString('utf8'));
      return response
        .writeHead(200, EVENTS)
        .end(eventOf({ id: call.callId, result: textResult('after all') }, 'two'));
    };
    assert.equal(textOf(await scene.call()), 'after all');
    assert.deepEqual(resumed, [eventId]);
    assert.equal(scene.remote.calls, 1);
    await scene.assertNothingLeft();
  });

const REFUSALS: Readonly<Record<string, Fault>> = {
  'is refused with 405': ({ response }) => response.writeHead(405).end(),
  'is refused with 404, the session being gone': ({ response }) => response.writeHead(404).end(),
  'is refused with 401': ({ response }) => response.writeHead(401).end(),
  'is answered with a page': ({ response }) =>
    response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Hello</h1>'),
  'breaks at once, each time': ({ response }) => response.socket?.resetAndDestroy(),
  'ends at once, each time': ({ response }) => response.writeHead(200, EVENTS).end('retry: 0\n\n'),
};

test('a stream that cannot be taken up again loses its call, which is not sent again and not asked for without end', async (t) => {
  const scene = await FaultScene.start(t, SESSIONS);
  for (const [how, refusal] of Object.entries(REFUSALS)) {
    const before = { calls: scene.remote.calls, seen: scene.remote.seen.length };
    interrupted(scene, 'one', 0);
    scene.remote.onRequest = (incoming) =>
      incoming.request.headers['last-event-id'] === undefined ? false : refusal(incoming);
    const begin = performance.now();
    const { error } = await scene.call();
    assert.ok(performance.now() - begin < 2 * PROMPT_MS, how);
    const code = error?.data?.['refusal'];
    assert.ok(code === 'UPSTREAM_LOST' || code === 'UPSTREAM_PROTOCOL', `${how}: ${String(code)}`);
    assert.equal(scene.remote.calls - before.calls, 1, how);
    const asked = scene.remote.seen
      .slice(before.seen)
      .filter(({ request }) => request.headers['last-event-id'] !== undefined).length;
    assert.ok(asked >= 1 && asked <= 10, `${how}: asked ${asked} times`);
    scene.remote.onCall = undefined;
    scene.remote.onRequest = undefined;
    await scene.untilWell();
  }
  await scene.assertNothingLeft();
});
