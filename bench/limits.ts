// `node bench/limits.ts`: what limits cost a call, by how many of them there are, and how long a plan of a thousand takes to compile.
import process from 'node:process';
import { Limits } from '../src/guard/limits/limits.ts';
import type { LimitPlan } from '../src/kernel/limits-plan.ts';
import { Principal } from '../src/kernel/principal.ts';
import type { Target } from '../src/kernel/target.ts';

const ROUNDS = 15;
const CALLS = 100_000;
const TOOLS = 1_000;
const SERVERS = 20;
const MANY = 1_000;

const PLENTY = 1e12;

/** Every kind of limit in turn, none of which is ever reached. */
function limit(index: number, fields: Partial<LimitPlan>): LimitPlan {
  const kinds: readonly Partial<LimitPlan>[] = [
    { rate: { calls: PLENTY, perMs: 1000, burst: PLENTY } },
    { concurrency: PLENTY },
    { budget: { window: 'day', calls: PLENTY, tokens: PLENTY, cost: undefined } },
  ];
  return {
    id: `limit-${index}`,
    mode: 'enforce',
    consumers: undefined,
    groups: undefined,
    clients: undefined,
    servers: undefined,
    tools: undefined,
    per: ['consumer', 'server'],
    rate: undefined,
    concurrency: undefined,
    budget: undefined,
    maxResultBytes: undefined,
    warnAt: 1,
    ...kinds[index % kinds.length],
    ...fields,
  };
}

/** Limits for the caller, and others that are for somebody else. */
function plans(mine: number, others: number): LimitPlan[] {
  const forMe = Array.from({ length: mine }, (_, index) =>
    limit(index, { consumers: ['agents'], tools: ['server*/read_*'] }),
  );
  const forOthers = Array.from({ length: others }, (_, index) =>
    limit(mine + index, { consumers: [`consumer-${index}`] }),
  );
  return [...forOthers, ...forMe];
}

interface Subject {
  readonly name: string;
  readonly limits: Limits;
  /** Milliseconds its plan took to compile. */
  readonly compileMs: number;
}

function subject(name: string, mine: number, others: number): Subject {
  const limits = new Limits({
    now: () => Date.now(),
    monotonic: () => performance.now(),
    // What the store costs is spent twice a second, whatever number of calls there are.
    openStore: () => ({ load: () => [], exchange: () => [], close: () => undefined }),
    log: { warn: () => undefined },
  });
  const plan = { showsState: false, limits: plans(mine, others) };
  const began = performance.now();
  limits.apply(plan, {});
  return { name, limits, compileMs: performance.now() - began };
}

const targets: readonly Target[] = Array.from({ length: TOOLS }, (_, index) => {
  const upstream = `server${index % SERVERS}`;
  const name = `read_${index}`;
  return { kind: 'tool', upstream, name, publicName: `${upstream}__${name}` };
});
const principal = Principal.prove({ credential: 'key:1', proof: 'api-key', consumer: 'agents' });
const NOTHING = { arguments: 1, result: 1, isEstimate: false, encoding: 'o200k_base' };

/** Nanoseconds a call took: admitted, released and settled. */
function timed({ limits }: Subject): number {
  const started = process.hrtime.bigint();
  for (let index = 0; index < CALLS; index += 1) {
    const target = targets[(index * 7) % TOOLS];
    if (target === undefined) continue;
    const id = `x-${index}`;
    limits.admit({ id, principal, target, method: 'tools/call', isRetry: false })?.release();
    limits.take({ entry: { id } as never, spending: { tokens: NOTHING, cost: undefined } });
  }
  return Number(process.hrtime.bigint() - started) / CALLS;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}

const subjects = [
  subject('no limit', 0, 0),
  subject('1,000 limits for others', 0, MANY),
  subject('1 limit', 1, 0),
  subject('20 limits', 20, 0),
  subject('20 limits of 1,020', 20, MANY),
];
for (const each of subjects) timed(each);
const rounds = Array.from({ length: ROUNDS }, () => subjects.map((each) => timed(each)));

process.stdout.write(
  `${ROUNDS} rounds of ${CALLS} calls to ${TOOLS} tools; Node ${process.version}\n\n`,
);
for (const [index, { name, compileMs }] of subjects.entries()) {
  const times = rounds.map((round) => (round[index] ?? Number.NaN) / 1000);
  const range = `${Math.min(...times).toFixed(2)}-${Math.max(...times).toFixed(2)}`;
  process.stdout.write(
    `${name.padEnd(26)} ${median(times).toFixed(2).padStart(6)} us a call (${range})` +
      `   compiled in ${compileMs.toFixed(1)} ms\n`,
  );
}
