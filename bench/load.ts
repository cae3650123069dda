// The load generator, a process of its own: N sessions in closed loops, every reply checked. Prints one line of JSON.
// Usage: node bench/load.ts --port P [--sessions 64] [--seconds 3] [--settle 0.5] [--calls N] [--tool echo] [--key KEY] [--bytes 256] [--pid PID]
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { LoadSession, type Tally } from './load-session.ts';
import { cpuMicroseconds, residentMebibytes } from './proc.ts';

/** What one run of the load process prints. */
export interface LoadFigures {
  calls: number;
  seconds: number;
  p50Ms: number;
  p99Ms: number;
  errors: number;
  firstError?: string;
  /** CPU time that the measured process (`--pid`) spent in the window, and its resident memory at the end. */
  cpuMicroseconds?: number;
  residentMebibytes?: number;
  /** CPU time of the load process itself in the window. */
  clientMicroseconds: number;
  /** The window on the monotonic clock, in microseconds, to find it again in a CPU profile. */
  window: [start: number, end: number];
}

class Window implements Tally {
  going = true;
  errors = 0;
  firstError: string | undefined;
  readonly latencies: number[] = [];
  #open = false;
  #left: number;

  constructor(calls: number) {
    this.#left = calls;
  }

  finished(milliseconds: number, fault: string | undefined): void {
    if (fault !== undefined) {
      this.errors += 1;
      this.firstError ??= fault.slice(0, 300);
    }
    if (!this.#open) return;
    this.latencies.push(milliseconds);
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

function measuredMicroseconds(pid: number | undefined): number {
  return pid === undefined ? 0 : cpuMicroseconds(pid);
}

function ownMicroseconds(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** Waits for the end of the window: its time, or earlier when its calls are made. */
async function windowEnd(window: Window, seconds: number): Promise<void> {
  const until = performance.now() + seconds * 1000;
  while (window.going && performance.now() < until)
    await sleep(Math.min(20, until - performance.now()));
}

async function measure(sessions: LoadSession[], options: Options): Promise<LoadFigures> {
  const window = new Window(options.calls);
  const running = Promise.all(sessions.map((session) => session.run(window)));
  await sleep(options.settle * 1000);
  window.open();
  const start = monotonicMicroseconds();
  const [cpu, own] = [measuredMicroseconds(options.pid), ownMicroseconds()];
  await windowEnd(window, options.seconds);
  window.shut();
  const end = monotonicMicroseconds();
  const spent = measuredMicroseconds(options.pid) - cpu;
  const clientMicroseconds = ownMicroseconds() - own;
  await running;
  const sorted = Float64Array.from(window.latencies).sort();
  return {
    calls: sorted.length,
    seconds: (end - start) / 1e6,
    p50Ms: quantile(sorted, 0.5),
    p99Ms: quantile(sorted, 0.99),
    errors: window.errors,
    ...(window.firstError !== undefined && { firstError: window.firstError }),
    ...(options.pid !== undefined && {
      cpuMicroseconds: spent,
      residentMebibytes: residentMebibytes(options.pid),
    }),
    clientMicroseconds,
    window: [start, end],
  };
}

interface Options {
  port: number;
  sessions: number;
  seconds: number;
  settle: number;
  calls: number;
  tool: string;
  key: string;
  bytes: number;
  pid: number | undefined;
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      port: { type: 'string' },
      sessions: { type: 'string', default: '64' },
      seconds: { type: 'string', default: '3' },
      settle: { type: 'string', default: '0.5' },
      calls: { type: 'string', default: 'Infinity' },
      tool: { type: 'string', default: 'echo' },
      key: { type: 'string', default: '' },
      bytes: { type: 'string', default: '256' },
      pid: { type: 'string' },
    },
  });
  return {
    port: Number(values.port),
    sessions: Number(values.sessions),
    seconds: Number(values.seconds),
    settle: Number(values.settle),
    calls: Number(values.calls),
    tool: values.tool,
    key: values.key,
    bytes: Number(values.bytes),
    pid: values.pid === undefined ? undefined : Number(values.pid),
  };
}

async function main(): Promise<void> {
  const options = readOptions();
  const names = Array.from({ length: options.sessions }, (_, index) => `session-${index}`);
  const sessions = await Promise.all(names.map((name) => LoadSession.open(options, name)));
  const figures = await measure(sessions, options);
  await Promise.all(sessions.map((session) => session.close()));
  process.stdout.write(`${JSON.stringify(figures)}\n`);
}

await main();
