import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import type { Entry } from '../../../src/kernel/entry.ts';
import type { UsagePlan } from '../../../src/kernel/record-plan.ts';
import type { Spending } from '../../../src/kernel/spending.ts';
import type { UsageBatch, UsageRow } from '../../../src/kernel/usage.ts';
import { UsageSink } from '../../../src/record/usage/usage-sink.ts';
import { eventually } from '../../support/processes.ts';
import { ask, callsBy } from '../../support/usage-items.ts';
import { MINUTE_MS, sqlitePlace, usagePlan } from '../../support/usage-stores.ts';
import { entryOf } from './entries.ts';

/** A moment of the day of these entries. */
const { startedAt: AT } = entryOf();
const SPENDING: Spending = {
  tokens: { arguments: 12, result: 340, isEstimate: false, encoding: 'o200k_base' },
  cost: 0.002,
};

interface Bench {
  readonly sink: UsageSink;
  take(entry: Partial<Entry>, spending?: Spending): void;
  /** Closes the sink, and asks the store. */
  rows(...query: Parameters<typeof ask>): Promise<readonly UsageRow[]>;
}

/** A sink before a real store. */
function benchFor(t: TestContext, changes: Partial<UsagePlan> = {}): Bench {
  const place = sqlitePlace(t, changes);
  const keeper = place.open(() => AT + MINUTE_MS);
  const sink = new UsageSink({
    keeper,
    log: { warn: (_fields, message) => assert.fail(message) },
    writer: 'this process',
    plan: () => place.plan,
    now: () => AT,
  });
  return {
    sink,
    take: (entry, spending) => sink.take({ entry: entryOf(entry), spending }),
    rows: async (query) => {
      await sink.close();
      const time = { from: AT - MINUTE_MS, to: AT + MINUTE_MS };
      return (await keeper.query(ask({ ...time, ...query }))).rows;
    },
  };
}

test('a call is counted with its consumer, client, server, tool, outcome, sizes, tokens, cost and times', async (t) => {
  const { take, rows } = benchFor(t);
  take({ durationMs: 12.5, upstreamMs: 12 }, SPENDING);
  const [row, ...others] = await rows({
    by: ['consumer', 'client', 'server', 'tool', 'method', 'outcome'],
  });
  assert.equal(others.length, 0);
  assert.deepEqual(
    { ...row?.series },
    {
      consumer: 'dev',
      client: 'cursor',
      server: 'github',
      tool: 'create_issue',
      method: 'tools/call',
      outcome: 'ok',
    },
  );
  assert.deepEqual(
    [row?.tokens, row?.cost, row?.counted, row?.priced, row?.estimates],
    [{ arguments: 12, result: 340 }, 0.002, 1, 1, 0],
  );
  assert.deepEqual([row?.requestBytes, row?.resultChars], [120, 64]);
  assert.deepEqual([row?.gatewayMs.mean, row?.upstreamMs.mean], [0.5, 12]);
});

test('estimates and calls without a price are counted as such', async (t) => {
  const { take, rows } = benchFor(t);
  const tokens = { ...SPENDING.tokens, isEstimate: true };
  take({}, { tokens, cost: undefined });
  take({}, SPENDING);
  take({});
  const [row] = await rows();
  assert.deepEqual([row?.calls, row?.counted, row?.estimates, row?.priced], [3, 2, 1, 1]);
});

test('a call of several rounds counts once, with the one that ends it; what each round used is in the sums (R3)', async (t) => {
  const { take, rows } = benchFor(t);
  const tokens = { ...SPENDING.tokens, isEstimate: true };
  const asks = { outcome: 'input-required', durationMs: 5, upstreamMs: 4 } as const;
  take(asks, { tokens, cost: 0.002 });
  take({ ...asks, callId: 'run-1' });
  take({ callId: 'run-1', durationMs: 3, upstreamMs: 1 }, SPENDING);
  const [row, ...others] = await rows();
  assert.deepEqual(others, []);
  assert.deepEqual([row?.calls, row?.errors, { ...row?.outcomes }], [1, 0, { ok: 1 }]);
  assert.deepEqual([row?.counted, row?.priced, row?.estimates], [1, 1, 1]);
  assert.deepEqual([row?.tokens, row?.cost], [{ arguments: 24, result: 680 }, 0.004]);
  assert.deepEqual([row?.requestBytes, row?.resultChars], [360, 192]);
  const { gatewayMs, upstreamMs } = row ?? assert.fail();
  assert.deepEqual([gatewayMs.count, gatewayMs.mean], [3, 4 / 3], 'times are those of requests');
  assert.deepEqual([upstreamMs.count, upstreamMs.mean], [3, 3]);
});

