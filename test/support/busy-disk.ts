import { execFileSync } from 'node:child_process';
import { close, closeSync, mkdtempSync, open, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** Node does file operations on so many threads. */
const THREADS = 4;

/**
 * Holds every file operation of this process up, as a disk does that does not answer: each thread for them waits at a pipe that
 * nobody opens from the other side. Returns how to let them go on; that happens after the test at the latest.
 */
export function holdDisk(t: TestContext): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'mcpx-busy-disk-'));
  const pipes = Array.from({ length: THREADS }, (_, index) => join(folder, `pipe-${index}`));
  execFileSync('mkfifo', pipes);
  for (const pipe of pipes)
    open(pipe, 'r', (error, file) => {
      if (error === null) close(file);
    });
  let isHeld = true;
  const release = (): void => {
    if (!isHeld) return;
    isHeld = false;
    for (const pipe of pipes) closeSync(openSync(pipe, 'w'));
  };
  t.after(() => {
    release();
    rmSync(folder, { recursive: true, force: true });
  });
  return release;
}
