import type { AccessPlan } from '../kernel/access.ts';
import type { JsonObject } from '../kernel/json.ts';
import { Denial, Permit, type Decision, type Sight } from '../kernel/permit.ts';
import type { Principal } from '../kernel/principal.ts';
import type { Target } from '../kernel/target.ts';
import type { Rulebook } from './caller-class.ts';
import { caseOf, type Case, type Seen } from './case.ts';
import { nextTurn } from './clock.ts';
import { Explaining, type Explanation } from './explanation.ts';
import { USUAL_METHODS, type Known } from './facts.ts';
import { foreseen, type Foresight } from './foresight.ts';
import { Grants } from './grants.ts';
import { Judgement, type Conclusion, type Outcome } from './judgement.ts';
import type { PolicyPorts } from './ports.ts';
import { reachOf } from './reach.ts';
import { Rule } from './rule.ts';
import { Standings, type Standing } from './standings.ts';
import { ToolGroup } from './tool-group.ts';

/** What is known of a call that was recorded. */
export interface Recorded {
  /** Undefined where they were not recorded. */
  readonly args: JsonObject | undefined;
  /** Whether the principal has the claims the caller had. */
  readonly hasClaims: boolean;
  /** The method it was called by; the usual one of its kind of target when undefined. */
  readonly method?: string | undefined;
}

const NO_ARGS: JsonObject = {};
const NONE: readonly string[] = [];

const SEEN: Seen = { sight: 'seen', scopes: NONE };
const HIDDEN: Seen = { sight: 'hidden', scopes: NONE };

/** Who may reach what, under one plan: a compiled decision for everything a message can address. */
export class Policy {
  readonly #standings: Standings;
  readonly #ports: PolicyPorts;

  constructor(access: AccessPlan, auth: { readonly isOn: boolean }, ports: PolicyPorts) {
    const groups = new Map(
      Object.entries(access.groups).map(([name, plan]) => [name, new ToolGroup(plan)] as const),
    );
    const rules = access.rules.map((plan) => new Rule(plan, groups, auth.isOn));
    const book: Rulebook = { groups, rules, grants: new Grants(access, groups, auth.isOn) };
    this.#standings = new Standings(book);
    this.#ports = ports;
  }

  /** Whether a caller may reach a target with these arguments: those its server will get. */
  decide(principal: Principal, target: Target, args?: JsonObject, method?: string): Decision {
    const standing = this.#standings.of(principal);
    const theCase = caseFor(standing, target);
    const outcome =
      theCase.fixed ?? this.#outcome(standing, theCase, this.#known(target, args, method));
    const { isAllowed, rule, hidden, scopes, shadows } = outcome;
    if (isAllowed) return Permit.grant(principal, target, rule, shadows);
    return new Denial(rule, { hidden, scopes }, shadows);
  }

  /** Whether a caller is shown a target: seen when some arguments could be permitted now (docs/rules.md R5). */
  sight(principal: Principal, target: Target): Sight {
    const standing = this.#standings.of(principal);
    return this.#seen(standing, caseFor(standing, target)).sight;
  }

