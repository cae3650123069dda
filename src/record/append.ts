import { mkdir, open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Whole lines for one file, and how many of their bytes are written. */
export interface Batch {
  readonly file: string;
  readonly bytes: Buffer;
  written: number;
}

const NEWLINE = 10;

/**
 * Appends a batch to its file, from where an attempt before left off; file and folder are made when they are missing, for
 * their owner alone. A last line that a kill cut off is ended first. Rejects with what the file system says.
 */
export async function append(batch: Batch): Promise<void> {
  await mkdir(dirname(batch.file), { recursive: true, mode: 0o700 });
  const handle = await open(batch.file, 'a+', 0o600);
  try {
    if (batch.written === 0 && (await endsWithinLine(handle))) await handle.write('\n');
    while (batch.written < batch.bytes.length) {
      const { bytesWritten } = await handle.write(batch.bytes, batch.written);
      batch.written += bytesWritten;
    }
  } finally {
    await handle.close();
  }
}

async function endsWithinLine(handle: FileHandle): Promise<boolean> {
  const { size } = await handle.stat();
  if (size === 0) return false;
  const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, size - 1);
  return buffer[0] !== NEWLINE;
}
