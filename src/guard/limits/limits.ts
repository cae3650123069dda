import type { AccessPlan } from '../../kernel/access.ts';
import type { Admission, LimitedCall } from '../../kernel/admission.ts';
import type { BudgetRow } from '../../kernel/budget-row.ts';
import type { Recorded, Sink } from '../../kernel/entry.ts';
import type { LimitReport } from '../../kernel/limit-report.ts';
import type { LimitsPlan } from '../../kernel/limits-plan.ts';
import type { Principal } from '../../kernel/principal.ts';
import { judge } from './judge.ts';
import { Ledger } from './ledger.ts';
import type { Weight } from './limit.ts';
import { LimitSet } from './limit-set.ts';
import { Pending } from './pending.ts';
import type { LimitsTerms, Moment } from './ports.ts';
import { reportOf, warningOf } from './report.ts';
import { Rounds } from './rounds.ts';
import { Standing, type Applied } from './standing.ts';
import { Tallies } from './tallies.ts';
import { Ticket, type Claim } from './ticket.ts';

/** A call of its own; a further round of one; a look at what a call has become. */
const CALL: Weight = { isHeld: true, isCounted: true };
const ROUND: Weight = { isHeld: true, isCounted: false };
const LOOK: Weight = { isHeld: false, isCounted: false };

/** Methods that limits are about. Completions and what manages tasks are not calls that do anything. */
const WEIGHTS: ReadonlyMap<string, Weight> = new Map([
  ['tools/call', CALL],
  ['prompts/get', CALL],
  ['resources/read', CALL],
  ['tasks/get', LOOK],
  ['tasks/result', LOOK],
]);

const NOBODY: AccessPlan['consumers'] = {};

/** How much may be called: rates, calls in flight, budgets by calendar windows, sizes of results. */
export class Limits implements Sink {
  readonly #terms: LimitsTerms;
  readonly #ledger: Ledger;
  readonly #tallies = new Tallies();
  readonly #rounds = new Rounds();
  readonly #pending = new Pending();
  readonly #set: LimitSet;
  #standings = new WeakMap<Principal, Standing>();
  #consumers = NOBODY;
  #showsState = false;

  /** Until `apply` was called nothing is limited. */
  constructor(terms: LimitsTerms) {
    this.#terms = terms;
    this.#ledger = new Ledger(terms, (row) => this.#put(row));
    this.#set = new LimitSet({
      onCharged: (budget) => this.#ledger.charged(budget),
      now: () => terms.now(),
      log: terms.log,
    });
  }

  /**
   * Takes a new plan. What was counted for a limit stays where its id, what it selects, what it counts by and its window are the
   * same; how much it allows may have changed.
   */
  apply(plan: LimitsPlan, consumers: AccessPlan['consumers']): void {
    const begun = this.#set.apply(plan.limits);
    this.#standings = new WeakMap();
    this.#consumers = consumers;
    this.#showsState = plan.showsState;
    this.#tallies.keep(this.#set.all);
    if (begun.length > 0) this.#ledger.open(begun);
  }

  /**
   * Lets a permitted call through and counts it; undefined where no limit is for it. Throws LIMITED, with the limit's id and
   * `retryAfterMs` in its data, where one is reached: then nothing is counted.
   */
  admit(call: LimitedCall): Admission | undefined {
    if (this.#set.isEmpty) return undefined;
    const isForeign = call.target.kind === 'extension';
    const weight = isForeign ? CALL : WEIGHTS.get(call.method);
    if (weight === undefined) return undefined;
    const applied = this.#standingOf(call.principal).to(call.target);
    return applied.uses.length === 0 ? undefined : this.#admit(call, applied, weight);
  }

  /** Charges what an exchange used to the budgets it was let through by, also where those are of an earlier plan. */
  take({ entry, spending }: Recorded): void {
    const claims = this.#pending.take(entry.id);
    if (claims === undefined || spending === undefined) return;
    const tokens = spending.tokens.arguments + spending.tokens.result;
    const { cost = 0 } = spending;
    if (!Number.isFinite(tokens + cost)) return;
    const now = this.#terms.now();
    for (const claim of claims) {
      claim.meter.budget?.charge({ calls: 0, tokens: Math.round(tokens), cost }, now);
      this.#watch(claim);
    }
  }

  /** Every limit with what was counted for it: of its counts those nearest to it, at most so many. */
  report(top: number): readonly LimitReport[] {
    const moment = this.#moment();
    return this.#set.all.map((limit) => reportOf(limit, this.#tallies.get(limit), moment, top));
  }

  /** Saves what is not saved yet. */
  close(): void {
    this.#ledger.close();
  }

  #admit(call: LimitedCall, applied: Applied, usual: Weight): Admission {
    const moment = this.#moment();
    const isRound = usual.isCounted && this.#rounds.isOpen(call);
    const weight = isRound ? ROUND : usual;
    const { claims, warnings } = judge(applied, weight, moment, this.#tallies);
    if (isRound) this.#rounds.take(call);
    for (const claim of claims) {
      claim.limit.begin(claim.meter, weight, moment);
      if (weight.isHeld && this.#watch(claim)) warnings.push(`near ${claim.limit.id}`);
    }
    this.#pending.put(call.id, claims);
    const terms = {
      applied,
      claims,
      weight,
      warnings,
      tallies: this.#tallies,
      showsState: this.#showsState,
      moment: () => this.#moment(),
      expectRetry: (isNamed: boolean) => this.#rounds.expect(call, isNamed),
    };
    return new Ticket(terms, moment.monotonic);
  }

  /** Warns once in each window of a budget that is nearly used up; whether it is. */
  #watch({ limit, meter }: Claim): boolean {
    if (!limit.isNear(meter)) return false;
    if (meter.budget === undefined || meter.budget.isWarned) return true;
    meter.budget.isWarned = true;
    this.#tallies.warned(limit);
    this.#terms.log.warn(warningOf(limit, meter, this.#moment()), 'a budget is nearly used up');
    return true;
  }

  #standingOf(principal: Principal): Standing {
    const present = this.#standings.get(principal);
    if (present !== undefined) return present;
    const { consumer } = principal;
    const known = consumer !== undefined && Object.hasOwn(this.#consumers, consumer);
    const memberOf = known ? this.#consumers[consumer]?.memberOf : undefined;
    const made = new Standing({ principal, memberOf }, this.#set.all);
    this.#standings.set(principal, made);
    return made;
  }

  #put(row: BudgetRow): void {
    const moment = this.#moment();
    if (row.endsAt <= moment.now) return;
    const meter = this.#set.counting(row.counted)?.meters.of(row.key, moment);
    if (meter?.key === row.key) meter.budget?.put(row, moment.now);
  }

  #moment(): Moment {
    return { now: this.#terms.now(), monotonic: this.#terms.monotonic() };
  }
}
