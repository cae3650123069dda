import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, rmSync, rmdirSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

const SIZE = 'size=2m';

/** A file system of 2 MiB that can be filled, gone after the test. */
export class SmallDisk {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** Mounts one; where that is not allowed, in a namespace of its own. Rejects where neither is possible. */
  static async make(t: TestContext): Promise<SmallDisk> {
    const place = mkdtempSync(join(tmpdir(), 'mcpx-small-disk-'));
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', SIZE, 'tmpfs', place], { stdio: 'pipe' });
      t.after(() => {
        execFileSync('umount', ['-l', place]);
        rmdirSync(place);
      });
      return new SmallDisk(place);
    } catch {
      const folder = await inNamespace(t, place);
      t.after(() => rmdirSync(place));
      return new SmallDisk(folder);
    }
  }

  /** Takes all room there is. */
  fill(): void {
    const file = openSync(this.#filler, 'a');
    try {
      for (const length of [65_536, 4096, 512, 1]) writeUntilFull(file, Buffer.alloc(length));
    } finally {
      closeSync(file);
    }
  }

  /** Gives it back. */
  free(): void {
    rmSync(this.#filler, { force: true });
  }

  get #filler(): string {
    return join(this.folder, 'filler');
  }
}

function writeUntilFull(file: number, bytes: Buffer): void {
  try {
    for (;;) writeSync(file, bytes);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}

/** Seen through the process that holds the namespace. */
async function inNamespace(t: TestContext, place: string): Promise<string> {
  const mount = `mount -t tmpfs -o ${SIZE} tmpfs '${place}' && echo mounted && exec sleep infinity`;
  const holder = spawn('unshare', ['-rm', 'sh', '-c', mount], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(async () => {
    holder.kill('SIGKILL');
    await once(holder, 'exit');
  });
  const [first] = (await Promise.race([
    once(holder.stdout, 'data'),
    once(holder, 'exit').then(() => ['']),
  ])) as [Buffer | string];
  if (!String(first).includes('mounted'))
    throw new Error('These tests need to mount a small file system: run them as root.');
  return `/proc/${holder.pid}/root${place}`;
}
