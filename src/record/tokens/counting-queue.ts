import type { Worker } from 'node:worker_threads';

import type { Countable } from './counting.ts';
import { CountingWorker, startTokenWorker } from './counting-worker.ts';

/** What a queue needs. */
export interface CountingQueueTerms {
  onFault?(why: string): void;
  startWorker?(): Worker;
  readonly batchMs?: number;
  /** How long the thread may have nothing to do; 10 s where absent. */
  readonly idleMs?: number;
}

/** Takes counts in the order of what was to be counted; undefined where nothing was. */
type Take = (counts: readonly number[] | undefined) => void;

interface Waiting {
  readonly items: readonly Countable[];
  readonly chars: number;
  readonly take: Take;
}

/** Characters that may wait or be on their way to the thread. */
const MAX_CHARS = 32 * 1024 * 1024;
const BATCH_CHARS = 512 * 1024;
const BATCH_ENTRIES = 512;
/** Far above what the largest batch takes on a busy machine. */
const BATCH_MS = 20_000;
/** A batch costs both threads some 50 us whatever is in it. */
const MIN_BETWEEN_MS = 5;
const CLOSE_MS = 2000;
/** A thread that has nothing to do for so long is ended: it takes 40 MB, and is there again in a tenth of a second. */
const IDLE_MS = 10_000;
const MIN_PAUSE_MS = 250;
const MAX_PAUSE_MS = 30_000;

/** Texts on their way to the thread that counts: gathered for a turn of the event loop, and while a batch is under way. */
export class CountingQueue {
  readonly #terms: CountingQueueTerms;
  #waiting: Waiting[] = [];
  #underWay: readonly Waiting[] = [];
  #chars = 0;
  #worker: CountingWorker | undefined;
  #isGathering = false;
  #postedAt = -Infinity;
  #isClosed = false;
  #pauseMs = MIN_PAUSE_MS;
  #pausedUntil = 0;
  #whenEmpty: (() => void) | undefined;
  #idle: NodeJS.Timeout | undefined;

  constructor(terms: CountingQueueTerms) {
    this.#terms = terms;
  }

  /** How many wait, with those under way. */
  get waiting(): number {
    return this.#waiting.length + this.#underWay.length;
  }

  /** Has something counted; at once undefined where as many wait already, or the thread is not there. */
  add(items: readonly Countable[], maxQueue: number, take: Take): void {
    const chars = items.reduce((sum, { text }) => sum + text.length, 0);
    if (!this.#hasRoom(chars, maxQueue)) {
      take(undefined);
      return;
    }
    this.#chars += chars;
    this.#waiting.push({ items, chars, take });
    if (this.#underWay.length === 0) this.#gather();
  }

  /** Waits a bounded while for what is under way, gives up on the rest, and ends the thread. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#idle);
    if (this.waiting > 0) await this.#emptied();
    this.#giveUp();
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.close();
  }

  #hasRoom(chars: number, maxQueue: number): boolean {
    if (this.#isClosed || this.waiting >= maxQueue) return false;
    if (this.#chars + chars > MAX_CHARS) return false;
    return this.#pausedUntil === 0 || performance.now() >= this.#pausedUntil;
  }

  /** Posts at the end of this turn, or where one was posted just now, a little later with all that comes until then. */
  #gather(): void {
    if (this.#isGathering) return;
    this.#isGathering = true;
    const post = (): void => {
      this.#isGathering = false;
      this.#post();
    };
    const sinceMs = performance.now() - this.#postedAt;
    if (sinceMs >= MIN_BETWEEN_MS || this.#isClosed) setImmediate(post);
    else setTimeout(post, MIN_BETWEEN_MS - sinceMs);
  }

  #emptied(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, CLOSE_MS);
      this.#whenEmpty = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Sends as much of what waits as makes a batch. */
  #post(): void {
    if (this.#underWay.length > 0 || this.#waiting.length === 0) return;
    const worker = this.#running();
    if (worker === undefined) return;
    let size = 0;
    let chars = 0;
    for (const waiting of this.#waiting) {
      if (size > 0 && (size >= BATCH_ENTRIES || chars + waiting.chars > BATCH_CHARS)) break;
      size += 1;
      chars += waiting.chars;
    }
    this.#underWay = this.#waiting.splice(0, size);
    this.#postedAt = performance.now();
    worker.post(this.#underWay.flatMap(({ items }) => items));
  }

  /** The thread, started where there is none; undefined where it cannot be. */
  #running(): CountingWorker | undefined {
    if (this.#worker !== undefined) return this.#worker;
    try {
      const thread = this.#terms.startWorker?.() ?? startTokenWorker();
      this.#worker = new CountingWorker(thread, {
        batchMs: this.#terms.batchMs ?? BATCH_MS,
        onCounts: (counts) => this.#take(counts),
        onDeath: (why) => this.#pause(why),
      });
    } catch (error) {
      this.#pause(String(error));
    }
    return this.#worker;
  }

  #take(counts: readonly number[]): void {
    this.#pauseMs = MIN_PAUSE_MS;
    this.#pausedUntil = 0;
    const settled = this.#underWay;
    this.#underWay = [];
    // What fills a batch is not kept waiting: the thread works on while what it found is told.
    if (this.#waiting.length >= BATCH_ENTRIES) this.#post();
    else if (this.#waiting.length > 0) this.#gather();
    let start = 0;
    for (const { items, chars, take } of settled) {
      this.#chars -= chars;
      const end = start + items.length;
      this.#tell(take, counts.slice(start, end));
      start = end;
    }
    if (this.waiting > 0) return;
    this.#whenEmpty?.();
    this.#rest();
  }

  /** Ends the thread when nothing has come for a while. */
  #rest(): void {
    if (this.#isClosed) return;
    this.#idle ??= setTimeout(() => {
      this.#idle = undefined;
      const isIdle = this.waiting === 0;
      if (!isIdle || performance.now() - this.#postedAt < this.#idleMs) {
        this.#rest();
        return;
      }
      const worker = this.#worker;
      this.#worker = undefined;
      void worker?.close();
    }, this.#idleMs).unref();
  }

  get #idleMs(): number {
    return this.#terms.idleMs ?? IDLE_MS;
  }

  /** The thread is gone: nobody waits for another, which is started for what comes after a while. */
  #pause(why: string): void {
    this.#worker = undefined;
    this.#pausedUntil = performance.now() + this.#pauseMs;
    this.#pauseMs = Math.min(MAX_PAUSE_MS, 2 * this.#pauseMs);
    this.#giveUp();
    if (!this.#isClosed) this.#terms.onFault?.(why);
  }

  #giveUp(): void {
    const left = [...this.#underWay, ...this.#waiting];
    this.#underWay = [];
    this.#waiting = [];
    this.#chars = 0;
    for (const { take } of left) this.#tell(take, undefined);
    this.#whenEmpty?.();
  }

  /** What goes wrong with one must not keep the others from being told. */
  #tell(take: Take, counts: readonly number[] | undefined): void {
    try {
      take(counts);
    } catch (error) {
      this.#terms.onFault?.(String(error));
    }
  }
}
