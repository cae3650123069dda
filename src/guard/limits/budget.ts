import type { Amounts, BudgetRow } from '../../kernel/budget-row.ts';
import { nextSpan, spanAt, type Span, type SpanUnit } from './span.ts';

/** Whose count it is, and how it is kept. */
export interface BudgetTerms {
  readonly counted: string;
  readonly key: string;
  readonly unit: SpanUnit;
  /** Told when there is something to be saved. */
  onCharged(budget: Budget): void;
}

const NOTHING: Amounts = { calls: 0, tokens: 0, cost: 0 };

/** What was used within the present window: by this process, and by all that share the store, as far as they have told. */
export class Budget {
  readonly #terms: BudgetTerms;
  #span: Span;
  #used = NOTHING;
  #unsaved = NOTHING;
  /** Whether it was warned of in this window. */
  isWarned = false;

  constructor(terms: BudgetTerms, now: number) {
    this.#terms = terms;
    this.#span = spanAt(terms.unit, now);
  }

  /** Goes on to the window of this moment: there nothing is used yet. */
  at(now: number): this {
    const span = nextSpan(this.#terms.unit, now, this.#span);
    if (span !== this.#span) this.#begin(span);
    return this;
  }

  get span(): Span {
    return this.#span;
  }

  get used(): Amounts {
    return this.#used;
  }

  get isUnused(): boolean {
    const { calls, tokens, cost } = this.#used;
    return calls === 0 && tokens === 0 && cost === 0;
  }

  /** Adds what a call used, in the window of this moment. */
  charge(amounts: Amounts, now: number): void {
    this.at(now);
    this.#used = sumOf(this.#used, amounts);
    this.#unsaved = sumOf(this.#unsaved, amounts);
    this.#terms.onCharged(this);
  }

  /** What is not in the store yet. */
  unsaved(): BudgetRow {
    const { counted, key } = this.#terms;
    return { counted, key, ...this.#span, ...this.#unsaved };
  }

  /** What was unsaved is in the store now. */
  saved(): void {
    this.#unsaved = NOTHING;
  }

  /** Takes what the store says of this budget, where it is of the window of this moment. */
  put(row: BudgetRow, now: number): void {
    this.at(now);
    // The clock may have been set back a little since the row was written.
    const isNext =
      row.startsAt >= this.#span.endsAt && nextSpan(this.#terms.unit, now, row) === row;
    if (isNext) this.#begin({ startsAt: row.startsAt, endsAt: row.endsAt });
    if (row.startsAt === this.#span.startsAt) this.#used = sumOf(row, this.#unsaved);
  }

  /** What a window that is over has left unsaved matters to nobody. */
  #begin(span: Span): void {
    this.#span = span;
    this.#used = NOTHING;
    this.#unsaved = NOTHING;
    this.isWarned = false;
  }
}

function sumOf(one: Amounts, other: Amounts): Amounts {
  return {
    calls: one.calls + other.calls,
    tokens: one.tokens + other.tokens,
    cost: one.cost + other.cost,
  };
}
