import { join } from 'node:path';

import { append, type Batch } from './append.ts';

/** Lines that were not kept: how many, and when, in milliseconds since the epoch. */
export interface Loss {
  count: number;
  readonly firstAt: number;
  lastAt: number;
}

/** What files of lines are made of. */
export interface DayFileTerms {
  readonly folder: string;
  /** Beginning of the files' names. */
  readonly name: string;
  /** Milliseconds since the epoch. */
  now(): number;
  /** The line that tells of a loss. */
  lossLine(loss: Loss, at: number): string;
  /** Takes the first failure of a row of them; what could not be written is tried again. */
  onError(error: unknown): void;
}

const BATCH_BYTES = 65_536;
const BATCH_MS = 100;
const RETRY_MS = 1000;
const MAX_BYTES = 8 * 1024 * 1024;
const DAY_CHARS = 'YYYY-MM-DD'.length;
const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * Lines in one file a day (UTC), `<name>-YYYY-MM-DD.jsonl`, written in batches of about 64 KiB or 100 ms. At most 8 MiB
 * wait while the disk does not take them; further lines are lost, and a line says so as soon as one can be written.
 */
export class DayFiles {
  readonly #terms: DayFileTerms;
  readonly #batches: Batch[] = [];
  /** Lines not yet in a batch, all for the same file. */
  #lines: string[] = [];
  #file = '';
  #day = Number.NaN;
  #lineBytes = 0;
  #waitingBytes = 0;
  #loss: Loss | undefined;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  #isFailing = false;

  constructor(terms: DayFileTerms) {
    this.#terms = terms;
  }

  /** Takes a line without its end; never waits. `at` says whose day it belongs to. */
  add(line: string, at: number): void {
    const bytes = Buffer.byteLength(line) + 1;
    if (this.#waitingBytes + bytes > MAX_BYTES) {
      this.#lose(at);
      return;
    }
    this.#tellLoss();
    this.#push(line, bytes, at);
    this.#plan();
  }

  /** Writes all that waits, once more where that failed before; what cannot be written then is lost. */
  async close(): Promise<void> {
    await this.#writing;
    await this.#start();
    // What came in the meantime, or a loss that could be told only now.
    this.#tellLoss();
    if (this.#waitingBytes > 0 && !this.#isFailing) await this.#start();
    clearTimeout(this.#timer);
  }

  #push(line: string, bytes: number, at: number): void {
    this.#turnTo(Math.floor(at / DAY_MS));
    this.#lines.push(line);
    this.#lineBytes += bytes;
    this.#waitingBytes += bytes;
    if (this.#lineBytes >= BATCH_BYTES) this.#seal();
  }

  /** Goes on in the file of a day, counted from the epoch. */
  #turnTo(day: number): void {
    if (day === this.#day) return;
    this.#seal();
    this.#day = day;
    const date = new Date(day * DAY_MS).toISOString().slice(0, DAY_CHARS);
    this.#file = join(this.#terms.folder, `${this.#terms.name}-${date}.jsonl`);
  }

  /** Lines become bytes that are written as they are, however often it takes. */
  #seal(): void {
    if (this.#lines.length === 0) return;
    const bytes = Buffer.from(`${this.#lines.join('\n')}\n`);
    this.#batches.push({ file: this.#file, bytes, written: 0 });
    this.#lines = [];
    this.#lineBytes = 0;
  }

  #lose(at: number): void {
    this.#loss ??= { count: 0, firstAt: at, lastAt: at };
    this.#loss.count += 1;
    this.#loss.lastAt = at;
  }

  #tellLoss(): void {
    if (this.#loss === undefined) return;
    const at = this.#terms.now();
    const line = this.#terms.lossLine(this.#loss, at);
    this.#loss = undefined;
    this.#push(line, Buffer.byteLength(line) + 1, at);
  }

  #plan(): void {
    if (this.#writing !== undefined || this.#isFailing) return;
    if (this.#batches.length > 0) void this.#start();
    else this.#timer ??= setTimeout(() => void this.#start(), BATCH_MS);
  }

  #start(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing ??= this.#write().then(() => {
      this.#writing = undefined;
      if (this.#waitingBytes > 0) this.#plan();
    });
    return this.#writing;
  }

  async #write(): Promise<void> {
    try {
      this.#seal();
      for (let batch = this.#batches[0]; batch !== undefined; batch = this.#batches[0]) {
        await append(batch);
        this.#batches.shift();
        this.#waitingBytes -= batch.bytes.length;
        this.#tellLoss();
      }
      this.#isFailing = false;
    } catch (error) {
      if (!this.#isFailing) this.#terms.onError(error);
      this.#isFailing = true;
      this.#timer = setTimeout(() => void this.#start(), RETRY_MS).unref();
    }
  }
}
