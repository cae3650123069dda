import assert from 'node:assert/strict';
import test from 'node:test';
import { FaultScene } from '../support/fault-scene.ts';

test('a server that answers calls with HTTP 500 loses those calls alone, and its page reaches no client', async (t) => {
  const scenes = await FaultScene.startAll(t);
  const shown = /Oops|line 42/u;
  await Promise.all(
    scenes.map(async (scene) => {
      for (const status of [500, 503, 599]) {
        const answer = await scene.assertFault(
          ({ response, request }) =>
            response
              .writeHead(status, { 'content-type': 'text/html' })
              .end(`<h1>Oops</h1> with ${request.headers.authorization} at line 42`),
          'UPSTREAM_LOST',
          new RegExp(`HTTP ${status}`, 'u'),
        );
        assert.doesNotMatch(JSON.stringify(answer), shown);
      }
      const { phase, restarts } = await scene.gateway.server(scene.name);
      assert.deepEqual([phase, restarts], ['ready', 0]);
      await scene.assertNothingLeft();
    }),
  );
});

test('an error page may be endless: the caller is told in time, and no connection stays behind', async (t) => {
  const scenes = await FaultScene.startAll(t);
  await Promise.all(
    scenes.map(async (scene) => {
      await scene.assertFault(
        ({ response }) => response.writeHead(500).write('the beginning of a page'),
        'UPSTREAM_LOST',
        /HTTP 500/u,
      );
      await scene.assertFault(
        ({ response }) => {
          const more = (): void => {
            while (!response.destroyed && response.write('x'.repeat(65_536)));
          };
          response.writeHead(500).on('drain', more);
          more();
        },
        'UPSTREAM_LOST',
        /HTTP 500/u,
      );
      await scene.assertNothingLeft();
    }),
  );
});

test('a server that answers everything with HTTP 500 from the start has failed, the operator reads why, and it is back when it is well', async (t) => {
  const scene = await FaultScene.start(t);
  scene.remote.onRequest = ({ response }) => response.writeHead(500).end('the disk is full');
  await scene.assertRefused('UPSTREAM_LOST', /HTTP 500/u);
  // An entry that has changed is started anew.
  await scene.gateway.configure({ [scene.name]: scene.remote.entry({ callTimeoutMs: 5_000 }) });
  const { reason } = await scene.gateway.whenServer(scene.name, ({ phase }) => phase === 'failed');
  assert.match(reason ?? '', /HTTP 500; the disk is full/u);
  scene.remote.onRequest = undefined;
  await scene.gateway.whenReady(scene.name);
  await scene.assertWell();
});
