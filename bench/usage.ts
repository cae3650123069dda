// `node bench/usage.ts`: what usage costs to count, to keep and to ask for, in a file and in PostgreSQL.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { Sketch } from '../src/kernel/sketch.ts';
import type { Counts, UsageItem, UsageQuery } from '../src/kernel/usage.ts';
import { UsageSink } from '../src/record/usage/usage-sink.ts';
import type { UsageStore } from '../src/store/usage/usage-store.ts';
import { usageStore } from '../src/wiring/usage-store.ts';
import { TestPostgres } from '../test/support/postgres.ts';
import { ask } from '../test/support/usage-items.ts';
import { DAY_MS, NOW, usagePlan } from '../test/support/usage-stores.ts';
import { entryOf } from '../test/unit/record/entries.ts';

const DAYS = 90;
const SERIES = 500;
/** Of each series on each day: a busy gateway, and sketches as full as they get. */
const CALLS = 1000;
const PROTOTYPES = 200;
const ROUNDS = 9;
const TAKES = 400_000;

const COUNTS: Counts = {
  calls: CALLS,
  gatewayMs: 300,
  upstreamCalls: CALLS,
  upstreamMs: 50_000,
  counted: CALLS,
  estimates: 0,
  argumentTokens: 40_000,
  resultTokens: 300_000,
  priced: CALLS,
  cost: 0.4,
  requestBytes: 300_000,
  resultChars: 1_000_000,
};

/** Times around a middle, most within a factor of three. */
function timesAround(middle: number): Uint8Array {
  const sketch = new Sketch();
  for (let call = 0; call < CALLS; call += 1) {
    const turn = ((call * 7919) % CALLS) / CALLS + ((call * 104_729) % 997) / 997;
    sketch.accept(middle * Math.exp((turn - 1) * 1.8));
  }
  return sketch.encode();
}

const prototypes = Array.from({ length: PROTOTYPES }, (_, index) => ({
  gateway: timesAround(0.3),
  upstream: timesAround(20 + index),
}));

const NONE = { gateway: new Uint8Array(0), upstream: new Uint8Array(0) };

function itemOf(day: number, index: number): UsageItem {
  const { gateway, upstream } = prototypes[(day * 7 + index) % PROTOTYPES] ?? NONE;
  const series = {
    consumer: `team-${(index * 7) % 20}`,
    client: ['cursor', 'claude-code', 'vscode'][index % 3] ?? '',
    server: `server-${index % 10}`,
    tool: `do_thing_${index}`,
    method: 'tools/call',
    outcome: index % 10 === 0 ? 'error' : 'ok',
  };
  return { start: NOW - (NOW % DAY_MS) - day * DAY_MS, series, counts: COUNTS, gateway, upstream };
}

const QUESTIONS: readonly (readonly [name: string, query: UsageQuery])[] = [
  ['7 days by consumer and tool', ask({ from: NOW - 7 * DAY_MS, by: ['consumer', 'tool'] })],
  ['30 days by consumer', ask({ from: NOW - 30 * DAY_MS, by: ['consumer'] })],
  ['90 days by consumer', ask({ by: ['consumer'] })],
  ['90 days by consumer and day', ask({ by: ['consumer'], step: 'day' })],
  ['90 days of one consumer by tool', ask({ by: ['tool'], filters: { consumer: ['team-3'] } })],
];

function median(times: readonly number[]): string {
  return (times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0).toFixed(1);
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
}

async function measure(name: string, store: UsageStore): Promise<void> {
  process.stdout.write(`\n${name}: ${DAYS} days of ${SERIES} series\n`);
  const times: number[] = [];
  let number = 0;
  for (let day = 0; day < DAYS; day += 1) {
    const items = Array.from({ length: SERIES }, (_, index) => itemOf(day, index));
    for (let at = 0; at < items.length; at += store.batchItems) {
      const batch = {
        writer: 'bench',
        number: (number += 1),
        items: items.slice(at, at + store.batchItems),
      };
      times.push(await timed(() => store.add(batch)));
    }
  }
  print(`add ${store.batchItems} items`, times);
  for (const [question, query] of QUESTIONS) {
    const rounds: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1)
      rounds.push(await timed(() => store.query(query)));
    print(question, rounds);
  }
  await store.close();
}

function print(what: string, times: readonly number[]): void {
  process.stdout.write(`  ${what.padEnd(36)} ${median(times).padStart(8)} ms\n`);
}

async function measureCounting(): Promise<void> {
  const plan = usagePlan();
  const sink = new UsageSink({
    keeper: { batchItems: 1000, add: async () => undefined, prune: async () => undefined },
    log: { warn: () => undefined },
    writer: 'bench',
    plan: () => plan,
    now: () => NOW,
  });
  const taken = Array.from({ length: PROTOTYPES }, (_, index) => ({
    entry: entryOf({ target: `tool_${index}` }),
    spending: undefined,
  }));
  const rounds: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const begin = performance.now();
    for (let call = 0; call < TAKES; call += 1) sink.take(taken[call % PROTOTYPES] ?? taken[0]!);
    rounds.push(((performance.now() - begin) * 1000) / TAKES);
  }
  await sink.close();
  process.stdout.write(`counting one call ${median(rounds)} us\n`);
}

await measureCounting();
const folder = mkdtempSync(join(tmpdir(), 'mcpx-bench-usage-'));
const server = await TestPostgres.start();
try {
  const place = (database?: string): UsageStore => {
    const plan = usagePlan({ database });
    return usageStore({ dataDir: folder, plan: () => plan, now: () => NOW });
  };
  await measure('SQLite', place());
  await measure('PostgreSQL', place(await server.database()));
} finally {
  await server.end();
  rmSync(folder, { recursive: true, force: true });
}
