import { mkdir, open, stat, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Bytes for a file, and how many of them are written. */
export interface Piece {
  readonly bytes: Buffer;
  written: number;
}

/** One file that is only ever appended to, by this process alone; readable by its owner alone. */
export class SegmentFile {
  readonly path: string;
  readonly #handle: FileHandle;
  readonly #inode: number;
  #size = 0;

  private constructor(path: string, handle: FileHandle, inode: number) {
    this.path = path;
    this.#handle = handle;
    this.#inode = inode;
  }

  /** Makes the file, and its folder where it is missing. Rejects with what the file system says, also when the file exists. */
  static async create(path: string): Promise<SegmentFile> {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const handle = await open(path, 'ax', 0o600);
    try {
      return new SegmentFile(path, handle, (await handle.stat()).ino);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Appends a piece, from where an attempt before left off. */
  async write(piece: Piece): Promise<void> {
    while (piece.written < piece.bytes.length) {
      const { bytesWritten } = await this.#handle.write(piece.bytes, piece.written);
      piece.written += bytesWritten;
      this.#size += bytesWritten;
    }
  }

  /** Resolves when what is written would survive a power cut. */
  async sync(): Promise<void> {
    await this.#handle.datasync();
  }

  /** Whether the file still lies where it was made, with what was written to it and no more. */
  async isIntact(): Promise<boolean> {
    const found = await stat(this.path).catch(() => undefined);
    return found?.ino === this.#inode && found.size === this.#size;
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}
