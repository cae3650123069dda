import { write, writeSync } from 'node:fs';

import { stdTimeFunctions } from 'pino';

import type { Outlet } from './line-buffer.ts';

/** What a reader of the log may be behind; further lines are lost. */
const MAX_BEHIND_BYTES = 8 * 1024 * 1024;
const PIECE_BYTES = 65_536;
const LINE_END = 0x0a;
const MAX_FLUSH_MS = 1000;
const BUSY_MS = 20;
/** How long the last lines of a process may find a file busy. */
const MAX_BUSY_TRIES = 50;
/** Nobody will ever read what is written there. */
const GONE: ReadonlySet<string | undefined> = new Set(['EPIPE', 'EBADF', 'ECONNRESET', 'EIO']);
const FULL: ReadonlySet<string | undefined> = new Set(['EAGAIN', 'EBUSY']);

/**
 * Writes to a descriptor in the background, a piece after the other. A reader that is too slow, or a full disk, costs lines,
 * which are counted; it costs neither memory nor calls.
 */
export class LogOutlet implements Outlet {
  readonly #fd: number;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #isBusy = false;
  #isGone = false;
  /** Whether the latest piece was written: only then is it of use to tell what was not. */
  #isWritable = true;
  #lost = 0;
  readonly #flushed: (() => void)[] = [];

  constructor(fd: number) {
    this.#fd = fd;
  }

  write(bytes: Buffer): void {
    if (this.#isGone) return;
    if (this.#waitingBytes + bytes.length > MAX_BEHIND_BYTES) {
      this.#lost += linesIn(bytes);
      return;
    }
    this.#keep(bytes);
    this.#next();
  }

  flush(): Promise<void> {
    if (!this.#isBusy) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, MAX_FLUSH_MS);
      this.#flushed.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  flushSync(last: Buffer): void {
    // The piece under way is written by another thread, which the end of the process would cut short.
    if (this.#isBusy) sleep(BUSY_MS);
    const bytes = Buffer.concat([...this.#waiting, last]);
    this.#waiting = [];
    if (!this.#isGone) writeAll(this.#fd, bytes);
  }

  #keep(bytes: Buffer): void {
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
  }

  #next(): void {
    if (this.#isBusy) return;
    if (this.#waiting.length === 0 && this.#lost > 0 && this.#isWritable)
      this.#keep(Buffer.from(this.#lossLine()));
    const bytes = this.#piece();
    if (bytes.length === 0) {
      for (const tell of this.#flushed.splice(0)) tell();
      return;
    }
    this.#isBusy = true;
    this.#waitingBytes -= bytes.length;
    this.#send(bytes);
  }

  /** What waits, as far as one write should hold. */
  #piece(): Buffer {
    const [first] = this.#waiting;
    if (first !== undefined && first.length >= PIECE_BYTES / 2) {
      this.#waiting.shift();
      return first;
    }
    let size = 0;
    const count = this.#waiting.findIndex((bytes) => (size += bytes.length) >= PIECE_BYTES) + 1;
    return Buffer.concat(this.#waiting.splice(0, count === 0 ? this.#waiting.length : count));
  }

  #send(bytes: Buffer): void {
    write(this.#fd, bytes, (error, written) => {
      if (error !== null && FULL.has(error.code)) {
        setTimeout(() => this.#send(bytes), BUSY_MS).unref();
      } else if (error === null && written < bytes.length) {
        this.#send(bytes.subarray(written));
      } else {
        this.#isBusy = false;
        this.#isWritable = error === null;
        if (error !== null) this.#fail(error, bytes);
        this.#next();
      }
    });
  }

  #fail({ code }: NodeJS.ErrnoException, bytes: Buffer): void {
    this.#lost += linesIn(bytes);
    if (!GONE.has(code)) return;
    this.#isGone = true;
    this.#lost = 0;
    this.#waiting = [];
  }

  #lossLine(): string {
    const lines = this.#lost;
    this.#lost = 0;
    const message = 'log lines were lost: they could not be written, or nobody read them in time';
    const time = stdTimeFunctions.isoTime();
    return `{"level":40${time},"lines":${lines},"msg":"${message}"}\n`;
  }
}

function linesIn(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(LINE_END); at !== -1; at = bytes.indexOf(LINE_END, at + 1))
    count += 1;
  return count;
}

function writeAll(fd: number, bytes: Buffer): void {
  let left = bytes;
  for (let tries = 0; left.length > 0 && tries < MAX_BUSY_TRIES;) {
    try {
      left = left.subarray(writeSync(fd, left));
    } catch (error) {
      if (!FULL.has((error as NodeJS.ErrnoException).code)) return;
      tries += 1;
      sleep(BUSY_MS);
    }
  }
}

function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
