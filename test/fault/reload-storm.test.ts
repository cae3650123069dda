import assert from 'node:assert/strict';
import { renameSync, writeFileSync } from 'node:fs';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { RawSession, textOf } from '../support/gateway-session.ts';
import { echoServer, fixture, TestGateway } from '../support/gateway.ts';
import { SeededRandom } from '../support/ledger-random.ts';
import { descendantsOf, eventually, ON_LINUX, openHandles } from '../support/processes.ts';

const WAIT_MS = 20_000;
const SEED = 6_060;
const STORM_MS = 5_000;
const PACE_MS = 10;
/** Connections of the callers, the usage file and the thread that counts tokens came since. */
const MORE_HANDLES = 25;

type Servers = Readonly<Record<string, unknown>>;

/** Contents of mcp.json, good and bad, of which all good ones have the server `kept` as it is. */
function contentsOf(kept: unknown): readonly string[] {
  const text = (servers: Servers): string => JSON.stringify({ mcpServers: { kept, ...servers } });
  const whole = text({ other: echoServer() });
  return [
    text({}),
    whole,
    text({ third: fixture('modern') }),
    whole.slice(0, whole.length / 2),
    '',
    '{"mcpServers": 7}',
    'null',
    '\u0000\u0000\u0000',
    text({ bad: { command: 5 } }),
  ];
}

const SETTINGS = [
  '',
  'list: { ttlMs: 1000 }',
  'list: { ttlMs: ',
  'list: { nonsense: true }',
  'sessions: { idleMs: -1 }',
  'rules:\n  - { id: other, effect: deny, tools: ["other/*"] }',
];

test(
  `files that are written a hundred times a second, good, bad and by halves, disturb no call and no server that stays (seed ${SEED})`,
  ON_LINUX,
  async (t) => {
    const kept = fixture('legacy');
    const gateway = await TestGateway.start(t, { servers: { kept } });
    await gateway.whenReady('kept');
    const session = await RawSession.open(gateway.url);
    const before = JSON.parse(textOf(await session.call('kept__fixture_state'))) as { pid: number };
    const handles = openHandles(gateway.pid);
    const processes = descendantsOf(gateway.pid).length;
    const random = new SeededRandom(SEED);
    const contents = contentsOf(kept);
    const storm = { isOn: true };
    let calls = 0;
    const callers = Array.from({ length: 4 }, async () => {
      const caller = await RawSession.open(gateway.url);
      while (storm.isOn) {
        const answer = await caller.call('kept__fixture_echo', { text: `call ${calls}` });
        assert.equal(answer.error, undefined, JSON.stringify(answer));
        calls += 1;
      }
    });
    const end = performance.now() + STORM_MS;
    let writes = 0;
    while (performance.now() < end) {
      writeFileSync(gateway.serversPath, random.of(contents));
      if (random.below(2) === 0) writeFileSync(gateway.appPath, random.of(SETTINGS));
      else {
        // As editors and deployments do.
        writeFileSync(`${gateway.appPath}.new`, random.of(SETTINGS));
        renameSync(`${gateway.appPath}.new`, gateway.appPath);
      }
      writes += 2;
      await sleep(PACE_MS);
    }
    storm.isOn = false;
    await Promise.all(callers);
    assert.ok(calls > 50, `${calls} calls`);
    const health = await fetch(`${gateway.base}/healthcheck`);
    assert.equal(health.status, 200);
    // What was written last is in force in the end.
    writeFileSync(gateway.appPath, '');
    await gateway.configure({ kept, last: echoServer() });
    await gateway.whenReady('kept', 'last');
    await eventually('no other server is left', WAIT_MS, async () => {
      const names = (await gateway.servers()).map(({ name }) => name).toSorted();
      return names.join() === 'kept,last';
    });
    const after = JSON.parse(textOf(await session.call('kept__fixture_state'))) as { pid: number };
    assert.equal(after.pid, before.pid, 'the server that stays was never started anew');
    await gateway.configure({ kept });
    await eventually(
      'processes and descriptors are as before',
      WAIT_MS,
      () =>
        descendantsOf(gateway.pid).length <= processes + 1 &&
        openHandles(gateway.pid) <= handles + MORE_HANDLES,
      () => [processes, descendantsOf(gateway.pid).length, handles, openHandles(gateway.pid)],
    );
    assert.doesNotMatch(gateway.output(), /nobody handled|crashed|only in part/u);
    assert.equal(await gateway.end('SIGTERM'), 0);
    t.diagnostic(`${writes} writes, ${calls} calls, log of ${gateway.output().length} characters`);
  },
);
