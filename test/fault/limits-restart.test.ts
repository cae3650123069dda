import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test, { type TestContext } from 'node:test';
import { limitedForTest, type LimitedGateway, type LimitRule } from '../support/limits-gateway.ts';
import { modernCall } from '../support/raw-clients.ts';
import { eventually } from '../support/raw-eventually.ts';

const SERVERS = {
  it: {
    command: process.execPath,
    args: [join(import.meta.dirname, '../../bench/servers/echo-stdio.ts')],
  },
};
const CALLS = 1_000;

function rules(calls = CALLS): LimitRule[] {
  return [{ id: 'month', per: ['server'], budget: { window: 'month', calls } }];
}

async function folderFor(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mcpx-limits-'));
  t.after(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

/** How many of so many calls are answered. */
async function calls(gateway: LimitedGateway, count: number): Promise<number> {
  let answered = 0;
  for (let call = 0; call < count; call += 1) {
    const { status } = await modernCall(gateway.port, 'it__echo', { text: 'x' });
    assert.ok(status === 200 || status === 429, String(status));
    answered += status === 200 ? 1 : 0;
  }
  return answered;
}

async function used(gateway: LimitedGateway): Promise<number> {
  return (await gateway.limit('month')).top[0]?.budget?.calls?.used ?? 0;
}

/** What the store has of it. */
function saved(folder: string): number {
  const database = new DatabaseSync(join(folder, 'data', 'limits.db'), { readOnly: true });
  try {
    return Number(database.prepare('SELECT sum(calls) AS calls FROM budget').get()?.['calls'] ?? 0);
  } finally {
    database.close();
  }
}

test('a gateway that is killed has lost of its budgets at most what the last second used', async (t) => {
  const folder = await folderFor(t);
  let atLeast = 0;
  let atMost = 0;
  for (let round = 0; round < 4; round += 1) {
    const gateway = await limitedForTest(t, { rules: rules(), servers: SERVERS, folder });
    const before = await used(gateway);
    assert.ok(before >= atLeast && before <= atMost, `${before}, of ${atLeast} to ${atMost}`);
    const made = await calls(gateway, 20);
    assert.equal(made, 20);
    const began = performance.now();
    await eventually('the store has all of it', () => saved(folder) === before + made);
    assert.ok(performance.now() - began < 5_000);
    atLeast = before + made;
    atMost = atLeast + (await calls(gateway, 7));
    process.kill(gateway.pid, 'SIGKILL');
    await gateway.stop();
  }
});

test('a gateway that is ended has saved everything', async (t) => {
  const folder = await folderFor(t);
  const first = await limitedForTest(t, { rules: rules(), servers: SERVERS, folder });
  await calls(first, 13);
  process.kill(first.pid, 'SIGTERM');
  await eventually('it has ended', () => !isAlive(first.pid));
  assert.equal(saved(folder), 13);
  const second = await limitedForTest(t, { rules: rules(15), servers: SERVERS, folder });
  assert.equal(await calls(second, 5), 2, 'also where the budget is another one now');
});

test('two gateways on one folder share a budget within a second', async (t) => {
  const folder = await folderFor(t);
  const [one, other] = [
    await limitedForTest(t, { rules: rules(30), servers: SERVERS, folder }),
    await limitedForTest(t, { rules: rules(30), servers: SERVERS, folder }),
  ];
  assert.deepEqual([await calls(one, 10), await calls(other, 10)], [10, 10]);
  const began = performance.now();
  await eventually(
    'each knows what the other used',
    async () => (await used(one)) === 20 && (await used(other)) === 20,
  );
  assert.ok(performance.now() - began < 5_000);
  assert.equal(await calls(one, 20), 10);
  await eventually('the other knows', async () => (await used(other)) === 30);
  assert.equal(await calls(other, 3), 0);
});

test('a reload keeps what was counted, and takes new limits over', async (t) => {
  const gateway = await limitedForTest(t, { rules: rules(5), servers: SERVERS });
  assert.equal(await calls(gateway, 3), 3);
  await gateway.configure([...rules(4), { id: 'other', budget: { window: 'day', calls: 100 } }]);
  await eventually('it was taken over', async () => {
    const { budget } = await gateway.limit('month');
    return budget?.calls === 4;
  });
  assert.equal(await used(gateway), 3);
  assert.equal(await calls(gateway, 5), 1);
  assert.equal((await gateway.limit('other')).top[0]?.budget?.calls?.used, 1);
  await gateway.configure([]);
  await eventually('nothing is limited', async () => (await calls(gateway, 1)) === 1);
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
