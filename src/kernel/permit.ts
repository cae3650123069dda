import type { Principal } from './principal.ts';
import type { Target } from './target.ts';

const NONE: readonly string[] = [];

/** Proof that policy allowed one principal to reach one target. Only policy grants one; only an upstream takes one. */
export class Permit {
  readonly principal: Principal;
  readonly target: Target;
  /** Rules in shadow mode that would have decided otherwise. */
  readonly shadows: readonly string[];
  readonly #rule: string;

  private constructor(
    principal: Principal,
    target: Target,
    rule: string,
    shadows: readonly string[],
  ) {
    this.principal = principal;
    this.target = target;
    this.shadows = shadows;
    this.#rule = rule;
  }

  static grant(
    principal: Principal,
    target: Target,
    rule: string,
    shadows: readonly string[] = NONE,
  ): Permit {
    return new Permit(principal, target, rule, shadows);
  }

  /** Id of the rule that allowed it, for the record only. */
  get rule(): string {
    return this.#rule;
  }
}

/** What a caller may learn about a target it may not use. */
export interface Disclosure {
  /** Whether it is answered as something that does not exist (docs/rules.md R5). */
  readonly hidden: boolean;
  /** Scopes with which a token of this caller would reach it (docs/rules.md R6). */
  readonly scopes?: readonly string[];
}

/** Policy's no: which rule said it, and what of the target may be known. */
export class Denial {
  readonly rule: string;
  readonly hidden: boolean;
  readonly scopes: readonly string[];
  readonly shadows: readonly string[];

  constructor(rule: string, disclosure: Disclosure, shadows: readonly string[] = NONE) {
    this.rule = rule;
    this.hidden = disclosure.hidden;
    this.scopes = disclosure.scopes ?? NONE;
    this.shadows = shadows;
  }
}

/** The outcome of a policy decision. */
export type Decision = Permit | Denial;

/** Whether a target is shown to a caller: `by-scope` when a token with more scopes would show it. */
export type Sight = 'seen' | 'by-scope' | 'hidden';
