import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { usageStore } from '../../src/wiring/usage-store.ts';
import { Workplace } from '../support/command.ts';
import { startNode } from '../support/conformance-processes.ts';
import { echoServer, TestGateway } from '../support/gateway.ts';
import { RawSession } from '../support/gateway-session.ts';
import { PASSWORD, TestPostgres } from '../support/postgres.ts';
import { eventually } from '../support/processes.ts';
import { batchOf, use, type Use } from '../support/usage-items.ts';
import { DAY_MS, HOUR_MS, usagePlan } from '../support/usage-stores.ts';

/** The middle of a day, not long ago. */
const AT = Math.floor(Date.now() / DAY_MS) * DAY_MS - 3.5 * DAY_MS;
const DAY = new Date(AT).toISOString().slice(0, 10);
const NEXT = new Date(AT + DAY_MS).toISOString().slice(0, 10);
const ON_THAT_DAY = ['--from', DAY, '--to', NEXT];

const USES: readonly Use[] = [
  ...Array.from({ length: 3 }, () => use({ at: AT, cost: 0.5 })),
  use({ at: AT, cost: 2, series: { outcome: 'refused', consumer: '' }, upstreamMs: 0 }),
  use({ at: AT + HOUR_MS, cost: 0.001, series: { server: 'slack', tool: 'post_message' } }),
  use({ at: AT, series: { server: '', tool: '', method: 'tools/list' }, upstreamMs: 0 }),
];

async function placeWith(t: TestContext, uses: readonly Use[], app = ''): Promise<Workplace> {
  const place = await Workplace.make(t, app);
  const plan = usagePlan();
  const dataDir = place.env['MCPX_DATA_DIR'] ?? '';
  const store = usageStore({ dataDir, plan: () => plan, now: Date.now });
  if (uses.length > 0) await store.add(batchOf(uses));
  await store.close();
  return place;
}

test('mcpx usage prints who called what, how often, at what cost and how fast', async (t) => {
  const place = await placeWith(t, USES);
  const { code, out, err } = await place.run('usage', ...ON_THAT_DAY);
  assert.equal(code, 0, err);
  assert.equal(
    out,
    `${DAY} 00:00 to ${NEXT} 00:00 UTC; times are p50, p95 and p99
SERVER  TOOL          CALLS  ERRORS         TOKENS  COST    GATEWAY MS         UPSTREAM MS
github  create_issue  4      1 (1 refused)  440     $3.50   0.503 0.503 0.503  20 20 20
slack   post_message  1      0              110     $0.001  0.503 0.503 0.503  20 20 20
`,
  );
  assert.equal(err, '');
});

test('mcpx usage answers by any dimension, step and filter, and by the order that is asked for', async (t) => {
  const place = await placeWith(t, USES);
  const lines = async (...args: readonly string[]): Promise<string[]> => {
    const { code, out, err } = await place.run('usage', ...ON_THAT_DAY, ...args);
    assert.equal(code, 0, err);
    return out
      .split('\n')
      .slice(2, -1)
      .map((line) => line.replaceAll(/ {2,}/gu, '|').split('|').slice(0, 3).join(' '));
  };
  assert.deepEqual(await lines('--by', 'consumer'), ['dev 4 0', '- 1 1 (1 refused)']);
  assert.deepEqual(await lines('--by', 'consumer', '--order-by', 'cost'), [
    '- 1 1 (1 refused)',
    'dev 4 0',
  ]);
  assert.deepEqual(await lines('--by', 'server', '--step', 'hour', '--consumer', 'dev'), [
    `${DAY} 12:00 github 3`,
    `${DAY} 13:00 slack 1`,
  ]);
  assert.deepEqual(await lines('--by', 'tool', '--server', 'SLACK'), ['post_message 1 0']);
  assert.deepEqual(await lines('--by', 'method', '--top', '1'), ['tools/call 5 1 (1 refused)']);
  assert.deepEqual(await lines('--by', '', '--method', '*'), ['6 1 (1 refused) 660']);
});

