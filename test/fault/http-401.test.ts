import assert from 'node:assert/strict';
import test from 'node:test';
import { FaultScene, PROMPT_MS } from '../support/fault-scene.ts';

test('a server that refuses access to a call is asked whether that holds for the gateway; where it does not, the call alone is refused', async (t) => {
  const scenes = await FaultScene.startAll(t);
  await Promise.all(
    scenes.map(async (scene) => {
      for (const status of [401, 403]) {
        await scene.assertFault(
          ({ response }) => response.writeHead(status).end('not with that'),
          'UPSTREAM_UNAVAILABLE',
          new RegExp(`refused access with HTTP ${status}`, 'u'),
        );
        // Whoever refuses and never ends the answer is not waited for.
        await scene.assertFault(
          ({ response }) => response.writeHead(status).write('not with'),
          'UPSTREAM_UNAVAILABLE',
          new RegExp(`refused access with HTTP ${status}`, 'u'),
        );
      }
      const { phase, restarts } = await scene.gateway.server(scene.name);
      assert.deepEqual([phase, restarts], ['ready', 0]);
      await scene.assertNothingLeft();
    }),
  );
});

test('credentials that end in the middle of a session make the server pending-auth at the first call, and it is back when they are mended by a reload', async (t) => {
  const scenes = await FaultScene.startAll(t);
  for (const { remote } of scenes)
    remote.onRequest = ({ request, response }) => {
      if (request.headers.authorization === 'Bearer the-new-one-0815') return false;
      return response.writeHead(401, { 'www-authenticate': 'Bearer' }).end('expired');
    };
  for (const scene of scenes) {
    await scene.assertRefused('UPSTREAM_UNAVAILABLE', /401/u);
    const { reason } = await scene.gateway.whenServer(
      scene.name,
      ({ phase }) => phase === 'pending-auth',
      PROMPT_MS,
    );
    assert.match(reason ?? '', /401.*"headers"/u);
    await scene.assertRefused('UPSTREAM_UNAVAILABLE', /pending-auth.*401/u);
  }
  const headers = { authorization: 'Bearer the-new-one-0815' };
  const [first] = scenes;
  await first?.gateway.configure(
    Object.fromEntries(scenes.map(({ name, remote }) => [name, remote.entry({ headers })])),
  );
  for (const scene of scenes) {
    await scene.gateway.whenReady(scene.name);
    await scene.assertWell();
    await scene.assertNothingLeft();
  }
});
