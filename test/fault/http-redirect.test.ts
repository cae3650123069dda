import assert from 'node:assert/strict';
import test from 'node:test';
import { FaultScene } from '../support/fault-scene.ts';
import { FaultyRemote } from '../support/faulty-remote.ts';

const STATUSES = [301, 302, 303, 307, 308];

test('no redirect is followed, wherever it leads: the call is refused, and its credentials go to no other origin', async (t) => {
  const scenes = await FaultScene.startAll(t);
  const other = await FaultyRemote.listen(t);
  await Promise.all(
    scenes.map(async (scene) => {
      // Another origin, the same, in circles, and nowhere.
      for (const location of [other.url, '/elsewhere', '/mcp', 'http://[::1', undefined])
        for (const status of STATUSES) {
          const before = scene.remote.calls;
          await scene.assertFault(
            ({ response }) =>
              response.writeHead(status, location === undefined ? {} : { location }).end(),
            'UPSTREAM_LOST',
            new RegExp(`HTTP ${status}, a redirect, which is not followed`, 'u'),
          );
          assert.equal(scene.remote.calls - before, 2, 'the call, and the one after it');
        }
      assert.ok(scene.remote.seen.every(({ request }) => request.url !== '/elsewhere'));
      await scene.assertNothingLeft();
    }),
  );
  assert.deepEqual(other.seen, []);
});

test('a server that has moved has failed; the operator reads where to, without what may be secret, and mends its url', async (t) => {
  const other = await FaultyRemote.listen(t);
  const scenes = await FaultScene.startAll(t);
  const [{ gateway }] = scenes as [FaultScene];
  for (const { remote } of scenes)
    remote.onRequest = ({ response }) =>
      response.writeHead(308, { location: `http://u:pw@127.0.0.1:${other.port}/mcp?t=hush` }).end();
  await gateway.configure(
    Object.fromEntries(
      scenes.map(({ name, remote }) => [name, remote.entry({ listTimeoutMs: 4_000 })]),
    ),
  );
  for (const { name } of scenes) {
    const { reason = '' } = await gateway.whenServer(name, ({ phase }) => phase === 'failed');
    assert.match(reason, /HTTP 308, a redirect.*"url"/u);
    assert.ok(reason.includes(`http://127.0.0.1:${other.port}/mcp:`), reason);
    assert.doesNotMatch(reason, /hush|pw@/u);
  }
  assert.doesNotMatch(gateway.output(), /hush|pw@/u);
  assert.deepEqual(other.seen, []);
  const [scene] = scenes as [FaultScene];
  await gateway.configure({ [scene.name]: other.entry() });
  await gateway.whenReady(scene.name);
  await scene.assertWell();
});
