import type { CallerClass } from './caller-class.ts';
import type { Caller } from './caller.ts';
import type { Case, CaseRule } from './case.ts';
import { Fuel } from './cel/fuel.ts';
import type { Frame } from './cel/part.ts';
import { FAILED, FALSE, TRUE } from './cel/value.ts';
import { denies, opens, type Mood } from './mood.ts';
import { Facts, type Known } from './facts.ts';
import type { GrantVerdict } from './grants.ts';
import { reachOf, type Reach } from './reach.ts';
import type { Rule } from './rule.ts';
import type { Subject } from './subject.ts';

/** A decision in plain data: what a Permit or a Denial is made of. */
export interface Outcome {
  readonly isAllowed: boolean;
  /** Id of what decided. */
  readonly rule: string;
  readonly hidden: boolean;
  readonly scopes: readonly string[];
  /** Rules in shadow mode that would have decided otherwise. */
  readonly shadows: readonly string[];
}

/** What a judgement comes to, and by which rule; undefined where permissions or the endpoint decided. */
export interface Conclusion {
  readonly isAllowed: boolean;
  readonly id: string;
  readonly by: Rule | undefined;
}

type Side = 'own' | 'parent';

/** One caller, one target and what is known of the call, judged; conditions are evaluated once and only when they matter. */
export class Judgement {
  readonly #case: Case;
  readonly #callers: CallerClass;
  readonly #caller: Caller;
  readonly #known: Known;
  readonly #frames: Record<Side, Frame>;
  /** What an extension does is not known: it may be had where whatever it does would be allowed. */
  readonly #isWhole: boolean;
  /** By place of the rule; what was not asked for is absent. */
  readonly #outcomes: Record<Side, (number | undefined)[]> = { own: [], parent: [] };

  constructor(theCase: Case, callers: CallerClass, caller: Caller, known: Known) {
    this.#case = theCase;
    this.#callers = callers;
    this.#caller = caller;
    this.#known = known;
    this.#isWhole = theCase.subject.kind === 'extension';
    const { subject, parent } = theCase;
    const fuel = new Fuel();
    const frame = (of: Subject | undefined): Frame => ({
      roots: new Facts(caller, known, of),
      fuel,
      locals: [],
    });
    const own = frame(this.#isWhole ? undefined : subject);
    this.#frames = { own, parent: parent === undefined ? own : frame(parent) };
  }

  /** The decision; with a rule in shadow mode, what it would be were that rule in force. */
  conclude(wanted: Mood, also?: CaseRule): Conclusion {
    const mood = this.#isWhole ? 'fear' : wanted;
    const { isOutside } = this.#case;
    if (isOutside) return denied(`endpoint ${this.#callers.endpoint?.name ?? ''}`);
    const verdict = this.#case.grants ?? this.#reached(mood);
    if (verdict.stand === 'deny') return denied(verdict.id);
    const isNamed = this.#isNamedByRule(mood, also);
    // What entries allow by name is in their verdict already, each set of them for itself.
    if (verdict.stand === 'parent' && !isNamed) return denied(verdict.id);
    const denier = this.#denier(isNamed || verdict.isByName, mood, also);
    if (denier !== undefined) return denied(denier.id, denier);
    return this.#allowed(verdict, mood, also);
  }

  /** Ids of rules in shadow mode that would have decided otherwise; after the conclusion, so that they take no work from it. */
  shadows(isAllowed: boolean): readonly string[] {
    return this.#case.shadows
      .filter((each) => each.rule.isDeny === isAllowed)
      .filter((each) => this.conclude('hope', each).isAllowed !== isAllowed)
      .map(({ rule }) => rule.id);
  }

  /** Possible outcomes of a rule's condition (bits of cel/value.ts); false where the rule does not select that side. */
  outcomes(each: CaseRule, side: Side = 'own'): number {
    const { rule } = each;
    if (!each[side]) return FALSE;
    if (rule.condition === undefined) return TRUE;
    const known = this.#outcomes[side][each.place];
    if (known !== undefined) return known;
    const outcomes = rule.condition.outcomes(this.#frames[side]);
    this.#outcomes[side][each.place] = outcomes;
    return outcomes;
  }

  /** Rules in force whose conditions are not decided by what is known. */
  open(): readonly Rule[] {
    return [...this.#case.denies, ...this.#case.allows]
      .filter((each) => [this.outcomes(each), this.outcomes(each, 'parent')].some(isOpen))
      .map(({ rule }) => rule);
  }

  /** A sentence about a rule's condition. */
  explain({ rule }: CaseRule, side: Side): string {
    return rule.condition?.explain(this.#frames[side].roots, new Fuel()) ?? 'it has no condition';
  }

  /** Whether the caller reaches the server of the target. */
  reach(mood: Mood): Reach {
    const { server } = this.#case.subject;
    return reachOf({
      callers: this.#callers,
      caller: this.#caller,
      known: this.#known,
      server,
      mood,
    });
  }

  #reached(mood: Mood): GrantVerdict {
    const { isReached, id } = this.reach(mood);
    return { stand: isReached ? 'allow' : 'deny', id, group: undefined, isByName: false };
  }

  /** Whether a rule allows a custom tool by its own name, which outweighs what denies the tool it was made from. */
  #isNamedByRule(mood: Mood, also: CaseRule | undefined): boolean {
    if (this.#case.parent === undefined) return false;
    return withAlso(this.#case.allows, also).some(
      (each) => each.isByName && opens(this.outcomes(each), mood),
    );
  }

  #denier(isNamed: boolean, mood: Mood, also: CaseRule | undefined): Rule | undefined {
    return withAlso(this.#case.denies, also).find(
      (each) =>
        each.rule.isDeny &&
        (denies(this.outcomes(each), mood) ||
          (!isNamed && denies(this.outcomes(each, 'parent'), mood))),
    )?.rule;
  }

  /** Where nothing denies it. What fails to allow is what decides where nothing else does. */
  #allowed({ stand, id }: GrantVerdict, mood: Mood, also: CaseRule | undefined): Conclusion {
    if (stand === 'allow') return { isAllowed: true, id, by: undefined };
    const allows = withAlso(this.#case.allows, also).filter(({ rule }) => !rule.isDeny);
    const opener = allows.find((each) => opens(this.outcomes(each), mood))?.rule;
    if (opener !== undefined) return { isAllowed: true, id: opener.id, by: opener };
    const failed = allows.find((each) => (this.outcomes(each) & FAILED) !== 0)?.rule;
    return failed === undefined ? denied(id) : denied(failed.id, failed);
  }
}

function isOpen(outcomes: number): boolean {
  return outcomes !== TRUE && outcomes !== FALSE && outcomes !== FAILED;
}

function withAlso(rules: readonly CaseRule[], also: CaseRule | undefined): readonly CaseRule[] {
  return also === undefined ? rules : [...rules, also];
}

function denied(id: string, by?: Rule): Conclusion {
  return { isAllowed: false, id, by };
}
