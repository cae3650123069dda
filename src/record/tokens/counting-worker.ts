import { Worker } from 'node:worker_threads';

import type { Batch, Countable, Counts } from './counting.ts';

/** What becomes of a batch. */
export interface WorkerTerms {
  /** Longest time a batch may take. */
  readonly batchMs: number;
  /** A batch is counted. */
  onCounts(counts: readonly number[]): void;
  /** The worker has died, or was ended because it took too long: nothing more comes from it. */
  onDeath(why: string): void;
}

const MAX_HEAP_MB = 512;
const YOUNG_HEAP_MB = 12;

/** Starts the thread that counts. It keeps no process alive. */
export function startTokenWorker(): Worker {
  // Tests run the sources, the product what was made of them.
  const ending = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const worker = new Worker(new URL(`./token-worker.${ending}`, import.meta.url), {
    name: 'tokens',
    env: {},
    resourceLimits: {
      maxOldGenerationSizeMb: MAX_HEAP_MB,
      maxYoungGenerationSizeMb: YOUNG_HEAP_MB,
    },
  });
  worker.unref();
  return worker;
}

/** One thread and the batch it works on. */
export class CountingWorker {
  readonly #worker: Worker;
  readonly #terms: WorkerTerms;
  #batch: number | undefined;
  #lastId = 0;
  #postedAt = 0;
  #timer: NodeJS.Timeout | undefined;
  #isDead = false;

  constructor(worker: Worker, terms: WorkerTerms) {
    this.#worker = worker;
    this.#terms = terms;
    worker.on('message', (counts: Counts) => this.#take(counts));
    worker.on('error', (error) => this.#die(String(error)));
    worker.on('exit', (code) => this.#die(`it ended with code ${code}`));
  }

  /** Sends a batch; only one is under way at a time. */
  post(items: readonly Countable[]): void {
    this.#lastId += 1;
    this.#batch = this.#lastId;
    this.#postedAt = performance.now();
    const batch: Batch = {
      id: this.#lastId,
      encodings: items.map(({ encoding }) => encoding),
      kinds: items.map(({ kind }) => kind),
      texts: items.map(({ text }) => text),
    };
    this.#worker.postMessage(batch, []);
    if (this.#timer === undefined) this.#watch(this.#terms.batchMs);
  }

  /** Ends the thread; no event comes any more. */
  async close(): Promise<void> {
    this.#isDead = true;
    clearTimeout(this.#timer);
    await this.#worker.terminate();
  }

  #take({ id, counts }: Counts): void {
    if (this.#isDead || id !== this.#batch) return;
    this.#batch = undefined;
    this.#terms.onCounts(counts);
  }

  /** One timer for all batches: a timer for each would cost more than a small batch does. */
  #watch(waitMs: number): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#batch === undefined) return;
      const leftMs = this.#postedAt + this.#terms.batchMs - performance.now();
      if (leftMs > 0) this.#watch(leftMs);
      else this.#giveUp();
    }, waitMs).unref();
  }

  #giveUp(): void {
    this.#die(`it took longer than ${this.#terms.batchMs} ms`);
    void this.#worker.terminate();
  }

  #die(why: string): void {
    if (this.#isDead) return;
    this.#isDead = true;
    clearTimeout(this.#timer);
    this.#terms.onDeath(why);
  }
}
