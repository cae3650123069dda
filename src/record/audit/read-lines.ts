import { open } from 'node:fs/promises';

/** One line of a file, without its end. */
export interface FileLine {
  readonly bytes: Buffer;
  /** Where it begins, and where the next one does. */
  readonly offset: number;
  readonly end: number;
  /** False for what stands at the end of the file without an end of line. */
  readonly isWhole: boolean;
}

/** No line that an audit writes is longer; of a longer one only the beginning is read. */
export const MAX_LINE_BYTES = 4 * 1024 * 1024;

const CHUNK_BYTES = 262_144;
const NEWLINE = 10;

/**
 * Calls back for each line of a file from an offset on, in order, until it is told to stop by `false`. Never holds more than a
 * line and a chunk. Rejects with what the file system says.
 */
export async function eachLine(
  path: string,
  take: (line: FileLine) => boolean | void,
  from = 0,
): Promise<void> {
  const handle = await open(path, 'r');
  try {
    const splitter = new Splitter(from, take);
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    for (let position = from; ;) {
      const { bytesRead } = await handle.read(chunk, 0, CHUNK_BYTES, position);
      if (bytesRead === 0) break;
      position += bytesRead;
      // Lines are slices: what is kept of them must not be overwritten.
      if (!splitter.push(Buffer.from(chunk.subarray(0, bytesRead)))) return;
    }
    splitter.finish();
  } finally {
    await handle.close();
  }
}

class Splitter {
  readonly #take: (line: FileLine) => boolean | void;
  #rest: Buffer[] = [];
  #restBytes = 0;
  #keptBytes = 0;
  #offset: number;

  constructor(offset: number, take: (line: FileLine) => boolean | void) {
    this.#offset = offset;
    this.#take = take;
  }

  push(chunk: Buffer): boolean {
    let start = 0;
    for (;;) {
      const at = chunk.indexOf(NEWLINE, start);
      if (at < 0) break;
      const part = chunk.subarray(start, at);
      start = at + 1;
      if (!this.#emit(part, true)) return false;
    }
    this.#keep(chunk.subarray(start));
    return true;
  }

  finish(): void {
    if (this.#restBytes > 0) this.#emit(Buffer.alloc(0), false);
  }

  #keep(part: Buffer): void {
    if (part.length === 0) return;
    this.#restBytes += part.length;
    if (this.#keptBytes > MAX_LINE_BYTES) return;
    this.#rest.push(part);
    this.#keptBytes += part.length;
  }

  #emit(last: Buffer, isWhole: boolean): boolean {
    const length = this.#restBytes + last.length;
    const bytes = this.#rest.length === 0 ? last : Buffer.concat([...this.#rest, last]);
    const offset = this.#offset;
    this.#offset += length + (isWhole ? 1 : 0);
    this.#rest = [];
    this.#restBytes = 0;
    this.#keptBytes = 0;
    return this.#take({ bytes, offset, end: this.#offset, isWhole }) !== false;
  }
}

/** Lines of a file, one at a time; no file stays open meanwhile. */
export interface LineReader {
  /** The next line; undefined when there are no more. Rejects with what the file system says. */
  next(): Promise<FileLine | undefined>;
}

/** The lines of a file from an offset back to its beginning, the last one first. */
export class BackwardLines implements LineReader {
  readonly #path: string;
  #rest = Buffer.alloc(0);
  /** Where the rest begins in the file; undefined before anything was read. */
  #position: number | undefined;

  /** Reads the lines before an offset; of the whole file where there is none. */
  constructor(path: string, before?: number) {
    this.#path = path;
    this.#position = before;
  }

  async next(): Promise<FileLine | undefined> {
    for (;;) {
      const found = this.#ready();
      if (found !== undefined) return found;
      if (this.#position === 0) return undefined;
      await this.#fill();
    }
  }

  #ready(): FileLine | undefined {
    const { length } = this.#rest;
    const position = this.#position ?? 0;
    if (length === 0) return undefined;
    const isWhole = this.#rest[length - 1] === NEWLINE;
    const stop = isWhole ? length - 1 : length;
    const at = stop === 0 ? -1 : this.#rest.lastIndexOf(NEWLINE, stop - 1);
    if (at < 0 && position > 0) return undefined;
    const bytes = this.#rest.subarray(at + 1, stop);
    this.#rest = this.#rest.subarray(0, at + 1);
    return { bytes, offset: position + at + 1, end: position + length, isWhole };
  }

  async #fill(): Promise<void> {
    const handle = await open(this.#path, 'r');
    try {
      const position = this.#position ?? (await handle.stat()).size;
      const length = Math.min(CHUNK_BYTES, position);
      const chunk = Buffer.allocUnsafe(length);
      const { bytesRead } = await handle.read(chunk, 0, length, position - length);
      // Cut off meanwhile: what is gone is no line any more.
      this.#position = bytesRead < length ? 0 : position - length;
      // What is longer than any line is none: its beginning is all that is needed to go past it.
      const rest = this.#rest.length > MAX_LINE_BYTES ? this.#rest.subarray(0, 1) : this.#rest;
      this.#rest = bytesRead < length ? Buffer.alloc(0) : Buffer.concat([chunk, rest]);
    } finally {
      await handle.close();
    }
  }
}

/** The lines of a file from an offset on, in order. */
export class ForwardLines implements LineReader {
  readonly #path: string;
  readonly #found: FileLine[] = [];
  readonly #splitter: Splitter;
  #taken = 0;
  #position: number;
  #isEnd = false;

  constructor(path: string, from = 0) {
    this.#path = path;
    this.#position = from;
    this.#splitter = new Splitter(from, (line) => {
      this.#found.push(line);
    });
  }

  async next(): Promise<FileLine | undefined> {
    while (this.#taken >= this.#found.length && !this.#isEnd) await this.#fill();
    const line = this.#found[this.#taken];
    this.#taken += 1;
    return line;
  }

  async #fill(): Promise<void> {
    this.#found.length = 0;
    this.#taken = 0;
    const handle = await open(this.#path, 'r');
    try {
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
      const { bytesRead } = await handle.read(chunk, 0, CHUNK_BYTES, this.#position);
      this.#position += bytesRead;
      this.#isEnd = bytesRead === 0;
      if (this.#isEnd) this.#splitter.finish();
      else this.#splitter.push(chunk.subarray(0, bytesRead));
    } finally {
      await handle.close();
    }
  }
}
