import { exchangesOf, type UsageBatch, type UsageItem } from '../../kernel/usage.ts';
import { Backlog } from './backlog.ts';
import type { UsageKeeper, UsageLog } from './ports.ts';

/** What bringing usage to its store needs. */
export interface DeliveryTerms {
  readonly keeper: UsageKeeper;
  readonly log: UsageLog;
  /** Names this process in the store: new with every start, and nobody else's. */
  readonly writer: string;
}

/** How it stands with what was counted. */
export interface DeliveryCounts {
  /** Combinations of series and minute that are not kept yet. */
  readonly waiting: number;
  /** Exchanges that were kept. */
  readonly written: number;
  /** Exchanges that will never be kept, for too much waited. */
  readonly dropped: number;
  /** Attempts that failed. */
  readonly failures: number;
  /** Whether the last attempt failed. */
  readonly isFailing: boolean;
}

/** Items that may wait while the store is down, each some hundred bytes. */
const MOST_WAITING = 20_000;

/** Brings what was counted to the store, each batch exactly once; what cannot be brought waits, bounded. */
export class Delivery {
  readonly #terms: DeliveryTerms;
  readonly #backlog = new Backlog(MOST_WAITING);
  /** What is on its way. It stays as it is until it is certain to be kept, for it may be already. */
  #batch: UsageBatch | undefined;
  #lastNumber = 0;
  #running: Promise<boolean> | undefined;
  #written = 0;
  #failures = 0;
  #isFailing = false;

  constructor(terms: DeliveryTerms) {
    this.#terms = terms;
  }

  counts(): DeliveryCounts {
    return {
      waiting: this.#backlog.size + (this.#batch?.items.length ?? 0),
      written: this.#written,
      dropped: this.#backlog.dropped,
      failures: this.#failures,
      isFailing: this.#isFailing,
    };
  }

  /** Takes something on, under a key that tells its series and minute. */
  put(key: string, item: UsageItem): void {
    this.#backlog.put(key, item);
  }

  /** Brings all there is; resolves with whether nothing is left. */
  run(): Promise<boolean> {
    this.#running ??= this.#run();
    return this.#running;
  }

  async #run(): Promise<boolean> {
    // Not before it is known to be running.
    await Promise.resolve();
    try {
      for (;;) {
        this.#batch ??= this.#nextBatch();
        if (this.#batch === undefined) return true;
        await this.#terms.keeper.add(this.#batch);
        this.#kept(this.#batch);
      }
    } catch (error) {
      this.#failed(error);
      return false;
    } finally {
      this.#running = undefined;
    }
  }

  #nextBatch(): UsageBatch | undefined {
    const items = this.#backlog.take(this.#terms.keeper.batchItems);
    if (items.length === 0) return undefined;
    this.#lastNumber += 1;
    return { writer: this.#terms.writer, number: this.#lastNumber, items };
  }

  #kept({ items }: UsageBatch): void {
    this.#batch = undefined;
    for (const item of items) this.#written += exchangesOf(item);
    if (!this.#isFailing) return;
    this.#isFailing = false;
    const { dropped } = this.#backlog;
    this.#terms.log.warn({ dropped }, 'usage is kept again');
  }

  /** Told once, however long it lasts. */
  #failed(error: unknown): void {
    this.#failures += 1;
    if (this.#isFailing) return;
    this.#isFailing = true;
    const why = error instanceof Error ? error.message : String(error);
    this.#terms.log.warn({}, `usage cannot be kept now, and waits in memory: ${why}`);
  }
}
