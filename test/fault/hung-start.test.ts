import assert from 'node:assert/strict';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { assertRefused, FaultyScene, stdioFaulty } from '../support/stdio-faults.ts';
import { RawSession, textOf } from '../support/gateway-session.ts';
import { TestGateway } from '../support/gateway.ts';
import { descendantsOf, eventually, ON_LINUX } from '../support/processes.ts';

const QUICK = {
  probeTimeoutMs: 300,
  connectTimeoutMs: 400,
  restartMinMs: 100,
  restartMaxMs: 400,
  restartWaitMs: 800,
};

/** Input, output and error output of a server. */
const PIPES = 3;

test(
  'servers that never answer initialize fail with that reason, hold up nobody, pile up no processes, and are up once mended',
  ON_LINUX,
  async (t) => {
    const folder = (await TestGateway.prepare(t, { servers: {} })).folder;
    const cure = join(folder, 'cure');
    const hung = stdioFaulty(['--sick', 'hangs', '--healed-by', cure]);
    // More than start at once: each gives its place to others.
    const names = Array.from({ length: 3 }, (_, index) => `hung${index}`);
    const servers = Object.fromEntries(names.map((name) => [name, hung]));
    const scene = await FaultyScene.start(t, servers, { ...QUICK, startConcurrency: 2 }, []);
    const { gateway } = scene;
    for (const name of names) {
      const { reason } = await gateway.whenServer(name, ({ phase }) => phase === 'failed');
      assert.match(reason ?? '', /did not answer initialize within 400 ms/u);
    }
    await scene.assertOthersGoOn();
    const starts = (): number =>
      gateway.log('hung0').filter(({ msg }) => msg.startsWith('starting:')).length;
    const before = starts();
    let most = 0;
    await eventually('it was started four times more', 20_000, () => {
      most = Math.max(most, descendantsOf(gateway.pid).length);
      return starts() >= before + 4;
    });
    // Each has one process that starts and at most two that are being ended, besides the steady server and the watchdog.
    assert.ok(most <= names.length * 3 + 2, `${most} processes at once`);
    await scene.assertOthersGoOn();
    await writeFile(cure, '');
    for (const name of names) await scene.assertWorks(name);
    await scene.assertNothingLeft(names.length + 1, names.length * PIPES);
  },
);

test(
  'a server that hangs when it is started again: calls wait restartWaitMs, are told why, and its tools are back when it is',
  ON_LINUX,
  async (t) => {
    const folder = (await TestGateway.prepare(t, { servers: {} })).folder;
    const [cure, later] = [join(folder, 'cure'), join(folder, 'later')];
    await writeFile(cure, '');
    const odd = stdioFaulty(['--sick', 'hangs', '--healed-by', cure]);
    const scene = await FaultyScene.start(t, { odd }, { ...QUICK, connectTimeoutMs: 2_500 });
    const pid = Number(textOf(await scene.call('odd__pid')));
    await rename(cure, later);
    process.kill(pid, 'SIGKILL');
    await scene.gateway.whenServer('odd', ({ phase }) => phase === 'starting');
    const begin = performance.now();
    const answer = await scene.call('odd__echo', { text: 'anybody?' });
    const tookMs = performance.now() - begin;
    assertRefused(
      answer,
      'UPSTREAM_UNAVAILABLE',
      /"odd" is starting: is being restarted: it was ended by SIGKILL/u,
    );
    assert.ok(tookMs < 5 * QUICK.restartWaitMs, `refused after ${tookMs} ms`);
    await scene.assertOthersGoOn();
    const other = await RawSession.open(scene.gateway.url);
    assert.ok((await other.tools()).includes('odd__echo'), 'its tools left the list at once');
    await rename(later, cure);
    await scene.assertWorks('odd');
    await scene.assertNothingLeft();
  },
);