test('mcpx usage --json prints what GET /admin/usage answers', async (t) => {
  const gateway = await TestGateway.start(t, {
    servers: { e: echoServer() },
    app: { usage: { flushMs: 50 } },
  });
  await gateway.whenReady('e');
  const session = await RawSession.open(gateway.url, { name: 'a-client' });
  for (let call = 0; call < 3; call += 1) await session.call('e__echo', { text: 'hello' });
  const question = 'last=1h&by=server,tool,client,outcome';
  const page = async (): Promise<Record<string, unknown>> => {
    const response = await fetch(`${gateway.base}/admin/usage?${question}`);
    assert.equal(response.headers.get('content-type'), 'application/json');
    return (await response.json()) as Record<string, unknown>;
  };
  const told = await eventually('three calls are told of', 15_000, async () => {
    const answer = await page();
    return JSON.stringify(answer).includes('"calls":3') ? answer : undefined;
  });
  const [row] = told['rows'] as Record<string, unknown>[];
  const { server, tool, client, outcome } = row ?? {};
  assert.deepEqual([server, tool, client, outcome], ['e', 'echo', 'a-client', 'ok']);
  const args = ['usage', '--last', '1h', '--by', 'server,tool,client,outcome', '--json'];
  const command = startNode(['bin/mcpx.js', ...args], gateway.env);
  assert.equal(await command.exited, 0, command.output());
  assert.deepEqual((JSON.parse(command.output()) as typeof told)['rows'], told['rows']);
  const bad = await fetch(`${gateway.base}/admin/usage?by=user`);
  assert.equal(bad.status, 400);
  assert.match(await bad.text(), /query parameter by: give consumer, client, server/);
});

test('mcpx usage says so when nothing was used, or nothing is counted', async (t) => {
  const place = await placeWith(t, []);
  const nothing = await place.run('usage', ...ON_THAT_DAY);
  assert.deepEqual(
    [nothing.code, nothing.out],
    [0, `Nothing was used from ${DAY} 00:00 to ${NEXT} 00:00 UTC.\n`],
  );
  const off = await placeWith(t, [], 'usage: { enabled: false }');
  assert.match((await off.run('usage')).err, /usage is not counted while usage\.enabled/);
});

test('mcpx usage says what is an estimate, what has no price and what is left out', async (t) => {
  const many = Array.from({ length: 21 }, (_, index) =>
    use({ at: AT, series: { tool: `tool ${index}` } }),
  );
  const place = await placeWith(t, many);
  const plan = usagePlan();
  const dataDir = place.env['MCPX_DATA_DIR'] ?? '';
  const store = usageStore({ dataDir, plan: () => plan, now: Date.now });
  const batch = batchOf([use({ at: AT }), use({ at: AT })]);
  const items = batch.items.map((item, index) => ({
    ...item,
    counts: { ...item.counts, estimates: 1, priced: index },
  }));
  await store.add({ ...batch, items });
  await store.close();
  const unsure = await place.run('usage', ...ON_THAT_DAY, '--tool', 'create_issue');
  assert.match(unsure.out, / {2}~220 {4}>\$0\.5 {2}/u);
  assert.match(unsure.err, /^~ A part of these tokens is an estimate\.$/mu);
  assert.match(unsure.err, /^> Some of these calls have no price: /mu);
  const cut = await place.run('usage', ...ON_THAT_DAY);
  assert.equal(cut.out.split('\n').length, 23);
  assert.match(cut.err, /At most 20 are shown, those with the most calls; --top shows more\./);
  const old = await place.run('usage', '--from', '2020-01-01', '--by', 'server');
  assert.match(old.err, /Usage is kept since \d{4}-\d\d-\d\dT00:00Z; what was before is not in/);
});

test('mcpx usage refuses what cannot be answered, naming the option, with exit code 2', async (t) => {
  const place = await placeWith(t, []);
  const cases: [args: string[], message: RegExp][] = [
    [['--last', '7'], /^mcpx: --last: give a time such as 7d/],
    [['--by', 'user'], /^mcpx: --by: give consumer, client, /],
    [['--order-by', 'name'], /^mcpx: --order-by: give calls, errors, /],
    [['--from', '2026-02-01', '--last', '1d'], /^mcpx: --last: give this or --from, not both/],
  ];
  for (const [args, message] of cases) {
    const { code, out, err } = await place.run('usage', ...args);
    assert.deepEqual([code, out], [2, '']);
    assert.match(err, message);
  }
});

test('mcpx usage reads the database that is configured, and never tells its password', async (t) => {
  const server = await TestPostgres.start();
  t.after(() => server.end());
  const database = await server.database();
  const plan = usagePlan({ database });
  const store = usageStore({ dataDir: '', plan: () => plan, now: Date.now });
  await store.add(batchOf(USES));
  await store.close();
  const place = await Workplace.make(t, `usage: { database: ${JSON.stringify(database)} }`);
  const { code, out, err } = await place.run('usage', ...ON_THAT_DAY);
  assert.equal(code, 0, err);
  assert.match(out, /\ngithub {2}create_issue {2}4 /u);
  await server.crash();
  const down = await place.run('usage');
  assert.equal(down.code, 1);
  assert.match(
    down.err,
    /^mcpx: Usage cannot be read: PostgreSQL at 127\.0\.0\.1:\d+\/\w+: .*ECONN/,
  );
  for (const secret of [PASSWORD, encodeURIComponent(PASSWORD)])
    assert.ok(!`${out}${err}${down.out}${down.err}`.includes(secret));
});
