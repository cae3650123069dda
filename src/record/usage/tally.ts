import type { Entry } from '../../kernel/entry.ts';
import { Sketch } from '../../kernel/sketch.ts';
import type { Spending } from '../../kernel/spending.ts';
import type { Count, Series, UsageItem } from '../../kernel/usage.ts';

/** What is counted of one series within one minute. */
export class Tally {
  readonly #start: number;
  readonly #series: Series;
  readonly #gateway = new Sketch();
  readonly #upstream = new Sketch();
  readonly #counts: Record<Count, number> = {
    calls: 0,
    gatewayMs: 0,
    upstreamCalls: 0,
    upstreamMs: 0,
    counted: 0,
    estimates: 0,
    argumentTokens: 0,
    resultTokens: 0,
    priced: 0,
    cost: 0,
    requestBytes: 0,
    resultChars: 0,
  };

  constructor(start: number, series: Series) {
    this.#start = start;
    this.#series = series;
  }

  /** Counts one exchange; a call once, however many rounds it takes (docs/rules.md R3). */
  add(entry: Entry, spending: Spending | undefined): void {
    const counts = this.#counts;
    const calls = entry.outcome === 'input-required' ? 0 : 1;
    const upstreamMs = amount(entry.upstreamMs);
    const gatewayMs = amount(entry.durationMs - upstreamMs);
    counts.calls += calls;
    counts.gatewayMs += gatewayMs;
    this.#gateway.accept(gatewayMs);
    if (upstreamMs > 0) {
      counts.upstreamCalls += calls;
      counts.upstreamMs += upstreamMs;
      this.#upstream.accept(upstreamMs);
    }
    counts.requestBytes += whole(entry.requestBytes);
    counts.resultChars += whole(entry.resultChars);
    if (spending !== undefined) this.#spend(spending, calls);
  }

  #spend({ tokens, cost }: Spending, calls: number): void {
    const counts = this.#counts;
    counts.counted += calls;
    counts.estimates += tokens.isEstimate ? 1 : 0;
    counts.argumentTokens += whole(tokens.arguments);
    counts.resultTokens += whole(tokens.result);
    counts.priced += cost === undefined ? 0 : calls;
    counts.cost += amount(cost);
  }

  /** All of it, to be kept. */
  item(): UsageItem {
    return {
      start: this.#start,
      series: this.#series,
      counts: this.#counts,
      gateway: this.#gateway.encode(),
      upstream: this.#upstream.encode(),
    };
  }
}

/** A database takes nothing else: one number that is none would keep all others from being kept. */
function amount(number: number | undefined): number {
  return number !== undefined && number > 0 && Number.isFinite(number) ? number : 0;
}

function whole(number: number | undefined): number {
  return Math.round(amount(number));
}
