// The load generator, a process of its own: N sessions in closed loops, every reply checked. Prints one line of JSON.
// Usage: node bench/load/main.ts '{"port":9000,"sessions":64}'; bench/load/order.ts has all that can be said.
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { childrenOf, cpuMicroseconds, residentBytes } from '../proc.ts';
import { ORDER, type Order } from './order.ts';
import { Worker, type Tally } from './worker.ts';

/** What one run of the load process prints. */
export interface LoadFigures {
  calls: number;
  seconds: number;
  p50Ms: number;
  p99Ms: number;
  errors: number;
  firstError?: string;
  /** Sessions that got no answer in the whole window. */
  stuck: number;
  /** CPU time that all threads of the measured process spent in the window. */
  cpuMicroseconds: number;
  /** The most memory of the measured process seen in the window, in MB. */
  residentMegabytes: number;
  /** Processes below the measured one in the middle of the window. */
  children: number;
  /** CPU time of the load process itself in the window. */
  clientMicroseconds: number;
  /** The window on the monotonic clock, in microseconds, to find it again in a CPU profile. */
  window: [start: number, end: number];
}

const SAMPLE_MS = 100;

class Window implements Tally {
  going = true;
  errors = 0;
  firstError: string | undefined;
  readonly latencies: number[] = [];
  readonly bySession: Uint32Array;
  #open = false;
  #left: number;

  constructor({ sessions, calls }: Order) {
    this.bySession = new Uint32Array(sessions);
    this.#left = calls === 0 ? Number.POSITIVE_INFINITY : calls;
  }

  finished(worker: number, milliseconds: number, fault: string | undefined): void {
    if (fault !== undefined) {
      this.errors += 1;
      this.firstError ??= fault.slice(0, 300);
    }
    if (!this.#open || fault !== undefined) return;
    this.latencies.push(milliseconds);
    this.bySession[worker] = (this.bySession[worker] ?? 0) + 1;
    this.#left -= 1;
    if (this.#left <= 0) this.going = false;
  }

  open(): void {
    this.#open = true;
  }

  shut(): void {
    this.#open = false;
    this.going = false;
  }
}

function monotonicMicroseconds(): number {
  return Number(process.hrtime.bigint() / 1000n);
}

function quantile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

function ownMicroseconds(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** Waits for the end of the window: its time, or earlier when its calls are made. Resolves with the most memory seen. */
async function windowEnd(window: Window, { seconds, pid }: Order): Promise<number> {
  const until = performance.now() + seconds * 1000;
  let most = pid === 0 ? 0 : residentBytes(pid);
  while (window.going && performance.now() < until) {
    await sleep(Math.min(SAMPLE_MS, until - performance.now()));
    if (pid !== 0) most = Math.max(most, residentBytes(pid));
  }
  return most;
}

async function measure(workers: Worker[], order: Order): Promise<LoadFigures> {
  const { pid } = order;
  const window = new Window(order);
  const running = Promise.all(workers.map((worker) => worker.run(window)));
  await sleep(order.settle * 1000);
  const children = pid === 0 ? 0 : childrenOf(pid).length;
  window.open();
  const start = monotonicMicroseconds();
  const [cpu, own] = [pid === 0 ? 0 : cpuMicroseconds(pid), ownMicroseconds()];
  const most = await windowEnd(window, order);
  window.shut();
  const end = monotonicMicroseconds();
  const spent = pid === 0 ? 0 : cpuMicroseconds(pid) - cpu;
  const clientMicroseconds = ownMicroseconds() - own;
  if (!order.isTolerant) await running;
  const sorted = Float64Array.from(window.latencies).sort();
  return {
    calls: sorted.length,
    seconds: (end - start) / 1e6,
    p50Ms: quantile(sorted, 0.5),
    p99Ms: quantile(sorted, 0.99),
    errors: window.errors,
    ...(window.firstError !== undefined && { firstError: window.firstError }),
    stuck: window.bySession.filter((calls) => calls === 0).length,
    cpuMicroseconds: spent,
    residentMegabytes: most / 1e6,
    children,
    clientMicroseconds,
    window: [start, end],
  };
}

/** Sessions opened at the same time: a thousand at once would measure the backlog of the port. */
const OPEN_AT_ONCE = 64;

async function main(): Promise<void> {
  const order: Order = { ...ORDER, ...(JSON.parse(process.argv[2] ?? '{}') as Partial<Order>) };
  const workers = Array.from({ length: order.sessions }, (_, index) => new Worker(order, index));
  for (let at = 0; at < workers.length; at += OPEN_AT_ONCE)
    await Promise.all(workers.slice(at, at + OPEN_AT_ONCE).map((worker) => worker.open()));
  const figures = await measure(workers, order);
  for (let at = 0; at < workers.length && !order.isTolerant; at += OPEN_AT_ONCE)
    await Promise.all(workers.slice(at, at + OPEN_AT_ONCE).map((worker) => worker.close()));
  // A session that waits for a hung server is left as a client that crashes leaves it.
  process.stdout.write(`${JSON.stringify(figures)}\n`, () => process.exit(0));
}

await main();
