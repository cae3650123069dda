import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** The repository's folder. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export const FIXTURE = fileURLToPath(new URL('../fixture/main.ts', import.meta.url));

const GRACE_MS = 5_000;

/** A child process in a process group of its own, and what it has written so far. */
export interface Started {
  readonly child: ChildProcess;
  /** Standard output and standard error, in the order they came. */
  output(): string;
  /** Resolves with the exit code, or null if a signal ended it. */
  readonly exited: Promise<number | null>;
}

const running = new Set<Started>();

/** A test runner that gives up must not leave the groups behind that it cannot see. */
function endAll(): void {
  for (const started of running) signalGroup(started, 'SIGKILL');
}

function endAllWith(signal: NodeJS.Signals): void {
  endAll();
  process.kill(process.pid, signal);
}

function remember(started: Started): void {
  if (running.size === 0 && !process.listeners('exit').includes(endAll)) {
    process.on('exit', endAll);
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, endAllWith);
  }
  running.add(started);
}

/** Starts Node with these arguments, in the repository's folder and with no more environment than this. */
export function startNode(
  args: readonly string[],
  env: Record<string, string> = {},
  stdin: 'ignore' | 'pipe' = 'ignore',
): Started {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    env: { PATH, HOME, ...env },
    stdio: [stdin, 'pipe', 'pipe'],
    detached: true,
  });
  let written = '';
  const collect = (chunk: Buffer): void => {
    written += chunk.toString();
  };
  child.stdout?.on('data', collect);
  child.stderr?.on('data', collect);
  const exited = once(child, 'close').then(([code]) => code as number | null);
  const started = { child, output: () => written, exited };
  remember(started);
  return started;
}

function signalGroup({ child }: Started, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The whole group is gone already.
  }
}

/** Ends a process and its group: politely first, after five seconds by force. */
export async function stop(started: Started): Promise<void> {
  const { child, exited } = started;
  if (child.exitCode === null && child.signalCode === null) {
    signalGroup(started, 'SIGTERM');
    await Promise.race([exited, sleep(GRACE_MS, undefined, { ref: false })]);
  }
  signalGroup(started, 'SIGKILL');
  running.delete(started);
}

/** Waits until `ready` says yes; fails with the output if the process ends or time runs out first. */
export async function until(
  started: Started,
  what: string,
  ready: () => Promise<boolean>,
): Promise<void> {
  const deadline = performance.now() + 15_000;
  while (!(await ready().catch(() => false))) {
    const ended = started.child.exitCode !== null || started.child.signalCode !== null;
    if (ended || performance.now() > deadline)
      throw new Error(`${ended ? 'Ended' : 'Timed out'} before ${what}:\n${started.output()}`);
    await sleep(50);
  }
}

/** A port nobody listens on at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
