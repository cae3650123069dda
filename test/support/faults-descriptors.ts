import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';

/** For tests that change the limits of a process: skipped, and said so, where there is no `prlimit`. */
export const WITH_PRLIMIT = hasPrlimit() ? {} : { skip: 'needs prlimit (util-linux)' };

function hasPrlimit(): boolean {
  try {
    execFileSync('prlimit', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Lets a process have so many more descriptors than it has. */
export function allowMore(pid: number, count: number): void {
  const taken = new Set(readdirSync(`/proc/${pid}/fd`).map(Number));
  let bound = 0;
  // Numbers may be far apart, and the limit is one of numbers.
  for (let free = 0; free < count; bound += 1) if (!taken.has(bound)) free += 1;
  allowDescriptors(pid, bound);
}

/** Lets a process have descriptors below this number only; those it has it keeps. */
export function allowDescriptors(pid: number, bound: number): void {
  execFileSync('prlimit', [`--pid=${pid}`, `--nofile=${bound}:`], { stdio: 'pipe' });
}

/** Connections to a port that say nothing. */
export class IdleSockets {
  readonly #sockets: Socket[];

  constructor(port: number, count: number) {
    this.#sockets = Array.from({ length: count }, () =>
      connect(port, '127.0.0.1')
        .on('error', () => undefined)
        .resume(),
    );
  }

  /** Those the other side has closed, or that were never open. */
  get ended(): number {
    return this.#sockets.filter((socket) => socket.destroyed || socket.readableEnded).length;
  }

  /** Closes them all. */
  end(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}
