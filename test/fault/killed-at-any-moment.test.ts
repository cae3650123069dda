import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { AuditedGateway } from '../support/audited-gateway.ts';
import { startNode, stop } from '../support/conformance-processes.ts';
import { RawSession } from '../support/gateway-session.ts';
import { echoServer, type TestGateway } from '../support/gateway.ts';
import { SeededRandom } from '../support/ledger-random.ts';
import { descendantsOf, eventually, isRunning, ON_LINUX } from '../support/processes.ts';
import { rpcOf } from '../support/raw-http.ts';

const WAIT_MS = 20_000;
const SEED = 51_020;
/** The whole file is to end within 20 seconds. */
const BUDGET_MS = 6_000;

const APP = {
  audit: { flushMs: 10, maxSegmentBytes: 65_536, arguments: 'full', onFailure: 'refuse' },
  usage: { flushMs: 20 },
  limits: { rules: [{ id: 'day', budget: { window: 'day', calls: 100_000 } }] },
};

/** Traffic of all kinds, until the gateway is gone or the result is called, which resolves when nothing of it is left. */
function trouble(gateway: TestGateway): () => Promise<void> {
  const { url } = gateway;
  const over = new AbortController();
  const works = [
    (async () => {
      while (!over.signal.aborted) {
        const session = await RawSession.open(url);
        await session.request('logging/setLevel', { level: 'debug' });
        // Long texts turn a segment of the audit every few calls.
        await session.call('echo__echo', { text: 'x'.repeat(20_000) });
        await session.delete();
      }
    })(),
    (async () => {
      for (let turn = 0; !over.signal.aborted; turn += 1) {
        const servers =
          turn % 2 === 0 ? { echo: echoServer(), more: echoServer() } : { echo: echoServer() };
        await gateway.configure(servers);
        await fetch(url).then((answer) => answer.text());
        await sleep(60);
      }
    })(),
  ];
  // What it asks of a gateway that was killed is lost with it.
  const ended = Promise.allSettled(works);
  return async () => {
    over.abort();
    await ended;
  };
}

async function killed(t: TestContext): Promise<AuditedGateway> {
  return AuditedGateway.prepare(t, { app: APP });
}

/** Nothing but what is known lies in the data folder: no draft of a file, no lock of a process that is gone. */
function leftovers(dataDir: string): string[] {
  const known =
    /^(?:mcpx|access|limits|usage|audit-anchors)\.db(?:-wal|-shm|-journal)?$|^(?:audit|keys|locks)$/u;
  const below = readdirSync(dataDir).filter((name) => !known.test(name));
  const keys = readdirSync(join(dataDir, 'keys')).filter(
    (name) => !/^(?:seal|audit)\.json$/u.test(name),
  );
  return [...below, ...keys];
}

test(
  `a gateway that is killed at any moment of its start leaves nothing that the next one stumbles over (seed ${SEED})`,
  ON_LINUX,
  async (t) => {
    const random = new SeededRandom(SEED);
    const audited = await killed(t);
    const { gateway } = audited;
    const end = performance.now() + BUDGET_MS / 2;
    let kills = 0;
    while (performance.now() < end || kills < 5) {
      const started = startNode(['bin/mcpx.js', 'serve'], gateway.env);
      // Where the port is open, servers are started and the first segment is made.
      if (kills % 2 === 1)
        await eventually('it listens', WAIT_MS, () => started.output().includes('listening on'));
      await sleep(random.below(kills % 2 === 1 ? 80 : 350));
      const family = descendantsOf(started.child.pid ?? 0);
      started.child.kill('SIGKILL');
      await started.exited;
      await eventually('no server is left', WAIT_MS, () => !family.some(isRunning));
      await stop(started);
      kills += 1;
    }
    await audited.launch();
    assert.equal(rpcOf(await audited.call(1)).error, undefined);
    assert.equal(await gateway.end('SIGTERM'), 0);
    const { code, findings } = await audited.verify();
    assert.deepEqual([code, findings], [0, []]);
    t.diagnostic(`${kills} kills, left over: ${leftovers(gateway.dataDir).join() || 'nothing'}`);
  },
);

test(
  `a gateway that is killed in calls, reloads and writes starts clean: the audit verifies, sessions go on or are unknown, no server is left (seed ${SEED})`,
  ON_LINUX,
  async (t) => {
    const random = new SeededRandom(SEED + 1);
    const audited = await killed(t);
    const { gateway } = audited;
    const end = performance.now() + BUDGET_MS;
    let kills = 0;
    let kept: string | undefined;
    let buried: string | undefined;
    while (performance.now() < end || kills < 3) {
      await audited.gateway.configure({ echo: echoServer() });
      await audited.launch();
      if (kept !== undefined) {
        const session = new RawSession(gateway.url, kept);
        const { error } = await session.call('echo__echo', { text: 'again' });
        assert.equal(error, undefined, 'its session goes on');
      }
      if (buried !== undefined)
        assert.equal(
          (await new RawSession(gateway.url, buried).post({ id: 1, method: 'ping' })).status,
          404,
        );
      const ended = await RawSession.open(gateway.url);
      assert.equal(await ended.delete(), 204);
      [kept, buried] = [(await RawSession.open(gateway.url)).id, ended.id];
      const calm = trouble(gateway);
      await sleep(random.below(500));
      const family = descendantsOf(gateway.pid);
      await gateway.end('SIGKILL');
      // A configuration that is being written is none the next gateway could start with.
      await calm();
      await eventually(
        'no server is left',
        WAIT_MS,
        () => !family.some(isRunning),
        () => family.filter(isRunning),
      );
      kills += 1;
    }
    await gateway.configure({ echo: echoServer() });
    await audited.launch();
    assert.equal(rpcOf(await audited.call(1)).error, undefined);
    assert.equal(await gateway.end('SIGTERM'), 0);
    assert.doesNotMatch(gateway.output(), /"level":(?:50|60)/u);
    const { code, findings, chains } = await audited.verify();
    assert.deepEqual([code, findings], [0, []]);
    t.diagnostic(`${kills} kills, ${chains.length} chains`);
  },
);

test('a key that is made while its process is killed is there whole or not at all, and others can be made', async (t) => {
  const random = new SeededRandom(SEED + 2);
  const audited = await killed(t);
  await writeFile(audited.gateway.appPath, '');
  for (let round = 0; round < 6; round += 1) {
    const args = ['keys', 'create', '--name', `key${round}`, '--consumer', 'agents'];
    const started = startNode(['bin/mcpx.js', ...args], audited.gateway.env);
    await sleep(100 + random.below(250));
    started.child.kill('SIGKILL');
    await started.exited;
    await stop(started);
  }
  const { code, output } = await audited.mcpx(
    'keys',
    'create',
    '--name',
    'last',
    '--consumer',
    'agents',
  );
  assert.equal(code, 0, output);
  const list = await audited.mcpx('keys', 'list', '--json');
  assert.match(list.output, /"last"/u);
  assert.ok(existsSync(join(audited.gateway.dataDir, 'access.db')));
});
