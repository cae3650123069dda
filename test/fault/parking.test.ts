import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { accepting, answersIn, assertBadState, finalOf, Parker } from '../support/asking-parker.ts';
import { askersForFile } from '../support/asking-scene.ts';
import { TestGateway } from '../support/gateway.ts';
import { eventually } from '../support/processes.ts';

/** What becomes of calls that wait for their clients when the gateway or their server goes away (R3). */

const OLD = ['oldio', 'oldhttp', 'oldsse'] as const;
const askers = await askersForFile([...OLD, 'newhttp']);
const { journal, servers } = askers;

let last = 0;

function tagged(): string {
  last += 1;
  return `fault${last}`;
}

function portOf(gateway: TestGateway): number {
  return Number(new URL(gateway.base).port);
}

async function started(
  t: TestContext,
  app: Readonly<Record<string, unknown>> = {},
): Promise<TestGateway> {
  const gateway = await TestGateway.start(t, { servers, app, env: { ENABLE_METRICS: 'false' } });
  await gateway.whenReady(...Object.keys(servers));
  return gateway;
}

/** A call that waits at each of the legacy servers. */
async function parkEverywhere(
  client: Parker,
): Promise<{ tag: string; waiting: Awaited<ReturnType<Parker['park']>> }[]> {
  return Promise.all(
    OLD.map(async (server) => {
      const tag = tagged();
      return { tag, waiting: await client.park(server, { tag }) };
    }),
  );
}

test('SIGTERM while calls wait for their clients: they are cancelled upstream, and the exit code is 0', async (t) => {
  const gateway = await started(t, { shutdown: { drainMs: 500 } });
  const parked = await parkEverywhere(new Parker(portOf(gateway)));
  assert.equal(await gateway.end('SIGTERM'), 0);
  for (const { tag } of parked) await journal.untilOver(tag, 'given-up');
});

test('SIGTERM while a client that came back waits for the answer: the call may end within shutdown.drainMs, then it is cancelled upstream', async (t) => {
  const gateway = await started(t, { shutdown: { drainMs: 2_000 } });
  const client = new Parker(portOf(gateway));
  const [quick, slow] = [tagged(), tagged()];
  const first = await client.park('oldhttp', { tag: quick, waitMs: 700 });
  const second = await client.park('oldhttp', { tag: slow, waitMs: 60_000 });
  const answered = client.retry(first, accepting(first));
  const cut = client.retry(second, accepting(second)).then(
    (got) => finalOf(got).error !== undefined,
    () => true,
  );
  const third = await client.park('oldhttp', { tag: tagged() });
  assert.ok(third.requestState);
  assert.equal(await gateway.end('SIGTERM'), 0);
  assert.equal(answersIn(await answered).length, 1);
  assert.ok(await cut, 'a call that ran on was answered');
  await journal.untilOver(quick, 'ended');
  await journal.untilOver(slow, 'given-up');
  await journal.assertNoOrphan();
});

/** A call that waits at a server when the gateway ends, and its client that comes back to the next one. */
async function assertRestarted(
  t: TestContext,
  signal: NodeJS.Signals,
  names: readonly string[],
): Promise<void> {
  const some = Object.entries(servers).filter(([name]) => names.includes(name));
  const setup = { servers: Object.fromEntries(some), env: { ENABLE_METRICS: 'false' } };
  const gateway = await TestGateway.start(t, setup);
  await gateway.whenReady(...names);
  const before = new Parker(portOf(gateway));
  const parked = await Promise.all(
    names.map(async (server) => {
      const tag = tagged();
      return { server, tag, waiting: await before.park(server, { tag }) };
    }),
  );
  await gateway.end(signal);
  await gateway.launch();
  await gateway.whenReady(...names);
  const client = new Parker(portOf(gateway));
  for (const { server, tag, waiting } of parked) {
    const got = await client.retry(waiting, accepting(waiting));
    // Between a modern client and a modern server nothing waits here, so nothing is lost (R11).
    if (server === 'newhttp') assert.equal(answersIn(got).length, 1);
    else assertBadState(got, 'restarted');
    await journal.untilOver(tag);
    assert.equal(journal.begun(tag), server === 'newhttp' ? 2 : 1);
  }
}

test('after a restart on the same data a state of a parked call says that its call ended with the gateway, and nothing is run again', (t) =>
  assertRestarted(t, 'SIGTERM', ['oldhttp', 'newhttp']));

// A server over streamable HTTP cannot know that its client is gone for good: its call would go on until it has an answer.
test('after a kill, too; the servers whose connections broke gave up', (t) =>
  assertRestarted(t, 'SIGKILL', ['oldio', 'oldsse']));

test('a server that ends while a call waits at it: the retry is told so, and the next call is served by another process', async (t) => {
  const client = new Parker(portOf(await started(t)));
  const tag = tagged();
  const waiting = await client.park('oldio', { tag, dieMs: 100 });
  await journal.untilOver(tag);
  const { error } = finalOf(await client.retry(waiting, accepting(waiting)));
  assert.equal(error?.data?.['refusal'], 'UPSTREAM_LOST', JSON.stringify(error));
  assertBadState(await client.retry(waiting, accepting(waiting)), 'used');
  assert.equal(journal.begun(tag), 1);
  const next = await client.park('oldio', { tag: tagged() });
  assert.equal(answersIn(await client.retry(next, accepting(next))).length, 1);
});

test('a server taken out of the configuration while calls wait at it: no call of it runs on, and its retries are of an unknown tool', async (t) => {
  const gateway = await started(t);
  const client = new Parker(portOf(gateway));
  const parked = await parkEverywhere(client);
  const { newhttp } = servers;
  assert.ok(newhttp);
  await gateway.configure({ newhttp });
  await eventually('the others were gone', 10_000, async () => {
    const left = await gateway.servers();
    return left.length === 1;
  });
  for (const { tag, waiting } of parked) {
    await journal.untilOver(tag);
    const { error } = finalOf(await client.retry(waiting, accepting(waiting)));
    assert.equal(error?.data?.['refusal'], 'TARGET_UNKNOWN', JSON.stringify(error));
    assert.equal(journal.begun(tag), 1);
  }
});

test('a reload that changes another server leaves the calls that wait alone', async (t) => {
  const gateway = await started(t);
  const client = new Parker(portOf(gateway));
  const parked = await parkEverywhere(client);
  const { newhttp: _gone, ...others } = servers;
  await gateway.configure(others);
  await eventually('newhttp was gone', 10_000, async () => (await gateway.servers()).length === 3);
  for (const { tag, waiting } of parked) {
    assert.equal(answersIn(await client.retry(waiting, accepting(waiting))).length, 1);
    await journal.untilOver(tag, 'ended');
  }
});

test('no call was left running upstream', () => journal.assertNoOrphan());
