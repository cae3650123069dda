import assert from 'node:assert/strict';
import test from 'node:test';
import { ask, batchOf, callsBy, use } from '../support/usage-items.ts';
import {
  DAY_MS,
  elsewhere,
  HOUR_MS,
  MINUTE_MS,
  NOW,
  sketched,
  usageDatabases,
} from '../support/usage-stores.ts';

for (const { name, place } of usageDatabases()) {
  test(`${name}: what was used is found again, with its counts, outcomes, tokens, cost, sizes and times`, async (t) => {
    const store = (await place(t)).open();
    await store.add(
      batchOf([
        use(),
        use({ gatewayMs: 1.5, upstreamMs: 60, tokens: 300, cost: 0.5 }),
        use({ upstreamMs: 0, series: { outcome: 'refused' } }),
      ]),
    );
    const { rows } = await store.query(ask({ by: ['consumer', 'tool'] }));
    assert.equal(rows.length, 1);
    const [row] = rows;
    assert.ok(row !== undefined);
    const { gatewayMs, upstreamMs, ...rest } = row;
    assert.deepEqual(rest, {
      at: undefined,
      series: { consumer: 'dev', tool: 'create_issue' },
      calls: 3,
      errors: 1,
      outcomes: { ok: 2, refused: 1 },
      tokens: { arguments: 30, result: 500 },
      counted: 3,
      estimates: 0,
      cost: 1,
      priced: 3,
      requestBytes: 600,
      resultChars: 9000,
    });
    assert.deepEqual([gatewayMs.count, upstreamMs.count], [3, 2]);
    assert.ok(Math.abs((gatewayMs.mean ?? 0) - 2.5 / 3) < 1e-9);
    assert.equal(upstreamMs.mean, 40);
    assert.ok(Math.abs((upstreamMs.p50 ?? 0) - 20) <= 0.4);
  });

  test(`${name}: a store that nothing was added to answers that nothing was used`, async (t) => {
    const store = (await place(t)).open();
    const { rows, notes } = await store.query(ask({ by: ['server'] }));
    assert.deepEqual([rows, notes], [[], []]);
  });

  test(`${name}: a batch that is added again, as after a lost connection, counts once`, async (t) => {
    const store = (await place(t)).open();
    const first = batchOf([use()], 'gateway-1', 1);
    await store.add(first);
    await store.add(first);
    await store.add(batchOf([use()], 'gateway-1', 2));
    await store.add(first);
    await store.add(batchOf([use()], 'gateway-2', 1));
    const { rows } = await store.query(ask());
    assert.equal(rows[0]?.calls, 3);
    assert.equal(rows[0]?.upstreamMs.count, 3);
  });

  test(`${name}: usage is there after a restart`, async (t) => {
    const here = await place(t);
    const store = here.open();
    await store.add(batchOf([use()]));
    await store.close();
    assert.equal((await here.open().query(ask())).rows[0]?.calls, 1);
    await assert.rejects(store.add(batchOf([use()])), /closed/);
  });

  test(`${name}: several processes that write at once add up, to the call and to the quantile`, async (t) => {
    const here = await place(t);
    const code = (writer: string): string => `
      const { batchOf, use } = await import(new URL('test/support/usage-items.ts', 'file://${process.cwd()}/'));
      for (let number = 1; number <= 20; number += 1) {
        const batch = batchOf([use({ upstreamMs: number }), use({ series: { tool: 't' + number } })], '${writer}', number);
        for (;;) {
          // As the sink does: what could not be added is added again.
          try { await store.add(batch); break; } catch (error) { if (!/locked|busy/.test(error.message)) throw error; }
        }
      }`;
    await Promise.all(['a', 'b', 'c'].map((writer) => elsewhere(here, code(writer))));
    const store = here.open();
    const { rows } = await store.query(ask({ by: ['tool'], filters: { tool: ['create_issue'] } }));
    assert.equal(rows[0]?.calls, 60);
    assert.equal(rows[0]?.upstreamMs.count, 60);
    assert.ok(Math.abs((rows[0]?.upstreamMs.p50 ?? 0) - 10) <= 0.2);
    for (const rollup of ['minute', 'hour', 'day'])
      assert.deepEqual(await sketched(here, rollup), [120, 120]);
  });

  test(`${name}: two gateways that make the tables at the same time both can`, async (t) => {
    const here = await place(t);
    const stores = [here.open(), here.open()];
    await Promise.all(
      stores.map((store, index) => store.add(batchOf([use()], `gateway ${index}`))),
    );
    assert.equal((await here.open().query(ask())).rows[0]?.calls, 2);
  });

  test(`${name}: rows are told apart by any dimensions and filtered by any values, of servers in any case`, async (t) => {
    const store = (await place(t)).open();
    await store.add(
      batchOf([
        use({ series: { consumer: 'a', server: 'GitHub' } }),
        use({ series: { consumer: 'a', server: 'slack', outcome: 'error' } }),
        use({ series: { consumer: 'b', server: 'GitHub', client: 'vscode' } }),
        use({ series: { consumer: '', server: '', tool: '', method: 'tools/list' } }),
      ]),
    );
    const rowsOf = async (...args: Parameters<typeof ask>): Promise<Record<string, number>> =>
      callsBy((await store.query(ask(...args))).rows);
    assert.deepEqual(await rowsOf({ by: ['consumer'] }), { a: 2, b: 1, '': 1 });
    assert.deepEqual(
      await rowsOf({ by: ['consumer', 'server'], filters: { server: ['github'] } }),
      {
        'a GitHub': 1,
        'b GitHub': 1,
      },
    );
    assert.deepEqual(await rowsOf({ filters: { consumer: ['a', 'b'], client: ['cursor'] } }), {
      '': 2,
    });
    assert.deepEqual(await rowsOf({ by: ['method'], filters: { consumer: [''] } }), {
      'tools/list': 1,
    });
    assert.deepEqual(await rowsOf({ by: ['outcome'] }), { ok: 3, error: 1 });
    assert.deepEqual(await rowsOf({ by: ['tool'], filters: { tool: ['nobody'] } }), {});
  });

  test(`${name}: names of any kind are kept as they are, and none is taken for a part of a statement`, async (t) => {
    const store = (await place(t)).open();
    const names = [
      `'; DROP TABLE usage_day; --`,
      '__proto__',
      '{"a":[1,"\\\\"]}',
      'größe 🙂 $1 ?1',
      'NULL',
      ' ',
      ',"',
    ];
    await store.add(batchOf(names.map((tool) => use({ series: { tool } }))));
    await store.add(batchOf(names.map((tool) => use({ series: { tool } }))));
    for (const tool of names) {
      const { rows } = await store.query(ask({ by: ['tool'], filters: { tool: [tool] } }));
      assert.deepEqual(
        rows.map(({ series, calls }) => [series.tool, calls]),
        [[tool, 2]],
      );
    }
  });

  test(`${name}: the first of an order are told of, over the whole time when there are steps`, async (t) => {
    const store = (await place(t)).open();
    const tools = ['rare', 'dear', 'slow', 'broken'];
    await store.add(
      batchOf([
        use({ series: { tool: 'rare' }, at: NOW - DAY_MS }),
        use({ series: { tool: 'dear' }, cost: 9, tokens: 900, at: NOW - DAY_MS }),
        use({ series: { tool: 'dear' }, cost: 9 }),
        use({ series: { tool: 'slow' }, upstreamMs: 5000, gatewayMs: 9 }),
        use({ series: { tool: 'broken', outcome: 'error' }, upstreamMs: 1 }),
      ]),
    );
    const first = async (orderBy: Parameters<typeof ask>[0] & object): Promise<unknown> =>
      (await store.query(ask({ by: ['tool'], top: 1, ...orderBy }))).rows.map(
        ({ series }) => series.tool,
      );
    assert.deepEqual(await first({ orderBy: 'calls' }), ['dear']);
    assert.deepEqual(await first({ orderBy: 'cost' }), ['dear']);
    assert.deepEqual(await first({ orderBy: 'tokens' }), ['dear']);
    assert.deepEqual(await first({ orderBy: 'bytes' }), ['dear']);
    assert.deepEqual(await first({ orderBy: 'errors' }), ['broken']);
    assert.deepEqual(await first({ orderBy: 'upstreamMs' }), ['slow']);
    assert.deepEqual(await first({ orderBy: 'gatewayMs' }), ['slow']);
    assert.deepEqual(await first({ orderBy: 'calls', step: 'day' }), ['dear', 'dear']);
    const all = await store.query(ask({ by: ['tool'] }));
    assert.deepEqual(new Set(all.rows.map(({ series }) => series.tool)), new Set(tools));
  });

  test(`${name}: steps begin at whole minutes, hours and days, in order`, async (t) => {
    const store = (await place(t)).open();
    await store.add(
      batchOf([
        use(),
        use({ at: NOW - MINUTE_MS }),
        use({ at: NOW - HOUR_MS }),
        use({ at: NOW - DAY_MS }),
      ]),
    );
    const rowsOf = async (...args: Parameters<typeof ask>): Promise<Record<string, number>> =>
      callsBy((await store.query(ask(...args))).rows);
    assert.deepEqual(await rowsOf({ step: 'day' }), {
      '2026-11-21T00:00:00.000Z': 1,
      '2026-11-22T00:00:00.000Z': 3,
    });
    assert.deepEqual(await rowsOf({ step: 'hour', from: NOW - 2 * HOUR_MS }), {
      '2026-11-22T13:00:00.000Z': 1,
      '2026-11-22T14:00:00.000Z': 2,
    });
    assert.deepEqual(await rowsOf({ step: 'minute', from: NOW - 2 * MINUTE_MS }), {
      '2026-11-22T14:34:00.000Z': 1,
      '2026-11-22T14:35:00.000Z': 1,
    });
    assert.deepEqual(await rowsOf({ step: 'day', from: NOW - DAY_MS, to: NOW - DAY_MS + 1 }), {
      '2026-11-21T00:00:00.000Z': 1,
    });
  });

  test(`${name}: what is older than it is to be kept is removed, by the minute before by the day`, async (t) => {
    const here = await place(t, { retention: { minute: 1, hour: 3, day: 10 } });
    const store = here.open();
    const days = [0, 2, 5, 20];
    await store.add(batchOf(days.map((ago) => use({ at: NOW - ago * DAY_MS }))));
    await store.prune(NOW);
    const left = async (table: string): Promise<number> =>
      Number((await here.run(`SELECT count(*) AS rows FROM ${here.table(table)}`))[0]?.['rows']);
    assert.deepEqual([await left('minute'), await left('hour'), await left('day')], [1, 2, 3]);
    const { rows, notes, from } = await store.query(ask());
    assert.equal(rows[0]?.calls, 3);
    assert.equal(from, Date.UTC(2026, 10, 12));
    assert.match(notes[0] ?? '', /is kept since 2026-11-12T00:00Z/);
    const byMinute = await store.query(ask({ step: 'minute' }));
    assert.match(byMinute.notes[0] ?? '', /by the minute is kept since 2026-11-21T14:35Z/);
  });

  test(`${name}: a writer that was not heard of for a week is forgotten, no other`, async (t) => {
    const here = await place(t);
    let now = NOW;
    const store = here.open(() => now);
    await store.add(batchOf([use()], 'old'));
    if (name === 'PostgreSQL')
      await here.run(`UPDATE mcpx_usage_writer SET at = at - interval '8 days'`);
    now += 8 * DAY_MS;
    await store.add(batchOf([use()], 'new'));
    await store.prune(now);
    const writers = await here.run(`SELECT writer FROM ${here.table('writer')}`);
    assert.deepEqual(
      writers.map(({ writer }) => writer),
      ['new'],
    );
  });

  test(`${name}: an answer of more rows than anybody reads is refused, saying what to ask instead`, async (t) => {
    const store = (await place(t)).open();
    const uses = Array.from({ length: 10_001 }, (_, index) =>
      use({ series: { tool: `tool ${index}` } }),
    );
    for (let at = 0; at < uses.length; at += 1000)
      await store.add(batchOf(uses.slice(at, at + 1000)));
    await assert.rejects(store.query(ask({ by: ['tool'] })), {
      code: 'PARAMS_INVALID',
      message: /more than 10000 rows: ask for a shorter time/,
    });
    assert.equal((await store.query(ask({ by: ['server'] }))).rows[0]?.calls, 10_001);
  });

  test(`${name}: a year of days is answered by the day, the dimension and in all`, async (t) => {
    const store = (await place(t)).open();
    for (let day = 0; day < 365; day += 1)
      await store.add(
        batchOf(
          Array.from({ length: 10 }, (_, index) =>
            use({
              at: NOW - day * DAY_MS,
              series: { consumer: `c${index % 5}`, tool: `t${index}` },
            }),
          ),
        ),
      );
    const year = { from: NOW - 364 * DAY_MS };
    const byConsumer = await store.query(ask({ ...year, by: ['consumer'] }));
    assert.deepEqual(
      byConsumer.rows.map(({ calls }) => calls),
      [730, 730, 730, 730, 730],
    );
    const byDay = await store.query(ask({ ...year, step: 'day', by: ['tool'] }));
    assert.equal(byDay.rows.length, 3650);
    const [all] = (await store.query(ask(year))).rows;
    assert.equal(all?.calls, 3650);
    assert.equal(all?.upstreamMs.count, 3650);
  });

  test(`${name}: tables of a newer version are neither read nor changed`, async (t) => {
    const here = await place(t);
    const store = here.open();
    await store.add(batchOf([use()]));
    await store.close();
    const raise =
      name === 'SQLite' ? 'PRAGMA user_version = 99' : 'UPDATE mcpx_usage_schema SET version = 99';
    await here.run(raise);
    const later = here.open();
    await assert.rejects(later.add(batchOf([use()])), /a newer version of mcpx wrote/);
    await assert.rejects(later.query(ask()), /a newer version of mcpx wrote/);
    const [row] = await here.run(`SELECT calls FROM ${here.table('day')}`);
    assert.equal(Number(row?.['calls']), 1);
  });

  test(`${name}: a total takes the rest of the first and the last hour from minutes, while they are kept`, async (t) => {
    const store = (await place(t)).open();
    const early = NOW - DAY_MS - 30 * MINUTE_MS;
    await store.add(batchOf([use({ at: early - 10 * MINUTE_MS }), use({ at: early }), use()]));
    const exact = await store.query(ask({ from: early, to: NOW - MINUTE_MS }));
    assert.equal(exact.rows[0]?.calls, 1);
    const old = NOW - 10 * DAY_MS;
    await store.add(batchOf([use({ at: old - 10 * MINUTE_MS }), use({ at: old })]));
    const widened = await store.query(ask({ from: old, to: old + HOUR_MS }));
    assert.equal(widened.rows[0]?.calls, 2);
    assert.equal(new Date(widened.from).toISOString(), '2026-11-12T14:00:00.000Z');
  });
}