test('rounds that asked their client are a row of their own by outcome, without calls (R3)', async (t) => {
  const { take, rows, sink } = benchFor(t);
  take({ outcome: 'input-required' }, SPENDING);
  take({ outcome: 'input-required' });
  const found = await rows({ by: ['outcome'] });
  assert.deepEqual(
    found.map(({ series, calls, errors }) => [series.outcome, calls, errors]),
    [['input-required', 0, 0]],
  );
  assert.equal(found[0]?.tokens.result, 340);
  assert.equal(found[0]?.gatewayMs.count, 2);
  assert.equal(sink.counts().written, 2, 'they are exchanges that were kept');
});

test('a custom tool is counted by its own name', async (t) => {
  const { take, rows } = benchFor(t);
  take({ custom: 'post_to_general', target: 'post_message' });
  assert.deepEqual(callsBy(await rows({ by: ['tool'] })), { post_to_general: 1 });
});

test('neither a URI nor a name nobody lists becomes a series', async (t) => {
  const { take, rows } = benchFor(t);
  take({ method: 'resources/read', kind: 'resource', target: 'file:///home/me/secret.txt' });
  take({ method: 'tasks/get', kind: 'task', target: 'task-77' });
  take({ outcome: 'refused', kind: undefined, upstream: undefined, target: undefined });
  assert.deepEqual(callsBy(await rows({ by: ['tool'] })), { '': 3 });
});

test('calls, lists and what servers ask are counted; what only keeps a session is not', async (t) => {
  const { take, rows } = benchFor(t);
  take({});
  take({ method: 'tools/list', kind: undefined });
  take({ method: 'sampling/createMessage', kind: 'ask', target: 'sampling' });
  take({ method: 'invented/by-a-server', kind: 'ask', target: undefined });
  take({ method: 'other', kind: 'extension', target: 'weather/now' });
  for (const method of ['initialize', 'ping', 'server/discover', 'resources/subscribe', 'other'])
    take({ method, kind: undefined });
  assert.deepEqual(callsBy(await rows({ by: ['method'] })), {
    'tools/call': 1,
    'tools/list': 1,
    'sampling/createMessage': 1,
    other: 2,
  });
});

test('every outcome is counted as itself, and all but ok are errors', async (t) => {
  const { take, rows } = benchFor(t);
  const outcomes = [
    'ok',
    'tool-error',
    'error',
    'refused',
    'timed-out',
    'cancelled',
    'crashed',
  ] as const;
  for (const [index, outcome] of outcomes.entries())
    for (let count = 0; count <= index; count += 1) take({ outcome });
  const [row] = await rows();
  assert.deepEqual(
    { ...row?.outcomes },
    Object.fromEntries(outcomes.map((outcome, index) => [outcome, index + 1])),
  );
  assert.deepEqual([row?.calls, row?.errors], [28, 27]);
});

test('an exchange counts in the minute in which it began', async (t) => {
  const { take, rows } = benchFor(t);
  take({ startedAt: AT - MINUTE_MS, durationMs: 90_000 });
  take({});
  const found = await rows({ step: 'minute', from: AT - 2 * MINUTE_MS });
  assert.deepEqual(
    found.map(({ at }) => at),
    [AT - MINUTE_MS, AT].map((at) => Math.floor(at / MINUTE_MS) * MINUTE_MS),
  );
});

