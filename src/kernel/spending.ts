/** The model an agent runs, as the agent says or as the configuration knows. */
export interface ModelRef {
  /** In lower case, such as `openai`; empty when nobody said. */
  readonly provider: string;
  /** As the provider names it, such as `gpt-5`; empty when nobody said. */
  readonly id: string;
}

/** Tokens of one exchange, as the agent's model writes and reads them. */
export interface Tokens {
  /** Of the arguments, which the model wrote. */
  readonly arguments: number;
  /** Of the result, which the model reads. */
  readonly result: number;
  /** Whether any part is an estimate (docs/rules.md R23). */
  readonly isEstimate: boolean;
  /** Name of the encoding, such as `o200k_base`. */
  readonly encoding: string;
}

/** What one exchange used. */
export interface Spending {
  readonly tokens: Tokens;
  /** The model they were counted and priced for, where that is known. */
  readonly model?: ModelRef | undefined;
  /** In US dollars; undefined where the model has no price. */
  readonly cost: number | undefined;
}
