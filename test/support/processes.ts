import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** For tests that look into /proc: skipped, and said so, where there is none. */
export const ON_LINUX = process.platform === 'linux' ? {} : { skip: 'reads /proc' };

/** One process as the kernel shows it. */
export interface ProcessInfo {
  readonly pid: number;
  readonly parent: number;
  /** `Z` is a zombie. */
  readonly state: string;
  /** In clock ticks since boot: tells a process from a later one with the same pid. */
  readonly startedAt: number;
  readonly command: string;
}

/** The process of this pid; undefined when there is none. */
export function processOf(pid: number): ProcessInfo | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command name stands in parentheses and may hold spaces; start time is field 22.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
    return {
      pid,
      parent: Number(fields[1]),
      state: fields[0] ?? '',
      startedAt: Number(fields[19]),
      command,
    };
  } catch {
    return undefined;
  }
}

/** All processes there are. */
function processes(): ProcessInfo[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/u.test(name))
    .map((name) => processOf(Number(name)))
    .filter((found) => found !== undefined);
}

/** Children, grandchildren and so on of a process, zombies included. */
export function descendantsOf(pid: number): ProcessInfo[] {
  const all = processes();
  const found: ProcessInfo[] = [];
  const parents = new Set([pid]);
  for (let before = -1; before !== found.length;) {
    before = found.length;
    for (const each of all) {
      if (!parents.has(each.parent) || parents.has(each.pid)) continue;
      parents.add(each.pid);
      found.push(each);
    }
  }
  return found;
}

/** Whether it still runs: gone, or dead and not yet collected by its parent, is no. */
export function isRunning({ pid, startedAt }: ProcessInfo): boolean {
  const now = processOf(pid);
  return now?.startedAt === startedAt && now.state !== 'Z';
}

/** Processes whose command line holds a text, this test's own process left out. */
export function processesWith(text: string): ProcessInfo[] {
  return processes().filter(
    ({ pid, state, command }) => pid !== process.pid && state !== 'Z' && command.includes(text),
  );
}

/** How many descriptors a process has open. */
export function openHandles(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** Resident memory of a process in MiB. */
export function residentMebibytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB/mu.exec(status)?.[1] ?? Number.NaN) / 1024;
}

/** Waits until a probe gives something; fails, saying what was awaited and what was last seen, when time runs out. */
export async function eventually<T>(
  what: string,
  withinMs: number,
  probe: () => Promise<T | undefined | false> | T | undefined | false,
  seen: () => unknown = () => '',
): Promise<T> {
  const end = performance.now() + withinMs;
  let failure: unknown;
  for (;;) {
    try {
      const found = await probe();
      if (found !== undefined && found !== false) return found;
      failure = undefined;
    } catch (error) {
      failure = error;
    }
    if (performance.now() > end) {
      const last = failure === undefined ? describe(seen()) : describe(failure);
      throw new Error(`Not within ${withinMs} ms: ${what}. ${last}`, { cause: failure });
    }
    await sleep(20);
  }
}

function describe(value: unknown): string {
  if (value instanceof Error) return value.message;
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}
