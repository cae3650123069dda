import assert from 'node:assert/strict';
import test from 'node:test';
import { assertRefused, FaultyScene, stdioFaulty } from '../support/stdio-faults.ts';
import { RawSession, textOf } from '../support/gateway-session.ts';
import {
  eventually,
  isRunning,
  ON_LINUX,
  processOf,
  type ProcessInfo,
} from '../support/processes.ts';

async function processIn(scene: FaultyScene): Promise<ProcessInfo> {
  const found = processOf(Number(textOf(await scene.call('odd__pid'))));
  assert.ok(found);
  return found;
}

test(
  'a server that closes its standard output and lives on is ended; every call under way is told so at once',
  ON_LINUX,
  async (t) => {
    const scene = await FaultyScene.start(t, { odd: stdioFaulty() });
    const mute = await processIn(scene);
    const other = await RawSession.open(scene.gateway.url);
    const hung = other.call('odd__hang');
    const begin = performance.now();
    for (const answer of await Promise.all([scene.call('odd__close_stdout'), hung]))
      assertRefused(
        answer,
        'UPSTREAM_LOST',
        /"odd" closed its output; tools\/call may or may not have run/u,
      );
    assert.ok(performance.now() - begin < 3_000, 'told late');
    await scene.assertOthersGoOn();
    await scene.assertWorks('odd');
    await eventually('the mute process was gone', 10_000, () => !isRunning(mute));
    await scene.assertNothingLeft();
  },
);

test(
  'a server that closes its standard input and lives on is ended with the first call it cannot read, and replaced',
  ON_LINUX,
  async (t) => {
    const scene = await FaultyScene.start(t, { odd: stdioFaulty() });
    const deaf = await processIn(scene);
    assert.equal(textOf(await scene.call('odd__close_stdin')), 'deaf');
    const begin = performance.now();
    const answer = await scene.call('odd__echo', { text: 'unheard' });
    assertRefused(answer, 'UPSTREAM_LOST', /"odd" closed its input/u);
    assert.ok(performance.now() - begin < 3_000, 'told late');
    await scene.assertOthersGoOn();
    await scene.assertWorks('odd');
    await eventually('the deaf process was gone', 10_000, () => !isRunning(deaf));
    assert.equal((await scene.gateway.server('odd')).restarts, 1);
    await scene.assertNothingLeft();
  },
);

test(
  'a server that closes its standard input while nobody calls is found out by a ping, and replaced before the next call',
  ON_LINUX,
  async (t) => {
    const odd = { ...stdioFaulty(), pingIntervalMs: 200 };
    const scene = await FaultyScene.start(t, { odd });
    assert.equal(textOf(await scene.call('odd__close_stdin')), 'deaf');
    await scene.gateway.whenServer(
      'odd',
      ({ phase, restarts }) => phase === 'ready' && restarts === 1,
    );
    await scene.assertWorks('odd');
  },
);

test('a server that closes its standard error goes on as before', ON_LINUX, async (t) => {
  const scene = await FaultyScene.start(t, { odd: stdioFaulty() });
  assert.equal(textOf(await scene.call('odd__close_stderr')), 'without standard error');
  await scene.assertWorks('odd');
  assert.equal((await scene.gateway.server('odd')).restarts, 0);
});
