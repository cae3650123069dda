import assert from 'node:assert/strict';
import test from 'node:test';
import { assertRefused, FaultyScene, stdioFaulty } from '../support/stdio-faults.ts';
import { RawSession, textOf } from '../support/gateway-session.ts';
import { ON_LINUX } from '../support/processes.ts';

const HEAP = ['--max-old-space-size=32', '--max-semi-space-size=1'];

test(
  'a server that runs out of memory in a call: all its calls under way are told, its state says what it wrote last, and it is back',
  ON_LINUX,
  async (t) => {
    const scene = await FaultyScene.start(t, { odd: stdioFaulty([], HEAP) });
    const other = await RawSession.open(scene.gateway.url);
    const hung = other.call('odd__hang');
    const greedy = scene.call('odd__eat_memory');
    await scene.assertOthersGoOn();
    for (const answer of await Promise.all([greedy, hung])) {
      assertRefused(
        answer,
        'UPSTREAM_LOST',
        /"odd" was ended by SIG(ABRT|TRAP|ILL|SEGV); tools\/call may or may not have run/u,
      );
      assert.doesNotMatch(
        JSON.stringify(answer),
        /heap/u,
        'what a server wrote itself is for the operator',
      );
    }
    const log = scene.gateway.log('odd').map(({ msg }) => msg);
    assert.ok(
      log.some((msg) => msg.startsWith('stderr:') && msg.includes('heap')),
      log.join('\n'),
    );
    await scene.assertOthersGoOn();
    await scene.assertWorks('odd');
    assert.equal((await scene.gateway.server('odd')).restarts, 1);
    await scene.assertNothingLeft();
  },
);

test(
  'a server that the kernel ends for its memory, by SIGKILL, is told of as such, and is back',
  ON_LINUX,
  async (t) => {
    const scene = await FaultyScene.start(t, { odd: stdioFaulty() });
    const pid = Number(textOf(await scene.call('odd__pid')));
    const hung = scene.call('odd__hang');
    // In the same pipe after it: once this is answered, the other has been read.
    const other = await RawSession.open(scene.gateway.url);
    assert.equal(textOf(await other.call('odd__echo', { text: 'read' })), 'read');
    process.kill(pid, 'SIGKILL');
    assertRefused(
      await hung,
      'UPSTREAM_LOST',
      /"odd" was ended by SIGKILL; tools\/call may or may not have run/u,
    );
    await scene.assertOthersGoOn();
    await scene.assertWorks('odd');
    await scene.assertNothingLeft();
  },
);
