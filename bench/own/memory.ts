import { setTimeout as sleep } from 'node:timers/promises';
import { ORDER } from '../load/order.ts';
import { Worker } from '../load/worker.ts';
import { line, once, type Line, type Outcome } from '../outcome.ts';
import { residentBytes } from '../proc.ts';
import { loadOnce } from '../rounds.ts';
import type { Pace } from '../scenario.ts';
import { CONFIGURATIONS } from '../sides/configurations.ts';
import { memoryOf } from '../sides/heap.ts';
import { startGateway, stdioServer } from '../sides/sides.ts';
import type { Subject } from '../sides/subject.ts';

const SERVERS = { bench: stdioServer() };
const MANAGED = { ...CONFIGURATIONS.gateway, name: 'gateway', servers: SERVERS };
const ESSENTIAL = { ...CONFIGURATIONS.essential, name: 'essential', servers: SERVERS };
const IDLE_SECONDS = 3;
/** The thread that counts tokens ends when it has had nothing to do for ten seconds. */
const RESTED_SECONDS = 12;
/** Memory is given back after half a minute. */
const QUIET_SECONDS = 36;

/** The gateway's resident memory: idle, under load, and idle again; with what the targets name alone, and with all records. */
export async function residentMemory(pace: Pace): Promise<Outcome> {
  const [essential, managed] = await Promise.all([startGateway(ESSENTIAL), startGateway(MANAGED)]);
  try {
    const lines = await residentOf(essential, managed, pace);
    return { lines, sides: [], notes: [] };
  } finally {
    await Promise.all([essential.stop(), managed.stop()]);
  }
}

/** One rests while the other is under load. */
async function residentOf(essential: Subject, managed: Subject, pace: Pace): Promise<Line[]> {
  const begun = performance.now();
  const idleAt = async ({ pid }: Subject, seconds: number): Promise<number> => {
    await sleep(Math.max(0, begun + seconds * 1000 - performance.now()));
    return residentBytes(pid) / 1e6;
  };
  const idle = await idleAt(essential, IDLE_SECONDS);
  const listed = await idleAt(managed, IDLE_SECONDS);
  const seconds = 4 * pace.seconds;
  const load = await loadOnce(essential, { sessions: 64, seconds });
  const rested = await idleAt(managed, RESTED_SECONDS);
  const small = await loadOnce(managed, { sessions: 64, seconds });
  const many = await loadOnce(managed, { sessions: 1000, seconds: pace.seconds });
  const large = await loadOnce(managed, { sessions: 4, seconds: pace.seconds, bytes: 1_000_000 });
  const lines = [
    resident('idle', idle, 90),
    resident('idle, all records on', rested, 90),
    resident('idle, all records on, just after a first list', listed),
    resident('under load, 64 sessions, small calls', load.residentMegabytes, 160),
    resident('under load, all records on', small.residentMegabytes, 160),
    resident('under load, all records on, 1,000 sessions', many.residentMegabytes),
    resident('under load, all records on, results of 1 MB', large.residentMegabytes),
  ];
  if (!pace.isFull) return lines;
  await sleep(QUIET_SECONDS * 1000);
  return [...lines, resident('idle again', residentBytes(managed.pid) / 1e6)];
}

function resident(what: string, value: number, atMost?: number): Line {
  const target = atMost === undefined ? {} : { target: { atMost } };
  const item = atMost === undefined ? '' : '3';
  return line(item, `RSS ${what}`, once(value), { unit: 'MB', ...target });
}

const RESULT_BYTES = 20_000;
const WARM_UP_CALLS = 5000;
/** "Where it was": what a garbage collector leaves of a run that leaks nothing. */
const LIVE_MB = 1;
const RESIDENT_MB = 10;

/** What many calls of 20 kB in one session leave behind, the session still open. */
export async function manyCalls({ isFull }: Pace): Promise<Outcome> {
  const calls = isFull ? 100_000 : 20_000;
  const gateway = await startGateway({ ...MANAGED, hasProbe: true });
  const { port, key, prefix } = gateway;
  const order = { ...ORDER, port, key, tool: `${prefix}echo`, bytes: RESULT_BYTES };
  const worker = new Worker(order, 0);
  try {
    await worker.open();
    const warm = await make(worker, WARM_UP_CALLS);
    const before = await afterPause(gateway);
    const faults = warm + (await make(worker, calls));
    const after = await afterPause(gateway);
    const change = (of: 'live' | 'resident'): number => (after[of] - before[of]) / 1e6;
    const what = `${calls.toLocaleString('en')} calls of 20 kB in one session`;
    const lines = [
      line('3', `${what}: live memory, after less before`, once(change('live')), {
        unit: 'MB',
        target: { atMost: LIVE_MB },
      }),
      line('3', `${what}: RSS, after less before`, once(change('resident')), {
        unit: 'MB',
        target: { atMost: RESIDENT_MB },
      }),
    ];
    const notes = faults === 0 ? [] : [`WRONG: ${faults} replies`];
    return { lines, sides: [], notes, data: { before, after } };
  } finally {
    await worker.close();
    await gateway.stop();
  }
}

/** Makes so many calls; resolves with the number of those that went wrong. */
async function make(worker: Worker, calls: number): Promise<number> {
  let [made, faults] = [0, 0];
  await worker.run({
    get going() {
      return made < calls;
    },
    finished(_worker, _milliseconds, fault) {
      made += 1;
      if (fault !== undefined) faults += 1;
    },
  });
  return faults + (calls - made);
}

async function afterPause(gateway: Subject): ReturnType<typeof memoryOf> {
  await sleep(2000);
  await memoryOf(gateway);
  await sleep(500);
  return memoryOf(gateway);
}
