import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, type TestContext } from 'node:test';
import type { UsagePlan } from '../../src/kernel/record-plan.ts';
import { Sketch } from '../../src/kernel/sketch.ts';
import type { UsageStore } from '../../src/store/usage/usage-store.ts';
import { usageFile, usageStore } from '../../src/wiring/usage-store.ts';
import { ROOT } from './conformance-processes.ts';
import { TestPostgres } from './postgres.ts';

export const DAY_MS = 86_400_000;
export const HOUR_MS = 3_600_000;
export const MINUTE_MS = 60_000;
/** The moment at which these tests take place: a Sunday afternoon. */
export const NOW = Date.UTC(2026, 10, 22, 14, 35, 20);

/** A place where usage is kept: empty, and everything in it the test's own. */
export interface UsagePlace {
  readonly dataDir: string;
  readonly plan: UsagePlan;
  /** Opens a store here, as a gateway does; closed with the test. */
  open(now?: () => number): UsageStore;
  /** Runs statements on the database, beside the store. */
  run(text: string): Promise<Record<string, unknown>[]>;
  /** A table or its name in this kind of database. */
  table(name: string): string;
}

/** Makes places of one kind. */
export interface UsageDatabase {
  readonly name: string;
  place(t: TestContext, changes?: Partial<UsagePlan>): Promise<UsagePlace>;
}

/** How many calls a place's rollups of a length have, and how many values are in their sketches. */
export async function sketched(place: UsagePlace, rollup: string): Promise<[number, number]> {
  const rows = await place.run(`SELECT calls, gateway_sketch FROM ${place.table(rollup)}`);
  const sketch = new Sketch();
  for (const row of rows) sketch.add(row['gateway_sketch'] as Uint8Array);
  return [rows.reduce((calls, row) => calls + Number(row['calls']), 0), sketch.count];
}

/** Both kinds of databases; a real PostgreSQL server runs while the tests of the file do. */
export function usageDatabases(): readonly UsageDatabase[] {
  let server: TestPostgres | undefined;
  before(async () => {
    server = await TestPostgres.start();
  });
  after(() => server?.end());
  return [
    { name: 'SQLite', place: async (t, changes) => sqlitePlace(t, changes) },
    {
      name: 'PostgreSQL',
      place: async (t, changes) => {
        if (server === undefined) throw new Error('PostgreSQL was not started');
        return postgresPlace(t, server, changes);
      },
    },
  ];
}

/** A plan for tests: hardly anything waits. */
export function usagePlan(changes: Partial<UsagePlan> = {}): UsagePlan {
  const retention = { minute: 2, hour: 60, day: 730 };
  return { isOn: true, database: undefined, flushMs: 20, maxSeries: 1000, retention, ...changes };
}

/** A place in a file. */
export function sqlitePlace(t: TestContext, changes?: Partial<UsagePlan>): UsagePlace {
  const dataDir = mkdtempSync(join(tmpdir(), 'mcpx-usage-'));
  t.after(() => rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 }));
  const run: UsagePlace['run'] = async (text) => {
    const database = new DatabaseSync(usageFile(dataDir));
    try {
      return database.prepare(text).all();
    } finally {
      database.close();
    }
  };
  return placeOf(t, { dataDir, plan: usagePlan(changes), run, table: (name) => `usage_${name}` });
}

/** A place in a new database of a server. */
export async function postgresPlace(
  t: TestContext,
  server: TestPostgres,
  changes?: Partial<UsagePlan>,
): Promise<UsagePlace> {
  const database = await server.database();
  const plan = usagePlan({ ...changes, database });
  const run: UsagePlace['run'] = (text) => server.run(database, text);
  return placeOf(t, { dataDir: '', plan, run, table: (name) => `mcpx_usage_${name}` });
}

function placeOf(t: TestContext, place: Omit<UsagePlace, 'open'>): UsagePlace {
  const { dataDir, plan } = place;
  const open: UsagePlace['open'] = (now = () => NOW) => {
    const store = usageStore({ dataDir, plan: () => plan, now });
    t.after(() => store.close());
    return store;
  };
  return { ...place, open };
}

/** Runs some code in another process, with a store of this place as `store`; resolves with what it prints. */
export async function elsewhere(place: UsagePlace, code: string): Promise<string> {
  const child = startElsewhere(place, code);
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  const [status] = (await once(child, 'close')) as [number | null];
  if (status !== 0) throw new Error(`The other process ended with ${status}: ${said}`);
  return said;
}

/** Starts some code in another process, with a store of this place as `store`. */
export function startElsewhere({ dataDir, plan }: UsagePlace, code: string) {
  const whole = `
    import { usageStore } from '${ROOT}src/wiring/usage-store.ts';
    import { UsageSink } from '${ROOT}src/record/usage/usage-sink.ts';
    import { entryOf } from '${ROOT}test/unit/record/entries.ts';
    const [dataDir, plan] = JSON.parse(process.argv[1]);
    const store = usageStore({ dataDir, plan: () => plan, now: () => ${NOW} });
    ${code}
    await store.close();`;
  return spawn(
    process.execPath,
    ['--input-type=module', '-e', whole, JSON.stringify([dataDir, plan])],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
}
