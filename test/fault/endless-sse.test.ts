import assert from 'node:assert/strict';
import test from 'node:test';
import { FaultScene, PROMPT_MS } from '../support/fault-scene.ts';
import { EVENTS, eventOf, textResult, type Fault } from '../support/faulty-remote.ts';
import { textOf } from '../support/gateway-session.ts';
import { eventually, ON_LINUX, residentMebibytes } from '../support/processes.ts';

const MIB = 1_048_576;

/** Writes a text for ever, as fast as it is read. */
const endless =
  (head: string, text: string): Fault =>
  ({ response, stream }) => {
    const out = stream ?? response.writeHead(200, EVENTS);
    if (stream !== undefined) response.writeHead(202).end();
    const more = (): void => {
      while (!out.destroyed && out.write(text));
    };
    out.on('drain', more).write(head);
    more();
  };

test('streams that bring the answer and never end keep no place from the next calls, and are let go', async (t) => {
  const scenes = await FaultScene.startAll(t, { entry: { maxConnections: 2 } }, [
    'legacy HTTP',
    'modern HTTP',
  ]);
  await Promise.all(
    scenes.map(async (scene) => {
      scene.remote.onCall = ({ response, id }) =>
        response.writeHead(200, EVENTS).write(eventOf({ id, result: textResult('fine, and') }));
      const begin = performance.now();
      for (let round = 0; round < 4; round += 1) {
        const answers = await Promise.all(Array.from({ length: 4 }, () => scene.call()));
        for (const answer of answers) assert.equal(textOf(answer), 'fine, and');
      }
      assert.ok(performance.now() - begin < PROMPT_MS);
      scene.remote.onCall = undefined;
      await scene.assertWell();
      await scene.assertNothingLeft(2);
    }),
  );
});

test('a stream that brings comments for ever and no answer ends with the time-out of its call', async (t) => {
  const scenes = await FaultScene.startAll(t, { entry: { callTimeoutMs: 700 } }, [
    'legacy HTTP',
    'modern HTTP',
  ]);
  await Promise.all(
    scenes.map(async (scene) => {
      await scene.assertFault(
        ({ response }) => {
          response.writeHead(200, EVENTS);
          const timer = setInterval(() => response.write(': still there\n\n'), 20);
          response.on('close', () => clearInterval(timer));
        },
        'UPSTREAM_TIMEOUT',
        /within 700 ms/u,
      );
      await scene.assertNothingLeft();
    }),
  );
});

test(
  'an event without end is cut off at maxMessageBytes: its caller is told so, and it costs no more memory than that',
  ON_LINUX,
  async (t) => {
    const scenes = await FaultScene.startAll(t, { entry: { maxMessageBytes: 4 * MIB } });
    const [{ gateway }] = scenes as [FaultScene];
    for (const scene of scenes) {
      const before = residentMebibytes(gateway.pid);
      const isSse = scene.remote.kind === 'HTTP+SSE';
      scene.remote.onCall = endless('data: ', 'x'.repeat(65_536));
      // The stream of HTTP+SSE is all there is of the server: with it everything in flight is lost.
      await scene.assertRefused(
        isSse ? 'UPSTREAM_LOST' : 'UPSTREAM_PROTOCOL',
        /more than 4194304 bytes \(maxMessageBytes\)/u,
      );
      scene.remote.onCall = endless('', 'data: many lines\n');
      await scene.assertRefused(
        isSse ? 'UPSTREAM_LOST' : 'UPSTREAM_PROTOCOL',
        /more than 4194304 bytes \(maxMessageBytes\)/u,
        2 * PROMPT_MS,
      );
      scene.remote.onCall = undefined;
      await scene.untilWell();
      const grown = residentMebibytes(gateway.pid) - before;
      assert.ok(grown < 150, `${scene.name}: ${grown} MiB`);
      await scene.assertNothingLeft();
    }
  },
);

test('ten thousand events that are none of ours, and as many that are no message, do not keep the answer away, nor fill the log', async (t) => {
  const scenes = await FaultScene.startAll(t, {}, ['legacy HTTP', 'modern HTTP']);
  for (const scene of scenes) {
    scene.remote.onCall = ({ response, id }) => {
      response.writeHead(200, EVENTS);
      response.write('event: weather\ndata: {"rain":true}\n\n'.repeat(10_000));
      response.write('data: this is no message\n\n'.repeat(10_000));
      response.write('id: 7\n\nretry: 12\n\n: nothing\n\n');
      response.end(eventOf({ id, result: textResult('fine') }));
    };
    for (let round = 0; round < 3; round += 1) await scene.assertWell();
    assert.ok(scene.gateway.log(scene.name).length < 100, 'the log is full of it');
    await scene.assertNothingLeft();
  }
});

test('a server that ends its own stream at once, again and again, is not asked for it without pause', async (t) => {
  const scene = await FaultScene.start(t);
  let asked = 0;
  scene.remote.onRequest = ({ request, response }) => {
    if (request.method !== 'GET') return false;
    asked += 1;
    return response.writeHead(200, EVENTS).end('retry: 0\n\n');
  };
  const { remote, gateway, name } = scene;
  await gateway.configure({ [name]: remote.entry({ listTimeoutMs: 5_000 }) });
  await eventually('it was asked a few times', PROMPT_MS, () => asked > 2);
  const before = asked;
  const begin = performance.now();
  for (let round = 0; round < 20; round += 1) await scene.assertWell();
  await eventually('it was asked again', PROMPT_MS, () => asked > before + 2);
  const seconds = (performance.now() - begin) / 1_000;
  assert.ok(asked - before <= 5 + seconds * 10, `${asked - before} times in ${seconds} s`);
});
