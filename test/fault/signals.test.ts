import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort, ROOT, startNode, stop } from '../support/conformance-processes.ts';
import { faulty } from '../support/faults.ts';
import { RawSession, textOf } from '../support/gateway-session.ts';
import { echoServer, fixture, TestGateway } from '../support/gateway.ts';
import { SeededRandom } from '../support/ledger-random.ts';
import { descendantsOf, eventually, isRunning, ON_LINUX } from '../support/processes.ts';

const WAIT_MS = 20_000;
const SEED = 20_261_123;

test('SIGHUP ends the gateway as SIGTERM does; SIGPIPE, SIGUSR1 and SIGUSR2 change nothing and open no debugger', async (t) => {
  const gateway = await TestGateway.start(t, { servers: { echo: echoServer() } });
  await gateway.whenReady('echo');
  const session = await RawSession.open(gateway.url);
  for (const signal of ['SIGPIPE', 'SIGUSR1', 'SIGUSR2'] as const) {
    process.kill(gateway.pid, signal);
    for (let call = 0; call < 20; call += 1)
      assert.match(textOf(await session.call('echo__echo', { text: signal })), /./u);
  }
  assert.doesNotMatch(gateway.output(), /Debugger listening/u);
  assert.equal(await gateway.end('SIGHUP'), 0);
});

test('signals that come together are one: the call in flight is answered, and the exit code is 0', async (t) => {
  const gateway = await TestGateway.start(t, { servers: { slow: fixture('legacy') } });
  await gateway.whenReady('slow');
  const session = await RawSession.open(gateway.url);
  const watcher = await RawSession.open(gateway.url);
  const call = session.call('slow__fixture_slow', { ms: 1_500 }).then(textOf);
  await eventually('the call is under way', WAIT_MS, async () =>
    textOf(await watcher.call('slow__fixture_state')).includes('"callsStarted":1'),
  );
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.kill(gateway.pid, signal);
  assert.equal(await gateway.end('SIGTERM'), 0);
  assert.equal(await call, 'waited 1500 ms');
});

test(
  `SIGTERM at any moment of the start ends it in order or at once, and leaves no server (seed ${SEED})`,
  ON_LINUX,
  async (t) => {
    const random = new SeededRandom(SEED);
    const servers = {
      echo: echoServer(),
      fixture: fixture('legacy'),
      dying: faulty('--exit-with', '1'),
    };
    const gateway = await TestGateway.prepare(t, {
      servers,
      app: { upstreams: { shutdownGraceMs: 300 } },
    });
    for (let round = 0; round < 6; round += 1) {
      const started = startNode(['bin/mcpx.js', 'serve'], gateway.env);
      const { child } = started;
      // Some moments are counted from the process, others from the open port, when servers are being started.
      const isBound = round % 2 === 1;
      if (isBound)
        await eventually('it listens', WAIT_MS, () => started.output().includes('listening on'));
      await sleep(random.below(isBound ? 60 : 400));
      const before = descendantsOf(child.pid ?? 0);
      child.kill('SIGTERM');
      const code = await started.exited;
      assert.ok(
        code === 0 || (code === null && child.signalCode === 'SIGTERM'),
        `exit ${code}: ${started.output()}`,
      );
      assert.doesNotMatch(started.output(), /nobody handled|crashed/u);
      await eventually(
        'nothing is left',
        WAIT_MS,
        () => !before.some(isRunning),
        () => before.filter(isRunning),
      );
      await stop(started);
    }
    // What was begun in all these starts is no obstacle to one that is let be.
    await gateway.launch();
    await gateway.whenReady('echo', 'fixture');
    assert.equal(await gateway.end('SIGTERM'), 0);
  },
);

test('readers of standard output and error that go away, before the start or after, cost lines alone', async (t) => {
  const gateway = await TestGateway.prepare(t, { servers: { echo: echoServer() }, app: {} });
  const port = await freePort();
  for (const isBefore of [true, false]) {
    const { PATH = '', HOME = '' } = process.env;
    // A warning is written before there is a log: app.yaml is missing here.
    const { APP_CONFIG_PATH: _unused, ...env } = gateway.env;
    const child = spawn(process.execPath, [join(ROOT, 'bin/mcpx.js'), 'serve'], {
      cwd: gateway.folder,
      env: { PATH, HOME, ...env, MCPX_PORT: String(port) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    t.after(() => child.kill('SIGKILL'));
    const leave = (): void => {
      child.stdout.destroy();
      child.stderr.destroy();
    };
    if (isBefore) leave();
    const base = `http://127.0.0.1:${port}`;
    await eventually('its server is ready', WAIT_MS, async () => {
      const response = await fetch(`${base}/admin/servers`);
      return (await response.text()).includes('"phase":"ready"');
    });
    leave();
    const session = await RawSession.open(`${base}/mcp`);
    for (let call = 0; call < 50; call += 1)
      assert.equal((await session.call('echo__echo', { text: 'on' })).error, undefined);
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    assert.deepEqual(await ended, [0, null]);
  }
});
