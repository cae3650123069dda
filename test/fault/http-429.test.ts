import assert from 'node:assert/strict';
import test from 'node:test';
import { FaultScene } from '../support/fault-scene.ts';
import type { Fault } from '../support/faulty-remote.ts';
import { eventually } from '../support/processes.ts';

const refusing =
  (headers: Record<string, string>): Fault =>
  ({ response }) =>
    response.writeHead(429, headers).end('slow down');

test('a call that a server does not take because there are too many is UPSTREAM_BUSY, and the caller is told when to try again', async (t) => {
  const scenes = await FaultScene.startAll(t);
  await Promise.all(
    scenes.map(async (scene) => {
      const date = 'Wed, 21 Oct 2026 07:28:00 GMT';
      const wishes: [Record<string, string>, number | undefined, RegExp][] = [
        [{ 'retry-after': '7' }, 7_000, /HTTP 429.*Try again in 7 s/u],
        [{ 'retry-after': 'Wed, 21 Oct 2026 07:28:30 GMT', date }, 30_000, /in 30 s/u],
        [{ 'retry-after': 'Wed, 21 Oct 2026 07:27:30 GMT', date }, 0, /in 0 s/u],
        [{ 'retry-after': '99999999999' }, 3_600_000, /in 3600 s/u],
        [{ 'retry-after': 'soon' }, undefined, /Try again later/u],
        [{}, undefined, /Try again later/u],
      ];
      for (const [headers, retryAfterMs, said] of wishes) {
        const { error } = await scene.assertFault(refusing(headers), 'UPSTREAM_BUSY', said);
        assert.equal(error?.data?.['retryAfterMs'], retryAfterMs, JSON.stringify(headers));
      }
      const { phase, restarts } = await scene.gateway.server(scene.name);
      assert.deepEqual([phase, restarts], ['ready', 0]);
      await scene.assertNothingLeft();
    }),
  );
});

test('a server in maintenance that says when it is back has that passed on', async (t) => {
  const scene = await FaultScene.start(t);
  const { error } = await scene.assertFault(
    ({ response }) => response.writeHead(503, { 'retry-after': '3' }).end(),
    'UPSTREAM_LOST',
    /HTTP 503/u,
  );
  assert.equal(error?.data?.['retryAfterMs'], 3_000);
});

test('a server that is to be left alone is not asked sooner to let the gateway in, and is not taken for a legacy one', async (t) => {
  const scene = await FaultScene.start(t, { kind: 'modern HTTP' });
  const { remote, gateway, name } = scene;
  const asked: number[] = [];
  const waitMs = 2_000;
  remote.onRequest = (incoming) => {
    asked.push(performance.now());
    return refusing({ 'retry-after': '2' })(incoming);
  };
  const count = remote.seen.length;
  await gateway.configure({ [name]: remote.entry({ listTimeoutMs: 4_000 }) });
  await gateway.whenServer(
    name,
    ({ phase, reason }) => phase === 'failed' && /429/u.test(reason ?? ''),
  );
  await eventually('it was asked twice', 10_000, () => asked.length >= 2);
  const [first = 0, second = 0] = asked;
  assert.ok(second - first >= waitMs - 50, `asked again after ${second - first} ms`);
  remote.onRequest = undefined;
  await gateway.whenReady(name);
  await scene.assertWell();
  const methods = remote.seen.slice(count).map(({ method }) => method);
  assert.ok(!methods.includes('initialize'), methods.join(' '));
  assert.equal((await gateway.server(name)).era, 'modern');
});
