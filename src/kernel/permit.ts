import type { Principal } from './principal.ts';
import type { Target } from './target.ts';

/** Proof that policy allowed one principal to reach one target. Only policy grants one; only an upstream takes one. */
export class Permit {
  readonly principal: Principal;
  readonly target: Target;
  readonly #rule: string;

  private constructor(principal: Principal, target: Target, rule: string) {
    this.principal = principal;
    this.target = target;
    this.#rule = rule;
  }

  static grant(principal: Principal, target: Target, rule: string): Permit {
    return new Permit(principal, target, rule);
  }

  /** Id of the rule that allowed it, for the record only. */
  get rule(): string {
    return this.#rule;
  }
}

/** Policy's no: which rule said it, and whether the target may be known to exist. */
export class Denial {
  readonly rule: string;
  readonly hidden: boolean;

  constructor(rule: string, hidden: boolean) {
    this.rule = rule;
    this.hidden = hidden;
  }
}

/** The outcome of a policy decision. */
export type Decision = Permit | Denial;
