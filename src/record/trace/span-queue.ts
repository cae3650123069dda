/** What a queue of spans needs. */
export interface QueueTerms<T> {
  /** Spans that may wait. */
  maxWaiting(): number;
  /** Longest time one sending may take, in milliseconds. */
  sendTimeoutMs(): number;
  /** Rejects when what it is given could not be sent. */
  send(batch: readonly T[]): Promise<void>;
  /** Called at the first failure after a success. */
  onFailing(error: unknown): void;
  /** Called at the first success after a failure, with how many were lost meanwhile. */
  onRecovered(lost: number): void;
}

/** Spans by what became of them. */
export interface SpanCounts {
  readonly waiting: number;
  readonly sent: number;
  /** Lost: there was no room for them, or sending failed. */
  readonly dropped: number;
}

const BATCH = 512;
const DELAY_MS = 1000;

/** Spans on their way out: sent in batches, one after the other; what finds no room is dropped and counted. */
export class SpanQueue<T> {
  readonly #terms: QueueTerms<T>;
  #waiting: T[] = [];
  #sent = 0;
  #dropped = 0;
  /** How many had been dropped when sending began to fail; undefined while it works. */
  #failingSince: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Whether the timer is for this turn of the event loop. */
  #isDue = false;
  #sending: Promise<void> | undefined;
  #isClosed = false;

  constructor(terms: QueueTerms<T>) {
    this.#terms = terms;
  }

  get counts(): SpanCounts {
    return { waiting: this.#waiting.length, sent: this.#sent, dropped: this.#dropped };
  }

  /** Takes the spans of one exchange, all or none: half a trace misleads. */
  add(spans: readonly T[]): void {
    const room = this.#terms.maxWaiting() - this.#waiting.length;
    if (this.#isClosed || spans.length > room) {
      this.#dropped += spans.length;
      return;
    }
    for (const span of spans) this.#waiting.push(span);
    this.#sendSoon();
  }

  /** Sends what waits, but no longer than this; what is left then is dropped. */
  async close(withinMs: number): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    const end = performance.now() + withinMs;
    while (this.#waiting.length > 0 || this.#sending !== undefined) {
      const left = end - performance.now();
      if (left <= 0) break;
      await within(left, this.#sending ?? this.#sendOne(), true).catch(() => undefined);
    }
    this.#dropped += this.#waiting.length;
    this.#waiting = [];
  }

  #sendSoon(): void {
    const isFull = this.#waiting.length >= BATCH;
    // Called for every exchange: a timer that is right already stays.
    if (this.#sending !== undefined || this.#isClosed || this.#isDue) return;
    if (this.#timer !== undefined && !isFull) return;
    clearTimeout(this.#timer);
    this.#isDue = isFull;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#isDue = false;
        void this.#sendOne();
      },
      isFull ? 0 : DELAY_MS,
    ).unref();
  }

  #sendOne(): Promise<void> {
    const batch = this.#waiting.splice(0, BATCH);
    this.#sending = this.#deliver(batch).finally(() => {
      this.#sending = undefined;
      if (this.#waiting.length > 0) this.#sendSoon();
    });
    return this.#sending;
  }

  async #deliver(batch: readonly T[]): Promise<void> {
    try {
      const sending = this.#terms.send(batch);
      // Nobody is to wait for what is given up anyway: it does not keep the process alive.
      await within(this.#terms.sendTimeoutMs(), sending, false);
      this.#sent += batch.length;
      if (this.#failingSince !== undefined)
        this.#terms.onRecovered(this.#dropped - this.#failingSince);
      this.#failingSince = undefined;
    } catch (error) {
      if (this.#failingSince === undefined) this.#terms.onFailing(error);
      this.#failingSince ??= this.#dropped;
      this.#dropped += batch.length;
    }
  }
}

/** Rejects when the work takes longer. */
async function within(ms: number, work: Promise<void>, isAwaited: boolean): Promise<void> {
  const ticking = Promise.withResolvers<void>();
  const timer = setTimeout(() => ticking.reject(new Error(`no answer within ${ms} ms`)), ms);
  if (!isAwaited) timer.unref();
  try {
    await Promise.race([work, ticking.promise]);
  } finally {
    clearTimeout(timer);
  }
}
