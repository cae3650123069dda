import type { Recorded, Sink } from '../../kernel/entry.ts';
import type { UsagePlan } from '../../kernel/record-plan.ts';
import { seriesKey } from '../../kernel/usage.ts';
import { Delivery, type DeliveryCounts, type DeliveryTerms } from './delivery.ts';
import { SeriesBound } from './series-bound.ts';
import { seriesOf } from './series.ts';
import { Tally } from './tally.ts';

/** What counting usage needs. */
export interface UsageTerms extends DeliveryTerms {
  plan(): UsagePlan;
  /** Milliseconds since the epoch. */
  now(): number;
}

const MINUTE_MS = 60_000;
const RETRY_MS = 1000;
const PRUNE_EVERY_MS = 3_600_000;
const CLOSE_MS = 3000;

/**
 * Counts what exchanges use, by series and the minute they began in, and gives it to a store within `usage.flushMs`. While the
 * store fails, counts wait, bounded; no exchange ever does.
 */
export class UsageSink implements Sink {
  readonly #terms: UsageTerms;
  readonly #delivery: Delivery;
  readonly #bound = new SeriesBound();
  readonly #tallies = new Map<string, Tally>();
  #timer: NodeJS.Timeout | undefined;
  #prunedAt = Number.NEGATIVE_INFINITY;
  #isClosed = false;

  constructor(terms: UsageTerms) {
    this.#terms = terms;
    this.#delivery = new Delivery(terms);
  }

  /** How it stands with what was counted. */
  counts(): DeliveryCounts {
    const counts = this.#delivery.counts();
    return { ...counts, waiting: counts.waiting + this.#tallies.size };
  }

  take({ entry, spending }: Recorded): void {
    const { isOn, maxSeries, flushMs } = this.#terms.plan();
    const series = isOn && !this.#isClosed ? seriesOf(entry) : undefined;
    if (series === undefined) return;
    const start = Math.floor(entry.startedAt / MINUTE_MS) * MINUTE_MS;
    const present = this.#tallies.get(keyOf(start, seriesKey(series)));
    if (present !== undefined) {
      present.add(entry, spending);
      return;
    }
    const admitted = this.#bound.admitted(series, entry.startedAt, maxSeries);
    const key = keyOf(start, seriesKey(admitted));
    const tally = this.#tallies.get(key) ?? new Tally(start, admitted);
    this.#tallies.set(key, tally);
    tally.add(entry, spending);
    this.#flushIn(flushMs);
  }

  /** Gives what is left to the store. Resolves when it is kept, or after three seconds. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#drain();
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, CLOSE_MS);
    });
    await Promise.race([this.#delivery.run(), tooLate]);
    clearTimeout(timer);
  }

  #flushIn(ms: number): void {
    this.#timer ??= setTimeout(() => void this.#flush(), ms).unref();
  }

  async #flush(): Promise<void> {
    this.#timer = undefined;
    this.#drain();
    const isDone = await this.#delivery.run();
    if (this.#isClosed) return;
    if (!isDone) this.#flushIn(Math.max(RETRY_MS, this.#terms.plan().flushMs));
    else await this.#prune();
  }

  #drain(): void {
    for (const [key, tally] of this.#tallies) this.#delivery.put(key, tally.item());
    this.#tallies.clear();
  }

  async #prune(): Promise<void> {
    const now = this.#terms.now();
    // A clock that was set back must not keep what is old.
    if (Math.abs(now - this.#prunedAt) < PRUNE_EVERY_MS) return;
    this.#prunedAt = now;
    try {
      await this.#terms.keeper.prune(now);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#terms.log.warn({}, `old usage cannot be removed now: ${why}`);
    }
  }
}

function keyOf(start: number, series: string): string {
  return `${start}\n${series}`;
}
