import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { FaultyScene, stdioFaulty } from '../support/stdio-faults.ts';
import { TestGateway } from '../support/gateway.ts';
import { descendantsOf, eventually, ON_LINUX, residentMebibytes } from '../support/processes.ts';

const PAUSES = { restartMinMs: 50, restartMaxMs: 800, probeTimeoutMs: 500 };

function pausesOf(gateway: TestGateway, name: string): number[] {
  return gateway
    .log(name)
    .map(({ msg }) => /next attempt in (\d+) ms/u.exec(msg)?.[1])
    .filter((each) => each !== undefined)
    .map(Number);
}

/** Input, output and error output of a server. */
const PIPES = 3;

test(
  'servers that die again and again, at once or after a while, are tried ever less often, leave nothing behind, and are back when mended',
  ON_LINUX,
  async (t) => {
    const folder = (await TestGateway.prepare(t, { servers: {} })).folder;
    const cure = join(folder, 'cure');
    const sick = (...args: string[]): ReturnType<typeof stdioFaulty> =>
      stdioFaulty(['--healed-by', cure, '--sick', ...args]);
    const servers = {
      aborts: sick('aborts'),
      exits: sick('crashes'),
      lives: sick('crashes', '--after', '250'),
    };
    const names = Object.keys(servers);
    const scene = await FaultyScene.start(t, servers, PAUSES, []);
    const { gateway } = scene;
    await eventually(
      'each had failed seven times',
      30_000,
      () => names.every((name) => pausesOf(gateway, name).length >= 7),
      () => names.map((name) => pausesOf(gateway, name)),
    );
    for (const name of names)
      assert.deepEqual(
        pausesOf(gateway, name).slice(0, 7),
        [50, 100, 200, 400, 800, 800, 800],
        name,
      );
    await scene.assertOthersGoOn();
    const reasons = {
      aborts: /ended by SIGABRT/u,
      exits: /exited with code 4/u,
      lives: /exited with code 4/u,
    };
    for (const [name, reason] of Object.entries(reasons))
      await gateway.whenServer(name, (state) => reason.test(state.reason ?? ''));

    const before = residentMebibytes(gateway.pid);
    const failures = (): number =>
      names.reduce((sum, name) => sum + pausesOf(gateway, name).length, 0);
    const known = failures();
    let most = 0;
    await eventually('they had died ten times more', 30_000, () => {
      most = Math.max(most, descendantsOf(gateway.pid).length);
      return failures() >= known + 10;
    });
    // Each has the one that starts and the one that is just gone, besides the steady server and the watchdog.
    assert.ok(most <= names.length * 2 + 2, `${most} processes at once`);
    assert.ok(residentMebibytes(gateway.pid) - before < 60);

    await writeFile(cure, '');
    for (const name of names) await scene.assertWorks(name);
    await scene.assertOthersGoOn();
    await scene.assertNothingLeft(names.length + 1, names.length * PIPES);
  },
);
