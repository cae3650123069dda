/** What a condition is checked for. */
export interface ConditionTerms {
  /** Effect of the rule it stands in. */
  readonly effect: 'allow' | 'deny';
  readonly isAuthOn: boolean;
}

/** What configuration needs from the rest of the gateway: undefined where a text is fine, else what is wrong and what to do. */
export interface ConfigChecks {
  /** A condition of a rule, in CEL. */
  condition(text: string, terms: ConditionTerms): string | undefined;
  /** A pattern that constrains a parameter. */
  pattern(text: string): string | undefined;
}
