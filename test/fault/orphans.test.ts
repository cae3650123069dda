import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import test, { type TestContext } from 'node:test';
import { ROOT } from '../support/conformance-processes.ts';
import { faulty, stubborn } from '../support/faults.ts';
import { RawSession, textOf } from '../support/gateway-session.ts';
import { echoServer, fixture, TestGateway, type ServerEntry } from '../support/gateway.ts';
import {
  descendantsOf,
  eventually,
  isRunning,
  ON_LINUX,
  processesWith,
  processOf,
  type ProcessInfo,
} from '../support/processes.ts';

/** How long each way of ending a process group is tried before the next, harder one. */
const app = { upstreams: { shutdownGraceMs: 300 } };
/** Five times what the ways to end a group take together: three graces, or the second of the watchdog. */
const GONE_MS = 6_000;

interface Family {
  readonly servers: Record<string, ServerEntry>;
  readonly marker: string;
}

/** A usual server, and one that ignores everything polite, as does what it started. */
function family(): Family {
  const { entry, marker } = stubborn();
  return { servers: { usual: echoServer(), stubborn: entry }, marker };
}

/** Server, grandchild, and whatever else runs below the gateway. */
async function population(pid: number, marker: string): Promise<ProcessInfo[]> {
  await eventually('the grandchild ran', 10_000, () => processesWith(marker).length >= 2);
  return descendantsOf(pid);
}

async function assertNobodyLeft(
  t: TestContext,
  before: readonly ProcessInfo[],
  marker: string,
): Promise<void> {
  t.after(() => {
    for (const { pid } of processesWith(marker)) process.kill(pid, 'SIGKILL');
  });
  assert.ok(before.length >= 4, `only ${before.length} processes ran`);
  await eventually(
    'all that the gateway started was gone',
    GONE_MS,
    () => !before.some(isRunning) && processesWith(marker).length === 0,
    () => [...before.filter(isRunning), ...processesWith(marker)],
  );
}

for (const signal of ['SIGTERM', 'SIGINT', 'SIGKILL'] as const) {
  test(
    `R25: after ${signal} no child or grandchild is left, though both ignore end of input and SIGTERM`,
    ON_LINUX,
    async (t) => {
      const { servers, marker } = family();
      const gateway = await TestGateway.start(t, { servers, app });
      await gateway.whenReady('usual', 'stubborn');
      const before = await population(gateway.pid, marker);
      const code = await gateway.end(signal);
      assert.equal(code, signal === 'SIGKILL' ? null : 0);
      if (signal !== 'SIGKILL')
        // Who is told that the gateway has ended may rely on it: nothing is left to be ended then.
        assert.deepEqual(
          before.filter(isRunning).map(({ command }) => command),
          [],
        );
      await assertNobodyLeft(t, before, marker);
    },
  );
}

test(
  'R25: private instances of clients go with the gateway too, whether it ends or is killed',
  ON_LINUX,
  async (t) => {
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      const { entry, marker } = stubborn();
      const servers = { own: { ...entry, isolation: 'session' } };
      const gateway = await TestGateway.start(t, { servers, app });
      await gateway.whenReady('own');
      const [one, two] = await Promise.all([
        RawSession.open(gateway.url, { capabilities: { roots: {} } }),
        RawSession.open(gateway.url, { capabilities: { roots: {} } }),
      ]);
      const pids = [textOf(await one.call('own__pid')), textOf(await two.call('own__pid'))];
      assert.equal(new Set(pids).size, 2);
      const before = await population(gateway.pid, marker);
      assert.ok(pids.every((pid) => before.some((each) => String(each.pid) === pid)));
      await gateway.end(signal);
      await assertNobodyLeft(t, before, marker);
    }
  },
);

interface StdioGateway {
  readonly pid: number;
  readonly ended: Promise<number | null>;
  endInput(): void;
}

async function startStdio(t: TestContext, gateway: TestGateway): Promise<StdioGateway> {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, ['bin/mcpx.js', 'stdio'], {
    cwd: ROOT,
    env: { PATH, HOME, ...gateway.env },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  t.after(() => child.kill('SIGKILL'));
  const ended = once(child, 'exit').then(([code]) => code as number | null);
  child.stdin.write('{"jsonrpc":"2.0","id":1,"method":"ping"}\n');
  await once(child.stdout, 'data');
  return { pid: child.pid ?? 0, ended, endInput: () => child.stdin.end() };
}

const STDIO_ENDS: Readonly<Record<string, (gateway: StdioGateway) => void>> = {
  'the end of its input': ({ endInput }) => endInput(),
  SIGTERM: ({ pid }) => process.kill(pid, 'SIGTERM'),
  SIGKILL: ({ pid }) => process.kill(pid, 'SIGKILL'),
};

for (const [name, end] of Object.entries(STDIO_ENDS)) {
  test(`R25: \`mcpx stdio\` leaves nobody behind after ${name}`, ON_LINUX, async (t) => {
    const { servers, marker } = family();
    const gateway = await startStdio(t, await TestGateway.prepare(t, { servers, app }));
    await eventually('both servers ran', 10_000, () => descendantsOf(gateway.pid).length >= 4);
    const before = await population(gateway.pid, marker);
    end(gateway);
    assert.equal(await gateway.ended, name === 'SIGKILL' ? null : 0);
    await assertNobodyLeft(t, before, marker);
  });
}

test(
  'what a killed server leaves in its process group is ended before it is started again for good',
  ON_LINUX,
  async (t) => {
    const { entry, marker } = stubborn();
    const gateway = await TestGateway.start(t, { servers: { stubborn: entry }, app });
    await gateway.whenReady('stubborn');
    const [child, grandchild] = await eventually('both ran', 10_000, () => {
      const found = processesWith(marker);
      const server = found.find(({ parent }) => parent === gateway.pid);
      const below = found.find(({ parent }) => parent === server?.pid);
      return server !== undefined && below !== undefined && ([server, below] as const);
    });
    process.kill(child.pid, 'SIGKILL');
    await eventually(
      'the orphan of the killed server was gone',
      GONE_MS,
      () => !isRunning(grandchild),
    );
    await gateway.whenServer(
      'stubborn',
      ({ phase, restarts }) => phase === 'ready' && restarts === 1,
    );
    const zombies = descendantsOf(gateway.pid).filter(({ state }) => state === 'Z');
    assert.deepEqual(zombies, []);
  },
);

test(
  'a server taken out of the configuration is gone, with all it started',
  ON_LINUX,
  async (t) => {
    const { servers, marker } = family();
    const gateway = await TestGateway.start(t, { servers, app });
    await gateway.whenReady('usual', 'stubborn');
    await eventually('the grandchild ran', 10_000, () => processesWith(marker).length >= 2);
    await gateway.configure({ usual: echoServer() });
    await eventually('it was gone', GONE_MS + 5_000, () => processesWith(marker).length === 0);
    assert.deepEqual(
      (await gateway.servers()).map(({ name, phase }) => [name, phase]),
      [['usual', 'ready']],
    );
  },
);

test('the watchdog itself ends with the last server', ON_LINUX, async (t) => {
  const gateway = await TestGateway.start(t, {
    servers: { usual: fixture('legacy'), other: faulty() },
    app,
  });
  await gateway.whenReady('usual', 'other');
  const before = descendantsOf(gateway.pid);
  await gateway.configure({});
  await eventually('nothing ran below the gateway', GONE_MS + 5_000, () => !before.some(isRunning));
  assert.ok(processOf(gateway.pid));
  assert.deepEqual(await gateway.servers(), []);
});
