import type { Case, CaseRule, OnTargetGap } from './case.ts';
import { FAILED, FALSE, TRUE } from './cel/value.ts';
import { judgeGrants, reachOfGrants, type Applied, type GrantVerdict } from './grants.ts';
import type { Conclusion, Judgement, Outcome } from './judgement.ts';
import type { CallerGap, Rule, TargetGap } from './rule.ts';
import { callerSentence, targetSentence } from './sentences.ts';
import type { Standing } from './standings.ts';
import { labelOf } from './subject.ts';

/** What came of one entry or rule: it decided, it holds but something else decided, or why it does not matter. */
export type Verdict =
  | 'decides'
  | 'holds'
  | 'does not select the caller'
  | 'lacks scopes'
  | 'does not select the target'
  | 'condition false'
  | 'condition failed'
  | 'condition undecided';

/** One entry of permissions, rule or endpoint that was considered. */
export interface Considered {
  readonly id: string;
  readonly kind: 'permissions' | 'rule' | 'endpoint';
  readonly effect: 'allow' | 'deny';
  readonly mode: 'enforce' | 'shadow';
  readonly verdict: Verdict;
  /** A sentence that names the selector, the group or the part of the condition. */
  readonly why: string;
}

/** A decision and how it came about. */
export interface Explanation extends Outcome {
  /** In the order they are considered in. */
  readonly considered: readonly Considered[];
}

/** Watches one decision being made and tells of it; the decision itself is made by the code that makes all of them. */
export class Explaining {
  readonly #standing: Standing;
  readonly #gaps = new Map<Rule, TargetGap>();

  constructor(standing: Standing) {
    this.#standing = standing;
  }

  readonly onTargetGap: OnTargetGap = (rule, gap) => {
    this.#gaps.set(rule, gap);
  };

  explanation(
    theCase: Case,
    judgement: Judgement,
    conclusion: Conclusion,
    outcome: Outcome,
  ): Explanation {
    const { callers } = this.#standing;
    const told: Told = { theCase, judgement, conclusion };
    const cases = [...theCase.denies, ...theCase.allows, ...theCase.shadows];
    const entries = callers.sets.flat().map((applied) => entryConsidered(applied, told));
    const rules = this.#standing.callers.all.map((rule) => {
      const each = cases.find((one) => one.rule === rule);
      return each === undefined ? this.#notFor(rule, told) : ruleConsidered(each, told);
    });
    return {
      ...outcome,
      considered: [...endpointConsidered(this.#standing, told), ...entries, ...rules],
    };
  }

  #notFor(rule: Rule, { theCase, judgement, conclusion }: Told): Considered {
    const { caller, callers } = this.#standing;
    const gap = callers.gaps.get(rule);
    if (gap !== undefined)
      return considered(rule, CALLER_VERDICTS[gap], callerSentence(rule, gap, caller));
    const why = targetSentence(rule, this.#gaps.get(rule), theCase.subject);
    // Tasks and questions go by whether their server is reached, which may be by this rule.
    const isWay = theCase.grants === undefined && judgement.reach('hope').id === rule.id;
    if (!isWay) return considered(rule, 'does not select the target', why);
    const decides = conclusion.id === rule.id;
    const way = `it ${rule.isDeny ? 'closes' : 'opens a way to'} the server ${theCase.subject.upstream}`;
    return considered(rule, decides ? 'decides' : 'holds', way);
  }
}

interface Told {
  readonly theCase: Case;
  readonly judgement: Judgement;
  readonly conclusion: Conclusion;
}

const CALLER_VERDICTS: Readonly<Record<CallerGap, Verdict>> = {
  claimed: 'does not select the caller',
  consumers: 'does not select the caller',
  groups: 'does not select the caller',
  clients: 'does not select the caller',
  scopes: 'lacks scopes',
};

function endpointConsidered({ callers }: Standing, { theCase }: Told): Considered[] {
  const { endpoint } = callers;
  if (endpoint === undefined) return [];
  const { isOutside, subject } = theCase;
  const what =
    endpoint.group === undefined ? 'there is no such group' : `it has not ${labelOf(subject)}`;
  return [
    {
      id: `endpoint ${endpoint.name}`,
      kind: 'endpoint',
      effect: isOutside ? 'deny' : 'allow',
      mode: 'enforce',
      verdict: isOutside ? 'decides' : 'holds',
      why: `The endpoint serves the group ${endpoint.name} alone; ${isOutside ? what : `it has ${labelOf(subject)}`}.`,
    },
  ];
}

function entryConsidered(applied: Applied, { theCase, conclusion }: Told): Considered {
  const { subject, parent, grants } = theCase;
  const alone = [[applied]];
  const verdict =
    grants === undefined
      ? reachOfGrants(alone, subject.server)
      : judgeGrants(alone, subject, parent);
  const decides =
    conclusion.by === undefined && conclusion.id === applied.grant.id && !theCase.isOutside;
  return {
    id: applied.grant.id,
    kind: 'permissions',
    effect: verdict.stand === 'allow' ? 'allow' : 'deny',
    mode: 'enforce',
    verdict: decides ? 'decides' : 'holds',
    why: `It holds because ${applied.because}; ${entryReason(verdict, theCase)}.`,
  };
}

function entryReason({ stand, group }: GrantVerdict, { subject, parent, grants }: Case): string {
  const what = grants === undefined ? `the server ${subject.upstream}` : labelOf(subject);
  if (group === undefined)
    return stand === 'allow'
      ? `it allows all that it does not block`
      : `it allows nothing that no group names`;
  if (stand === 'allow') return `it allows the group ${group}, which has ${what}`;
  const blocked = stand === 'parent' && parent !== undefined ? labelOf(parent) : what;
  return `it blocks the group ${group}, which has ${blocked}`;
}

function ruleConsidered(each: CaseRule, told: Told): Considered {
  const { rule } = each;
  const { judgement } = told;
  const side = tellingSide(each, judgement);
  const outcomes = judgement.outcomes(each, side);
  const why = judgement.explain(each, side);
  if (outcomes === FALSE) return considered(rule, 'condition false', why);
  if (isDecider(rule, told)) return considered(rule, 'decides', reason(outcomes, side, why));
  if (outcomes === TRUE) return considered(rule, 'holds', reason(outcomes, side, why));
  const verdict = outcomes === FAILED ? 'condition failed' : 'condition undecided';
  return considered(rule, verdict, why);
}

/** A rule that denies may do so because of the tool a custom tool was made from. */
function tellingSide(each: CaseRule, judgement: Judgement): 'own' | 'parent' {
  if (!each.own) return 'parent';
  return each.parent && judgement.outcomes(each) === FALSE ? 'parent' : 'own';
}

function isDecider({ id }: Rule, { theCase, conclusion }: Told): boolean {
  if (conclusion.by !== undefined) return conclusion.by.id === id;
  return theCase.grants === undefined && conclusion.id === id;
}

function reason(outcomes: number, side: 'own' | 'parent', why: string): string {
  if (outcomes !== TRUE) return why;
  const what = side === 'own' ? 'its selectors hold' : 'it is for the tool this one was made from';
  return `${what} and ${why}`;
}

function considered({ id, plan }: Rule, verdict: Verdict, why: string): Considered {
  const sentence = `${why.charAt(0).toUpperCase()}${why.slice(1)}.`;
  return { id, kind: 'rule', effect: plan.effect, mode: plan.mode, verdict, why: sentence };
}
