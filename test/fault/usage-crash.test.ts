import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { usageStore } from '../../src/wiring/usage-store.ts';
import { echoServer, TestGateway } from '../support/gateway.ts';
import { RawSession } from '../support/gateway-session.ts';
import { TestPostgres } from '../support/postgres.ts';
import { eventually } from '../support/processes.ts';
import { ask, callsBy } from '../support/usage-items.ts';
import { DAY_MS, usagePlan } from '../support/usage-stores.ts';

const FLUSH_MS = 100;
/** How much later than promised a busy machine may be. */
const FACTOR = 5;
const LONG_MS = 30_000;

/** Calls of tools as the store has them, by outcome. */
async function kept(dataDir: string, database?: string): Promise<Record<string, number>> {
  const plan = usagePlan({ database });
  const store = usageStore({ dataDir, plan: () => plan, now: Date.now });
  try {
    const time = { from: Date.now() - DAY_MS, to: Date.now() + DAY_MS };
    const filters = { method: ['tools/call'] };
    return callsBy((await store.query(ask({ ...time, by: ['tool', 'outcome'], filters }))).rows);
  } finally {
    await store.close();
  }
}

/** Calls as fast as one session can until a moment; the result is when each was answered. */
async function load(url: string, until: number): Promise<number[]> {
  const session = await RawSession.open(url);
  const answeredAt: number[] = [];
  while (performance.now() < until) {
    try {
      await session.call('e__echo', { text: 'hello' });
    } catch {
      break;
    }
    answeredAt.push(performance.now());
  }
  return answeredAt;
}

async function gatewayFor(t: TestContext, database?: string): Promise<TestGateway> {
  const gateway = await TestGateway.start(t, {
    servers: { e: echoServer() },
    app: { usage: { flushMs: FLUSH_MS, ...(database === undefined ? {} : { database }) } },
  });
  await gateway.whenReady('e');
  return gateway;
}

async function survives(gateway: TestGateway, database?: string): Promise<void> {
  const calls = load(gateway.url, performance.now() + LONG_MS);
  await sleep(2 * FACTOR * FLUSH_MS);
  const killedAt = performance.now();
  await gateway.end('SIGKILL');
  const answeredAt = await calls;
  const sure = answeredAt.filter((at) => at < killedAt - FACTOR * FLUSH_MS).length;
  const { 'echo ok': found = 0 } = await kept(gateway.dataDir, database);
  assert.ok(sure > 0, 'some calls were answered in time');
  assert.ok(found >= sure, `${found} calls are kept of ${sure} that should be`);
  assert.ok(found <= answeredAt.length + 1, `${found} are kept of ${answeredAt.length} calls`);
  await gateway.launch();
  await gateway.whenReady('e');
  const session = await RawSession.open(gateway.url);
  for (let call = 0; call < 10; call += 1) await session.call('e__echo', { text: 'again' });
  await eventually('the calls after the restart are added', LONG_MS, async () => {
    const { 'echo ok': now = 0 } = await kept(gateway.dataDir, database);
    return now === found + 10;
  });
}

test('a gateway that is killed loses no more than usage.flushMs of counts, and none twice', async (t) => {
  await survives(await gatewayFor(t));
});

test('nor does one that keeps usage in PostgreSQL', async (t) => {
  const server = await TestPostgres.start();
  t.after(() => server.end());
  const database = await server.database();
  await survives(await gatewayFor(t, database), database);
});

test('while its database is down a gateway answers calls as ever, and its log tells no password', async (t) => {
  const server = await TestPostgres.start();
  t.after(() => server.end());
  const database = await server.database();
  await server.crash();
  const gateway = await gatewayFor(t, database);
  const session = await RawSession.open(gateway.url);
  for (let call = 0; call < 20; call += 1) {
    const answer = await session.call('e__echo', { text: 'hello' });
    assert.equal(answer.error, undefined);
  }
  await eventually('it is told', LONG_MS, () => gateway.output().includes('usage cannot be kept'));
  await server.launch();
  await eventually('they are kept', LONG_MS, async () => {
    const found = await kept(gateway.dataDir, database);
    return found['echo ok'] === 20;
  });
  const { password } = new URL(database);
  for (const secret of [password, decodeURIComponent(password)])
    assert.ok(!gateway.output().includes(secret));
});

test('a gateway that is told to end writes what it has counted first', async (t) => {
  const gateway = await gatewayFor(t);
  const session = await RawSession.open(gateway.url);
  for (let call = 0; call < 5; call += 1) await session.call('e__echo', { text: 'hello' });
  await session.call('e__nothing_of_this_name');
  assert.equal(await gateway.end('SIGTERM'), 0);
  assert.deepEqual(await kept(gateway.dataDir), { 'echo ok': 5, ' refused': 1 });
});
