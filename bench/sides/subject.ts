import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Client } from '../load/order.ts';

/** What a load needs to know to reach a side. */
export interface Door {
  readonly port: number;
  readonly path: string;
  readonly key: string;
  /** The name by which it offers a tool of the server behind it. */
  readonly prefix: string;
  /** The only kind of client it has, where it has not all of them. */
  readonly client: Client | undefined;
  /** For a client that is its parent. */
  readonly command: readonly string[];
}

/** One of the programs under measure, running. */
export interface Subject extends Door {
  readonly name: string;
  /** The process that is measured. */
  readonly pid: number;
  /** What it runs in: files that it was given, and what it printed. */
  readonly folder: string;
  readonly child: ChildProcess | undefined;
  /** Time from its start until it was up. */
  readonly upMs: number;
  /** Ends it as an operator would; resolves with its exit code, null when it had to be killed. */
  stop(): Promise<number | null>;
}

/** How one is started. */
export interface Program {
  readonly name: string;
  readonly door?: Partial<Door>;
  /** What Node is to run, and with which arguments. */
  readonly args: (port: number, folder: string) => readonly string[] | Promise<readonly string[]>;
  readonly environment?: (port: number, folder: string) => Readonly<Record<string, string>>;
  /** Whether a channel to the parent is opened, for the probe of memory. */
  readonly hasChannel?: boolean;
  /** How it tells that it is up; where nothing is said, by its open port. */
  readonly isUp?: (door: Door) => Promise<boolean>;
  /** How often it is asked whether it is up. */
  readonly pollMs?: number;
  /** Where it is to run; a folder of its own when absent, removed in the end. */
  readonly folder?: string;
  readonly port?: number;
}

const START_WITHIN_MS = 20_000;
const STOP_WITHIN_MS = 20_000;

/** The path of a file of the bench. */
export function benchFile(path: string): string {
  return fileURLToPath(new URL(`../${path}`, import.meta.url));
}

/** Starts a program and resolves once it is up; rejects with what it printed when it does not come up. */
export async function start(program: Program): Promise<Subject> {
  const { name, environment, hasChannel = false } = program;
  const folder = program.folder ?? mkdtempSync(join(tmpdir(), 'mcpx-bench-'));
  const port = program.port ?? (await freePort());
  const door: Door = { ...ANY_DOOR, port, ...program.door };
  const log = join(folder, 'output.log');
  // Only what a program needs: a key or a path of the caller's shell must not change what is measured.
  const env = { PATH: process.env['PATH'] ?? '', HOME: folder, ...environment?.(port, folder) };
  const output = openSync(log, 'a');
  const stdio: SpawnOptions['stdio'] = ['ignore', output, output];
  const began = performance.now();
  const child = spawn(process.execPath, await program.args(port, folder), {
    env,
    cwd: folder,
    stdio: hasChannel ? [...stdio, 'ipc'] : stdio,
  });
  closeSync(output);
  const stop = async (): Promise<number | null> => {
    const code = await end(child);
    if (program.folder === undefined) rmSync(folder, { recursive: true, force: true });
    return code;
  };
  try {
    await ready(child, () => (program.isUp ?? isOpen)(door), program.pollMs ?? 50);
  } catch (error) {
    const printed = readFileSync(log, 'utf8').slice(-2000);
    await stop();
    throw new Error(`${name} did not come up (${String(error)}). It printed:\n${printed}`, {
      cause: error,
    });
  }
  const upMs = performance.now() - began;
  return { ...door, name, pid: child.pid ?? 0, folder, child, upMs, stop };
}

const ANY_DOOR = { path: '/mcp', key: '', prefix: '', client: undefined, command: [] };

/** A port that nothing listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address ? address.port : 0;
}

/** Whether something listens on the port of a door. */
export async function isOpen({ port }: Pick<Door, 'port'>): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const open = await Promise.race([
    once(socket, 'connect').then(() => true),
    once(socket, 'close').then(() => false),
  ]).catch(() => false);
  socket.destroy();
  return open;
}

async function ready(
  child: ChildProcess,
  isUp: () => Promise<boolean>,
  pollMs: number,
): Promise<void> {
  const deadline = performance.now() + START_WITHIN_MS;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`exit code ${child.exitCode}`);
    if (await isUp().catch(() => false)) return;
    if (performance.now() > deadline) throw new Error(`not up within ${START_WITHIN_MS} ms`);
    await sleep(pollMs);
  }
}

async function end(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const kill = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
  await gone;
  clearTimeout(kill);
  return child.exitCode;
}
