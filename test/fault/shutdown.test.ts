import assert from 'node:assert/strict';
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import test, { type TestContext } from 'node:test';
import { ROOT } from '../support/conformance-processes.ts';
import { RawSession, textOf } from '../support/gateway-session.ts';
import { connectLegacy } from '../support/gateway-clients.ts';
import { echoServer, fixture, TestGateway } from '../support/gateway.ts';
import { descendantsOf, eventually, isRunning, ON_LINUX } from '../support/processes.ts';

const HANGING = fixture('legacy', '--start-delay', '2000000000');

const INITIALIZE = {
  protocolVersion: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 'lines', version: '1.0.0' },
};

function spawnStdio(
  t: TestContext,
  gateway: TestGateway,
): ChildProcessByStdio<Writable, Readable, null> {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, ['bin/mcpx.js', 'stdio'], {
    cwd: ROOT,
    env: { PATH, HOME, ...gateway.env },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  t.after(() => child.kill('SIGKILL'));
  return child;
}

async function untilCallsRun(gateway: TestGateway, count: number): Promise<void> {
  const watcher = await RawSession.open(gateway.url);
  await eventually('the calls were under way', 10_000, async () => {
    const state = textOf(await watcher.call('slow__fixture_state'));
    return (JSON.parse(state) as { callsStarted: number }).callsStarted === count;
  });
}

test('SIGTERM during calls lets them finish, takes no new ones, and the exit code is 0', async (t) => {
  const gateway = await TestGateway.start(t, { servers: { slow: fixture('legacy') } });
  await gateway.whenReady('slow');
  const raw = await RawSession.open(gateway.url);
  const sdk = await connectLegacy(t, gateway, 'http');
  const sse = await connectLegacy(t, gateway, 'sse');
  const calls = [
    raw.call('slow__fixture_slow', { ms: 2_500 }).then(textOf),
    sdk.call('slow__fixture_slow', { ms: 2_500 }).then((result) => textOf({ result })),
    sse.call('slow__fixture_slow', { ms: 2_500 }).then((result) => textOf({ result })),
  ];
  await untilCallsRun(gateway, 3);
  const ended = gateway.end('SIGTERM');
  const late = await eventually('new calls were refused', 2_000, () =>
    raw.call('slow__fixture_echo').then(
      (answer) => answer.error !== undefined && `refused with ${answer.error.code}`,
      () => 'not connected',
    ),
  );
  assert.ok(late === 'refused with 1520' || late === 'not connected', late);
  assert.deepEqual(
    await Promise.all(calls),
    Array.from({ length: 3 }, () => 'waited 2500 ms'),
  );
  assert.equal(await ended, 0);
});

test('calls still running after shutdown.drainMs are given up, and the exit code is 0', async (t) => {
  const gateway = await TestGateway.start(t, {
    servers: { slow: fixture('legacy') },
    app: { shutdown: { drainMs: 500 }, upstreams: { shutdownGraceMs: 300 } },
  });
  await gateway.whenReady('slow');
  const session = await RawSession.open(gateway.url);
  const call = session.call('slow__fixture_slow', { ms: 60_000 }).then(
    (answer) => answer.error?.code ?? 'answered',
    () => 'cut off',
  );
  await untilCallsRun(gateway, 1);
  const begin = performance.now();
  assert.equal(await gateway.end('SIGTERM'), 0);
  const tookMs = performance.now() - begin;
  assert.ok(tookMs > 400 && tookMs < 6_000, `it took ${tookMs} ms`);
  assert.notEqual(await call, 'answered');
});

test(
  'a server that hangs at its start does not hold up the end of the gateway',
  ON_LINUX,
  async (t) => {
    for (const waitMs of [0, 1_500]) {
      const gateway = await TestGateway.start(t, {
        servers: { odd: HANGING, cheap: echoServer() },
        app: { upstreams: { shutdownGraceMs: 300 } },
      });
      await gateway.whenReady('cheap');
      // At first it is asked for discovery, after probeTimeoutMs it is sent `initialize`.
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      const before = descendantsOf(gateway.pid);
      const begin = performance.now();
      assert.equal(await gateway.end('SIGTERM', 10_000), 0);
      const tookMs = performance.now() - begin;
      assert.ok(tookMs < 4_500, `it took ${tookMs} ms`);
      assert.ok(!before.some(isRunning));
    }
  },
);

test('a hanging server taken out of the configuration is ended soon', ON_LINUX, async (t) => {
  const gateway = await TestGateway.start(t, {
    servers: { odd: HANGING, cheap: echoServer() },
    app: { upstreams: { shutdownGraceMs: 300 } },
  });
  await gateway.whenReady('cheap');
  const hanging = descendantsOf(gateway.pid).find(({ command }) => command.includes('2000000000'));
  assert.ok(hanging);
  await gateway.configure({ cheap: echoServer() });
  await eventually('it was gone', 6_000, () => !isRunning(hanging));
});

test('open streams of idle clients do not hold up the end of the gateway', async (t) => {
  const gateway = await TestGateway.start(t, { servers: { cheap: echoServer() } });
  await gateway.whenReady('cheap');
  const streams = new AbortController();
  t.after(() => streams.abort());
  const session = await RawSession.open(gateway.url);
  await session.listen(streams.signal);
  await connectLegacy(t, gateway, 'http');
  await connectLegacy(t, gateway, 'sse');
  const begin = performance.now();
  assert.equal(await gateway.end('SIGTERM'), 0);
  const tookMs = performance.now() - begin;
  assert.ok(tookMs < 5_000, `it took ${tookMs} ms`);
});

test(
  'a second SIGINT a while after the first ends the gateway at once, and still nobody is left behind',
  ON_LINUX,
  async (t) => {
    const gateway = await TestGateway.start(t, {
      servers: { slow: fixture('legacy') },
      app: { shutdown: { drainMs: 60_000 } },
    });
    await gateway.whenReady('slow');
    const session = await RawSession.open(gateway.url);
    const call = session.call('slow__fixture_slow', { ms: 60_000 }).catch(() => undefined);
    await untilCallsRun(gateway, 1);
    const before = descendantsOf(gateway.pid);
    process.kill(gateway.pid, 'SIGINT');
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    assert.equal(await gateway.end('SIGINT', 3_000), 130);
    await call;
    await eventually('nothing was left', 6_000, () => !before.some(isRunning));
  },
);

test('SIGTERM to `mcpx stdio` lets calls in flight finish too, and the exit code is 0', async (t) => {
  const gateway = await TestGateway.prepare(t, { servers: { slow: fixture('legacy') } });
  const child = spawnStdio(t, gateway);
  const answers = createInterface({ input: child.stdout });
  const lines: string[] = [];
  answers.on('line', (line) => lines.push(line));
  const send = (message: object): boolean =>
    child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  send({ id: 1, method: 'initialize', params: INITIALIZE });
  send({ method: 'notifications/initialized' });
  send({ id: 2, method: 'tools/list' });
  const answered = (id: number): string | undefined =>
    lines.find((line) => line.includes(`"id":${id},`));
  await eventually('the tools were listed', 10_000, () =>
    answered(2)?.includes('slow__fixture_slow'),
  );
  send({
    id: 3,
    method: 'tools/call',
    params: { name: 'slow__fixture_slow', arguments: { ms: 1_500 } },
  });
  for (let id = 4; !answered(id - 1)?.includes('callsStarted\\":1'); id += 1) {
    send({ id, method: 'tools/call', params: { name: 'slow__fixture_state', arguments: {} } });
    await eventually('the state was told', 5_000, () => answered(id));
  }
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  assert.deepEqual(await exited, [0, null]);
  assert.match(answered(3) ?? 'no answer', /waited 1500 ms/u);
});
