import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import test, { after, before, type TestContext } from 'node:test';
import { UsageSink } from '../../src/record/usage/usage-sink.ts';
import { PostgresUsageStore } from '../../src/store/usage/postgres-usage-store.ts';
import { PASSWORD, TestPostgres } from '../support/postgres.ts';
import { eventually } from '../support/processes.ts';
import { ask, batchOf, use } from '../support/usage-items.ts';
import { usagePlan } from '../support/usage-stores.ts';
import { entryOf } from '../unit/record/entries.ts';

const { startedAt: AT } = entryOf();
const LONG_MS = 30_000;

let server: TestPostgres;
before(async () => {
  server = await TestPostgres.start();
});
after(() => server.end());

interface Gateway {
  readonly sink: UsageSink;
  readonly store: PostgresUsageStore;
  readonly said: string[];
  /** Counts some calls. */
  call(times: number): void;
  /** What the database has of calls. */
  kept(): Promise<number>;
}

let gateways = 0;

/** What a gateway has to count with. */
function gatewayOn(t: TestContext, url: string): Gateway {
  const said: string[] = [];
  const plan = usagePlan({ database: url, flushMs: 20 });
  const retention = (): typeof plan.retention => plan.retention;
  const times = { connectMs: 1000, statementMs: 1000 };
  const store = new PostgresUsageStore({ url, retention, now: () => AT, times });
  const sink = new UsageSink({
    keeper: store,
    log: { warn: (fields, message) => said.push(`${message} ${JSON.stringify(fields)}`) },
    writer: `gateway ${(gateways += 1)}`,
    plan: () => plan,
    now: () => AT,
  });
  t.after(async () => {
    await sink.close();
    await store.close();
  });
  const call = (times: number): void => {
    for (let index = 0; index < times; index += 1)
      sink.take({ entry: entryOf({ target: `tool ${index % 7}` }), spending: undefined });
  };
  const kept = async (): Promise<number> => {
    const [row] = await server.run(url, 'SELECT sum(calls) AS calls FROM mcpx_usage_day');
    return Number(row?.['calls']);
  };
  return { sink, store, said, call, kept };
}

function written(sink: UsageSink, calls: number): Promise<true> {
  return eventually(
    `${calls} calls are written`,
    LONG_MS,
    () => sink.counts().written >= calls || undefined,
    () => sink.counts(),
  ).then(() => true);
}

test('a database that is down at the start is written to when it comes, and nothing is lost', async (t) => {
  const url = await server.database();
  await server.crash();
  const { sink, said, call, kept } = gatewayOn(t, url);
  call(50);
  await eventually('it was tried', LONG_MS, () => sink.counts().failures >= 2);
  call(50);
  assert.equal(sink.counts().isFailing, true);
  await server.launch();
  await written(sink, 100);
  assert.deepEqual([await kept(), sink.counts().dropped], [100, 0]);
  assert.equal(said.length, 2, 'a failure is told once, and that it is over');
  assert.match(
    said[0] ?? '',
    /usage cannot be kept now.*127\.0\.0\.1:\d+\/usage_\d+.*ECONNREFUSED/,
  );
});