test('within a minute only so many combinations are told apart; then clients, which name themselves, are one', async (t) => {
  const { take, rows } = benchFor(t, { maxSeries: 10 });
  for (let client = 0; client < 100; client += 1) take({ client: `client ${client}` });
  take({ client: 'client 0' });
  take({ client: 'late', upstream: 'slack' });
  const found = callsBy(await rows({ by: ['client', 'server'] }));
  assert.equal(Object.keys(found).length, 12);
  assert.deepEqual(
    [found['client 0 github'], found['other github'], found['other slack']],
    [2, 90, 1],
  );
});

test('when even that is too much, all names are one, and no call is lost', async (t) => {
  const { take, rows } = benchFor(t, { maxSeries: 10 });
  for (let tag = 0; tag < 500; tag += 1)
    take({ caller: { ...entryOf().caller!, consumer: `tag ${tag}` } });
  const found = await rows({ by: ['consumer', 'client', 'server', 'tool', 'outcome'] });
  assert.equal(found.length, 21);
  const rest = found.find(({ series }) => series.consumer === 'other');
  assert.deepEqual(Object.values(rest?.series ?? {}), ['other', 'other', 'other', 'other', 'ok']);
  assert.equal(
    found.reduce((calls, row) => calls + row.calls, 0),
    500,
  );
});

test('within a day ten times as many combinations are told apart', async (t) => {
  const { take, rows } = benchFor(t, { maxSeries: 5 });
  for (let minute = 0; minute < 20; minute += 1)
    for (let client = 0; client < 5; client += 1)
      take({ client: `client ${minute} ${client}`, startedAt: AT + minute * MINUTE_MS });
  const found = await rows({ by: ['client'], to: AT + 30 * MINUTE_MS });
  assert.equal(found.length, 51);
  assert.equal(found[0]?.series.client, 'other');
  assert.equal(found[0]?.calls, 50);
});

test('control characters, half characters and long names do no harm', async (t) => {
  const { take, rows } = benchFor(t);
  take({ client: 'a\u0000b\nc' });
  take({ client: 'half \ud800' });
  take({ client: 'x'.repeat(5000) });
  assert.deepEqual(callsBy(await rows({ by: ['client'] })), {
    'a\ufffdb\ufffdc': 1,
    'half \ufffd': 1,
    ['x'.repeat(200)]: 1,
  });
});

test('nothing is counted while usage is off, and all is again when it is on', async () => {
  const plan = { ...usagePlan(), isOn: false };
  const batches: UsageBatch[] = [];
  const sink = new UsageSink({
    keeper: keeperInto(batches),
    log: { warn: () => undefined },
    writer: 'w',
    plan: () => plan,
    now: () => AT,
  });
  sink.take({ entry: entryOf(), spending: undefined });
  plan.isOn = true;
  sink.take({ entry: entryOf({ target: 'other_tool' }), spending: undefined });
  await sink.close();
  sink.take({ entry: entryOf(), spending: undefined });
  await sink.close();
  const tools = batches.flatMap(({ items }) => items.map(({ series }) => series.tool));
  assert.deepEqual(tools, ['other_tool']);
});

test('counts reach the store within usage.flushMs, by themselves', async (t) => {
  const place = sqlitePlace(t, { flushMs: 10 });
  const keeper = place.open(() => AT);
  const sink = new UsageSink({
    keeper,
    log: { warn: () => undefined },
    writer: 'w',
    plan: () => place.plan,
    now: () => AT,
  });
  t.after(() => sink.close());
  for (const calls of [1, 2]) {
    sink.take({ entry: entryOf(), spending: undefined });
    await eventually('it is written', 5000, () => sink.counts().written === calls);
  }
  assert.deepEqual(sink.counts(), {
    waiting: 0,
    written: 2,
    dropped: 0,
    failures: 0,
    isFailing: false,
  });
});

