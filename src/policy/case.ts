import type { Sight } from '../kernel/permit.ts';
import type { Target } from '../kernel/target.ts';
import type { CallerClass } from './caller-class.ts';
import { judgeGrants, type GrantVerdict } from './grants.ts';
import type { Outcome } from './judgement.ts';
import type { Rule, TargetGap } from './rule.ts';
import { parentOf, subjectOf, type Subject } from './subject.ts';

/** A rule that is for a caller and a target. */
export interface CaseRule {
  readonly rule: Rule;
  /** Its place among the rules of its case. */
  readonly place: number;
  /** Whether it selects the target itself, and, of a rule that denies, the tool a custom tool was made from. */
  readonly own: boolean;
  readonly parent: boolean;
  /** Whether it allows a custom tool by its own name. */
  readonly isByName: boolean;
}

/** All of a policy that can matter to a class of callers and a target. */
export interface Case {
  readonly target: Target;
  readonly subject: Subject;
  readonly parent: Subject | undefined;
  /** Whether the endpoint in use does not have it. */
  readonly isOutside: boolean;
  /** What permissions say; undefined for tasks and questions, which go by whether their server is reached. */
  readonly grants: GrantVerdict | undefined;
  readonly denies: readonly CaseRule[];
  readonly allows: readonly CaseRule[];
  readonly shadows: readonly CaseRule[];
  /** Rules that would allow it to a token of more scopes. */
  readonly lacking: readonly Rule[];
  /** Whether the outcome is the same for every call. */
  readonly isFixed: boolean;
  /** That outcome, once it was asked for. */
  fixed?: Outcome;
  /** Whether such callers are shown it, once that was asked for; absent where the clock may change it. */
  seen?: Seen;
}

/** Whether callers are shown a target. */
export interface Seen {
  readonly sight: Sight;
  /** Scopes with which a token would see it. */
  readonly scopes: readonly string[];
}

/** Told why rules are not for a target. */
export type OnTargetGap = (rule: Rule, gap: TargetGap) => void;

/** Finds out what of a policy matters to a target. */
export function caseOf(callers: CallerClass, target: Target, onGap?: OnTargetGap): Case {
  const subject = subjectOf(target);
  const parent = parentOf(target);
  const isOther = subject.kind === 'task' || subject.kind === 'ask';
  const found = callers.rules
    .flatMap((rule) => selected(rule, { subject, parent, onGap }) ?? [])
    .map((each, place) => ({ ...each, place }));
  const enforced = found.filter(({ rule }) => !rule.isShadow);
  const lacking = callers.lacking.filter(
    (rule) => !rule.isDeny && !isOther && rule.targetGap(subject, 'allow') === undefined,
  );
  return {
    target,
    subject,
    parent,
    isOutside: isOutside(callers, subject),
    grants: isOther ? undefined : judgeGrants(callers.sets, subject, parent),
    denies: enforced.filter(({ rule }) => rule.isDeny),
    // What servers ask and the tasks they keep go with the server: no rule opens them alone.
    allows: isOther ? [] : enforced.filter(({ rule }) => !rule.isDeny),
    shadows: found.filter(({ rule }) => rule.isShadow && (rule.isDeny || !isOther)),
    lacking,
    isFixed:
      !isOther && lacking.length === 0 && found.every(({ rule }) => rule.condition === undefined),
  };
}

interface Selecting {
  readonly subject: Subject;
  readonly parent: Subject | undefined;
  readonly onGap: OnTargetGap | undefined;
}

function selected(
  rule: Rule,
  { subject, parent, onGap }: Selecting,
): Omit<CaseRule, 'place'> | undefined {
  const gap = rule.targetGap(subject, rule.isDeny ? 'deny' : 'allow');
  const own = gap === undefined;
  const byParent =
    rule.isDeny && parent !== undefined && rule.targetGap(parent, 'deny') === undefined;
  if (own || byParent) {
    const isByName = own && !rule.isDeny && parent !== undefined && rule.namesExactly(subject);
    return { rule, own, parent: byParent, isByName };
  }
  onGap?.(rule, gap);
  return undefined;
}

function isOutside({ endpoint }: CallerClass, subject: Subject): boolean {
  if (endpoint === undefined) return false;
  const { group } = endpoint;
  if (group === undefined) return true;
  const isOther = subject.kind === 'task' || subject.kind === 'ask';
  return isOther ? !group.hasAny(subject.server) : group.holds(subject, 'allow') === undefined;
}