  /** Whether a caller could reach anything of a server. */
  reaches(principal: Principal, upstream: string): boolean {
    const { caller, callers } = this.#standings.of(principal);
    const server = upstream.toLowerCase();
    const { endpoint } = callers;
    if (endpoint !== undefined && endpoint.group?.hasAny(server) !== true) return false;
    return reachOf({ callers, caller, known: this.#unknown(), server, mood: 'hope' }).isReached;
  }

  /** Callers with equal keys are decided alike. Under another policy keys mean something else. */
  viewKey(principal: Principal): string {
    return this.#standings.of(principal).key;
  }

  /** Until when time alone does not change what a caller sees, in milliseconds since the epoch; undefined: never. */
  viewUntil(principal: Principal): number | undefined {
    const { clock } = this.#standings.of(principal).callers;
    return clock === undefined ? undefined : nextTurn(this.#ports.now(), clock);
  }

  /** The decision, and every entry and rule that was considered for it, in order. */
  explain(principal: Principal, target: Target, args?: JsonObject): Explanation {
    const standing = this.#standings.fresh(principal);
    const explaining = new Explaining(standing);
    const theCase = caseOf(standing.callers, target, explaining.onTargetGap);
    const known = this.#known(target, args, undefined);
    const judgement = new Judgement(theCase, standing.callers, standing.caller, known);
    const conclusion = judgement.conclude('hope');
    const outcome = this.#finish(standing, theCase, judgement, conclusion);
    return explaining.explanation(theCase, judgement, conclusion, outcome);
  }

  /** What the decision about a recorded call would be, where that can be told from what was recorded. */
  foresee(principal: Principal, target: Target, recorded: Recorded): Foresight {
    const standing = this.#standings.of(principal);
    const { caller, callers } = standing;
    const { hasClaims, args } = recorded;
    const method = recorded.method ?? USUAL_METHODS[target.kind];
    const known = { args, method, hasClaims, now: this.#ports.now() };
    return foreseen(new Judgement(caseFor(standing, target), callers, caller, known), known);
  }

  #outcome(standing: Standing, theCase: Case, known: Known): Outcome {
    const judgement = new Judgement(theCase, standing.callers, standing.caller, known);
    const outcome = this.#finish(standing, theCase, judgement, judgement.conclude('hope'));
    if (theCase.isFixed) theCase.fixed = outcome;
    return outcome;
  }

  #finish(
    standing: Standing,
    theCase: Case,
    judgement: Judgement,
    { isAllowed, id }: Conclusion,
  ): Outcome {
    const shadows = theCase.shadows.length === 0 ? NONE : judgement.shadows(isAllowed);
    if (isAllowed) return { isAllowed, rule: id, hidden: false, scopes: NONE, shadows };
    const { sight, scopes } = theCase.isFixed ? HIDDEN : this.#seen(standing, theCase);
    return { isAllowed, rule: id, hidden: sight === 'hidden', scopes, shadows };
  }

  #seen(standing: Standing, theCase: Case): Seen {
    if (theCase.fixed !== undefined) return theCase.fixed.isAllowed ? SEEN : HIDDEN;
    if (theCase.seen !== undefined) return theCase.seen;
    const seen = this.#look(standing, theCase);
    // With no arguments known, what else it depends on is the same for the whole class, but for the clock.
    if (standing.callers.clock === undefined) theCase.seen = seen;
    return seen;
  }

  #look(standing: Standing, theCase: Case): Seen {
    if (this.#couldReach(standing, theCase)) return SEEN;
    for (const rule of theCase.lacking) {
      const stepped = this.#standings.stepUp(standing, rule);
      if (this.#couldReach(stepped, caseOf(stepped.callers, theCase.target)))
        return { sight: 'by-scope', scopes: rule.plan.scopes ?? NONE };
    }
    return HIDDEN;
  }

  /** Whether some arguments would be permitted. */
  #couldReach({ caller, callers }: Standing, theCase: Case): boolean {
    return new Judgement(theCase, callers, caller, this.#unknown()).conclude('hope').isAllowed;
  }

  #known(target: Target, args: JsonObject | undefined, method: string | undefined): Known {
    return {
      args: args ?? NO_ARGS,
      method: method ?? USUAL_METHODS[target.kind],
      hasClaims: true,
      now: this.#ports.now(),
    };
  }

  #unknown(): Known {
    return { args: undefined, method: undefined, hasClaims: true, now: this.#ports.now() };
  }
}

function caseFor({ callers }: Standing, target: Target): Case {
  const present = callers.cases.get(target);
  if (present !== undefined) return present;
  const found = caseOf(callers, target);
  callers.cases.set(target, found);
  return found;
}