test('a database that crashes and comes back, again and again, has every call once at the end', async (t) => {
  const url = await server.database();
  const { sink, call, kept } = gatewayOn(t, url);
  let calls = 0;
  for (let crash = 0; crash < 3; crash += 1) {
    const end = performance.now() + 300;
    while (performance.now() < end) {
      call(20);
      calls += 20;
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
    await server.crash();
    call(20);
    calls += 20;
    await server.launch();
    await written(sink, calls);
  }
  assert.equal(await kept(), calls);
  assert.equal(sink.counts().dropped, 0);
});

test('a database that no longer answers holds up no call, and gets its counts when it answers again', async (t) => {
  const url = await server.database();
  const { sink, call, kept } = gatewayOn(t, url);
  call(10);
  await written(sink, 10);
  server.pause();
  try {
    call(10);
    await eventually('it was given up', LONG_MS, () => sink.counts().failures >= 1);
    call(10);
  } finally {
    server.resume();
  }
  await written(sink, 30);
  assert.equal(await kept(), 30);
});

test('a gateway that closes while the database does not answer ends all the same', async (t) => {
  const url = await server.database();
  const { sink, store, call } = gatewayOn(t, url);
  call(10);
  await written(sink, 10);
  server.pause();
  try {
    call(10);
    await sink.close();
    await store.close();
  } finally {
    server.resume();
  }
  assert.equal(sink.counts().written, 10);
});

test('a connection that an operator ends is made again', async (t) => {
  const url = await server.database();
  const { sink, call, kept } = gatewayOn(t, url);
  call(5);
  await written(sink, 5);
  const ended = await server.run(
    url,
    `SELECT pg_terminate_backend(pid) AS done FROM pg_stat_activity WHERE application_name = 'mcpx'`,
  );
  assert.ok(ended.length > 0);
  call(5);
  await written(sink, 10);
  assert.equal(await kept(), 10);
});

test('two gateways on one database add up, to the call', async (t) => {
  const url = await server.database();
  const both = [gatewayOn(t, url), gatewayOn(t, url)];
  for (let round = 0; round < 20; round += 1) {
    for (const { call } of both) call(21);
    await new Promise((resolve) => {
      setTimeout(resolve, 10);
    });
  }
  await Promise.all(both.map(({ sink }) => written(sink, 420)));
  const [first] = both;
  assert.equal(await first?.kept(), 840);
  const time = { from: AT - 1000, to: AT + 1000 };
  const { rows } = (await first?.store.query(ask({ ...time, by: ['tool'] }))) ?? { rows: [] };
  assert.deepEqual(
    rows.map(({ calls, upstreamMs }) => [calls, upstreamMs.count]),
    Array.from({ length: 7 }, () => [120, 120]),
  );
});

test('tables that are gone are made anew', async (t) => {
  const url = await server.database();
  const { sink, call, kept } = gatewayOn(t, url);
  call(5);
  await written(sink, 5);
  const names = ['minute', 'hour', 'day', 'writer', 'schema'];
  await server.run(url, `DROP TABLE ${names.map((name) => `mcpx_usage_${name}`).join(', ')}`);
  call(5);
  await written(sink, 10);
  assert.equal(await kept(), 5);
});

test('a password is in no error, whatever goes wrong', async (t) => {
  const url = await server.database();
  const [, database] = /\/([^/]+)$/.exec(url) ?? [];
  const wrong = 'wr0ng:pass/word-2718';
  const urls = [
    server.url(database ?? '', wrong),
    server.url('no_such_database'),
    url.replace(/:\d+\//, ':1/'),
    url.replace('127.0.0.1', 'no-such-host.invalid'),
    `${url}?sslmode=verify-full`,
  ];
  const secrets = [PASSWORD, wrong, encodeURIComponent(PASSWORD), encodeURIComponent(wrong)];
  for (const each of urls) {
    const retention = { minute: 1, hour: 1, day: 1 };
    const store = new PostgresUsageStore({ url: each, retention: () => retention, now: () => AT });
    t.after(() => store.close());
    for (const attempt of [() => store.add(batchOf([use()])), () => store.query(ask())]) {
      const error: unknown = await attempt().then(
        () => undefined,
        (failure: unknown) => failure,
      );
      assert.ok(error instanceof Error, `${each} should fail`);
      const told = `${inspect(error, { depth: 9, showHidden: true })} ${JSON.stringify(error)} ${error.stack}`;
      for (const secret of secrets) assert.ok(!told.includes(secret), told);
      assert.match(error.message, /^PostgreSQL at [\w.-]+:\d+\/\w+: ./);
    }
  }
});

test('what is no address of a database is refused without being told', () => {
  const retention = { minute: 1, hour: 1, day: 1 };
  for (const url of ['mysql://me:s3cret@host/db', 's3cret', 'postgres://me:s3cret@host:x/db'])
    assert.throws(
      () => new PostgresUsageStore({ url, retention: () => retention, now: () => AT }),
      (error: Error) =>
        /no address of a PostgreSQL/.test(error.message) && !/s3cret/.test(inspect(error)),
    );
});
