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

/** The gateway's resident memory: idle, under load, and idle again; with all records, and with what the targets name alone. */
export async function residentMemory(pace: Pace): Promise<Outcome> {
  const essential = await residentOf(ESSENTIAL, pace, '');
  const managed = await residentOf(MANAGED, pace, ', all records on');
  return { lines: [...essential, ...managed], sides: [], notes: [] };
}

async function residentOf(
  setup: Parameters<typeof startGateway>[0],
  { seconds }: Pace,
  which: string,
): Promise<Line[]> {
  const gateway = await startGateway(setup);
  const resident = (what: string, value: number, atMost?: number): Line => {
    const item = atMost === undefined ? '' : '3';
    const target = atMost === undefined ? {} : { target: { atMost } };
    return line(item, `RSS ${what}${which}`, once(value), { unit: 'MB', ...target });
  };
  const now = async (pauseSeconds: number): Promise<number> => {
    await sleep(pauseSeconds * 1000);
    return residentBytes(gateway.pid) / 1e6;
  };
  try {
    const idle = await now(IDLE_SECONDS);
    const rested = await now(RESTED_SECONDS - IDLE_SECONDS);
    const small = await loadOnce(gateway, { sessions: 64, seconds: 4 * seconds });
    const many = await loadOnce(gateway, { sessions: 1000, seconds });
    const large = await loadOnce(gateway, { sessions: 4, seconds, bytes: 1_000_000 });
    return [
      resident('idle', rested, 90),
      resident('idle, just after a first list', idle),
      resident('under load, 64 sessions, small calls', small.residentMegabytes, 160),
      resident('under load, 1,000 sessions, small calls', many.residentMegabytes),
      resident('under load, 4 sessions, 1 MB results', large.residentMegabytes),
      resident('idle again', await now(QUIET_SECONDS)),
    ];
  } finally {
    await gateway.stop();
  }
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
