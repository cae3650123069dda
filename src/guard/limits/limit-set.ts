import type { LimitPlan } from '../../kernel/limits-plan.ts';
import { Budget } from './budget.ts';
import { Limit } from './limit.ts';
import { Meter } from './meter.ts';
import { Meters } from './meters.ts';
import type { LimitsTerms } from './ports.ts';
import { Selection } from './selection.ts';
import type { SpanUnit } from './span.ts';

/** What a set of limits needs. */
export interface LimitSetTerms extends Pick<LimitsTerms, 'log'> {
  /** Milliseconds since the epoch. */
  now(): number;
  onCharged(budget: Budget): void;
}

/** Counts kept apart: of all limits together, and of one. */
const MOST = 100_000;
const MOST_OF_ONE = 50_000;
const LEAST_OF_ONE = 100;

/** The limits of the present plan, compiled. */
export class LimitSet {
  readonly #terms: LimitSetTerms;
  #all: readonly Limit[] = [];
  #byMeaning: ReadonlyMap<string, Limit> = new Map();

  constructor(terms: LimitSetTerms) {
    this.#terms = terms;
  }

  get all(): readonly Limit[] {
    return this.#all;
  }

  get isEmpty(): boolean {
    return this.#all.length === 0;
  }

  /** The limit that counts what is kept under this name. */
  counting(meaning: string): Limit | undefined {
    return this.#byMeaning.get(meaning);
  }

  /** Takes new limits, with the counts of those that mean the same; the result names the budgets that begin to be counted. */
  apply(plans: readonly LimitPlan[]): readonly string[] {
    const before = this.#byMeaning;
    this.#all = plans.map((plan) => this.#compile(plan));
    this.#byMeaning = new Map(this.#all.map((limit) => [limit.meaning, limit]));
    return this.#all
      .filter(({ meaning, plan }) => plan.budget !== undefined && !before.has(meaning))
      .map(({ meaning }) => meaning);
  }

  #compile(plan: LimitPlan): Limit {
    const selection = new Selection(plan);
    const { meaning } = selection;
    const before = this.#byMeaning.get(meaning);
    const meters = before?.meters ?? this.#metersFor(plan, meaning);
    if (before !== undefined && JSON.stringify(before.plan.rate) !== JSON.stringify(plan.rate))
      for (const meter of meters.all()) meter.refill();
    return new Limit(plan, { selection, meaning, meters });
  }

  #metersFor({ id, budget }: LimitPlan, counted: string): Meters {
    return new Meters({
      most: () => this.#mostOfOne(),
      make: (key) => new Meter(key, budget && this.#budget(budget.window, counted, key)),
      onFull: () =>
        this.#terms.log.warn(
          { limit: id, counts: this.#mostOfOne() },
          'a limit has more counts than are kept apart: all further callers share one; count by what callers cannot choose',
        ),
    });
  }

  #budget(unit: SpanUnit, counted: string, key: string): Budget {
    const onCharged = (budget: Budget): void => this.#terms.onCharged(budget);
    return new Budget({ counted, key, unit, onCharged }, this.#terms.now());
  }

  #mostOfOne(): number {
    const share = Math.floor(MOST / Math.max(1, this.#all.length));
    return Math.min(MOST_OF_ONE, Math.max(LEAST_OF_ONE, share));
  }
}
