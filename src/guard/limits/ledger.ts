import type { BudgetRow } from '../../kernel/budget-row.ts';
import type { Budget } from './budget.ts';
import type { BudgetStore, LimitsTerms } from './ports.ts';

const SYNC_MS = 500;
/** So that no exchange keeps calls waiting for long. */
const MAX_ROWS = 2000;
/** Another process that writes just now is nothing to warn of. */
const WARN_AFTER = 3;

/**
 * Brings what was used into the store and back what others used, a few times a second. Where that fails, counting goes on in
 * memory, and what is unsaved is saved later.
 */
export class Ledger {
  readonly #terms: LimitsTerms;
  readonly #onRow: (row: BudgetRow) => void;
  readonly #unsaved = new Set<Budget>();
  readonly #unread = new Set<string>();
  #store: BudgetStore | undefined;
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;
  #isClosed = false;

  /** `onRow` is told what the store says of a budget, also of one that only others have charged. */
  constructor(terms: LimitsTerms, onRow: (row: BudgetRow) => void) {
    this.#terms = terms;
    this.#onRow = onRow;
  }

  /** Notes that a budget was charged. */
  charged(budget: Budget): void {
    this.#unsaved.add(budget);
  }

  /** Begins to keep these counts: with what the store has of them. */
  open(counted: readonly string[]): void {
    this.#timer ??= setInterval(() => this.sync(), this.#terms.syncMs ?? SYNC_MS).unref();
    for (const each of counted) this.#unread.add(each);
    this.sync();
  }

  /** Exchanges with the store what either does not know. */
  sync(): void {
    const budgets = firstOf(this.#unsaved, MAX_ROWS);
    const now = this.#terms.now();
    this.#tryTo((store) => {
      if (this.#unread.size > 0) this.#read(store, now);
      const rows = store.exchange(
        budgets.map((budget) => budget.unsaved()),
        now,
      );
      for (const budget of budgets) {
        budget.saved();
        this.#unsaved.delete(budget);
      }
      for (const row of rows) this.#onRow(row);
      // Between two parts of many, calls get their turn.
      if (this.#unsaved.size > 0 && !this.#isClosed) setImmediate(() => this.#goOn()).unref();
    });
  }

  /** Saves what is left. */
  close(): void {
    clearInterval(this.#timer);
    this.#isClosed = true;
    this.#failures = 0;
    while (this.#unsaved.size > 0 && this.#failures === 0) this.sync();
    this.#unsaved.clear();
    this.#store?.close();
    this.#store = undefined;
  }

  #goOn(): void {
    if (!this.#isClosed) this.sync();
  }

  #read(store: BudgetStore, now: number): void {
    const rows = store.load([...this.#unread], now);
    this.#unread.clear();
    for (const row of rows) this.#onRow(row);
  }

  #tryTo(act: (store: BudgetStore) => void): void {
    try {
      this.#store ??= this.#terms.openStore();
      act(this.#store);
      this.#failures = 0;
    } catch (error) {
      this.#failures += 1;
      if (this.#failures === WARN_AFTER)
        this.#terms.log.warn(
          { error: String(error) },
          'budgets cannot be saved now; they are counted in memory, and saved as soon as that is possible',
        );
    }
  }
}

function firstOf<T>(all: Iterable<T>, most: number): T[] {
  const first: T[] = [];
  for (const each of all) if (first.push(each) >= most) break;
  return first;
}