test('while the store fails counts wait, the same batch comes again, and it is said once', async () => {
  const batches: UsageBatch[] = [];
  const said: string[] = [];
  let isUp = false;
  const keeper = keeperInto(batches, () => isUp);
  const plan = usagePlan({ flushMs: 5 });
  const sink = new UsageSink({
    keeper,
    log: { warn: (_fields, message) => said.push(message) },
    writer: 'w',
    plan: () => plan,
    now: () => AT,
  });
  sink.take({ entry: entryOf(), spending: undefined });
  await eventually('two attempts failed', 10_000, () => {
    sink.take({ entry: entryOf({ target: 'meanwhile' }), spending: undefined });
    return sink.counts().failures >= 2;
  });
  assert.equal(sink.counts().isFailing, true);
  isUp = true;
  await eventually('all is written', 10_000, () => sink.counts().waiting === 0);
  await sink.close();
  const numbers = batches.map(({ number }) => number);
  assert.deepEqual(numbers.slice(0, 2), [1, 1]);
  assert.deepEqual(batches[0]?.items, batches[1]?.items);
  assert.equal(numbers.filter((number) => number === 1).length, sink.counts().failures + 1);
  assert.equal(said.length, 2);
  assert.match(said[0] ?? '', /usage cannot be kept now, and waits in memory: down/);
  assert.match(said[1] ?? '', /usage is kept again/);
});

test('what waits is bounded: the oldest is dropped, and its calls are counted', async () => {
  const batches: UsageBatch[] = [];
  let isUp = false;
  const plan = usagePlan({ maxSeries: 100_000, flushMs: 60_000 });
  const sink = new UsageSink({
    keeper: keeperInto(batches, () => isUp),
    log: { warn: () => undefined },
    writer: 'w',
    plan: () => plan,
    now: () => AT,
  });
  for (let index = 0; index < 20_500; index += 1)
    sink.take({ entry: entryOf({ client: `client ${index}` }), spending: undefined });
  await sink.close();
  isUp = true;
  await sink.close();
  const { written, dropped, waiting } = sink.counts();
  assert.equal(waiting, 0);
  assert.equal(dropped, 500);
  assert.equal(written, 20_000);
  assert.equal(batches[0]?.items[0]?.series.client, 'client 500');
});

test('what is old is removed at the first writing and once an hour, and a failure of that harms nothing', async () => {
  const pruned: number[] = [];
  const said: string[] = [];
  let now = AT;
  const plan = usagePlan({ flushMs: 1 });
  const sink = new UsageSink({
    keeper: {
      batchItems: 10,
      add: async () => undefined,
      prune: async (at) => {
        pruned.push(at);
        if (pruned.length > 1) throw new Error('no');
      },
    },
    log: { warn: (_fields, message) => said.push(message) },
    writer: 'w',
    plan: () => plan,
    now: () => now,
  });
  const write = async (): Promise<void> => {
    const { written } = sink.counts();
    sink.take({ entry: entryOf(), spending: undefined });
    await eventually('it is written', 5000, () => sink.counts().written > written);
  };
  await write();
  await write();
  assert.deepEqual(pruned, [AT]);
  now += 3_600_000;
  await write();
  await eventually('it is said', 5000, () => said.length > 0);
  assert.deepEqual(pruned, [AT, now]);
  assert.match(said[0] ?? '', /old usage cannot be removed now: no/);
  await write();
  await sink.close();
});

/** A keeper of another making: what a store with a gate before it would get. */
function keeperInto(
  batches: UsageBatch[],
  isUp = () => true,
): ConstructorParameters<typeof UsageSink>[0]['keeper'] {
  return {
    batchItems: 1000,
    add: async (batch) => {
      batches.push(batch);
      if (!isUp()) {
        throw new Error('down');
      }
    },
    prune: async () => undefined,
  };
}

test('a number that is none counts as nothing, and keeps no other from being kept', async (t) => {
  const { take, rows } = benchFor(t);
  const tokens = { ...SPENDING.tokens, arguments: Number.NaN, result: 1.6 };
  take({ durationMs: Number.NaN, upstreamMs: -3, requestBytes: Infinity }, { tokens, cost: NaN });
  take({}, SPENDING);
  const [row] = await rows();
  assert.deepEqual(
    [row?.calls, row?.tokens, row?.cost, row?.requestBytes, row?.upstreamMs.count],
    [2, { arguments: 12, result: 342 }, 0.002, 120, 1],
  );
});
