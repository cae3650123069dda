import type { PricePlan } from '../../kernel/record-plan.ts';

type Row = readonly [model: string, input: number, output: number];

/** When the table below was put together. */
export const PRICES_AS_OF = '2026-11';

/**
 * List prices of the makers in US dollars per million tokens: standard service, short prompts, nothing cached. Where a maker
 * asks more for long prompts, what it asks for short ones.
 */
const ROWS: readonly Row[] = [
  // OpenAI
  ['gpt-6-astra', 10, 50],
  ['gpt-6.1-sol', 2, 10],
  ['gpt-6.1-terra', 1, 5],
  ['gpt-6-sol', 2, 10],
  ['gpt-6-luna', 0.1, 0.5],
  ['gpt-5.6', 4, 20],
  ['gpt-5.6-sol', 4, 20],
  ['gpt-5.6-terra', 2, 12],
  ['gpt-5.6-luna', 0.2, 1.2],
  ['gpt-5.5', 5, 30],
  ['gpt-5.5-pro', 30, 180],
  ['gpt-5.4', 2.5, 15],
  ['gpt-5.4-pro', 30, 180],
  ['gpt-5.4-mini', 0.75, 4.5],
  ['gpt-5.4-nano', 0.2, 1.25],
  ['gpt-5.3-codex', 1.75, 14],
  ['gpt-5.2', 1.75, 14],
  ['gpt-5.2-pro', 21, 168],
  ['gpt-5.1', 1.25, 10],
  ['gpt-5', 1.25, 10],
  ['gpt-5-codex', 1.25, 10],
  ['gpt-5-mini', 0.25, 2],
  ['gpt-5-nano', 0.05, 0.4],
  ['gpt-4.1', 2, 8],
  ['gpt-4.1-mini', 0.4, 1.6],
  ['gpt-4.1-nano', 0.1, 0.4],
  ['gpt-4o', 2.5, 10],
  ['gpt-4o-mini', 0.15, 0.6],
  ['o1', 15, 60],
  ['o3', 2, 8],
  ['o3-mini', 1.1, 4.4],
  ['o4-mini', 1.1, 4.4],
  ['gpt-4-*-preview', 10, 30],
  ['gpt-4-turbo', 10, 30],
  ['gpt-4', 30, 60],
  ['gpt-3.5-turbo', 0.5, 1.5],
  // Anthropic
  ['claude-fable-5-1', 10, 50],
  ['claude-opus-5-5', 4, 20],
  ['claude-opus-5', 5, 25],
  ['claude-opus-4-8', 5, 25],
  ['claude-opus-4-7', 5, 25],
  ['claude-opus-4-6', 5, 25],
  ['claude-opus-4-5', 5, 25],
  ['claude-opus-4-1', 15, 75],
  ['claude-opus-4', 15, 75],
  ['claude-opus-4-0', 15, 75],
  ['claude-3-opus', 15, 75],
  ['claude-sonnet-5-5', 2, 10],
  ['claude-sonnet-5', 2, 10],
  ['claude-sonnet-4-6', 3, 15],
  ['claude-sonnet-4-5', 3, 15],
  ['claude-sonnet-4', 3, 15],
  ['claude-sonnet-4-0', 3, 15],
  ['claude-3-7-sonnet', 3, 15],
  ['claude-3-5-sonnet', 3, 15],
  ['claude-haiku-5-5', 0.1, 0.5],
  ['claude-haiku-4-5', 1, 5],
  ['claude-3-5-haiku', 0.8, 4],
  ['claude-3-haiku', 0.25, 1.25],
  // Google
  ['gemini-3.8-flash', 0.75, 3.75],
  ['gemini-3.6-flash', 0.75, 3.75],
  ['gemini-3.5-flash', 1.5, 9],
  ['gemini-3.5-flash-lite', 0.3, 2.5],
  ['gemini-3.1-pro', 2, 12],
  ['gemini-3-flash', 0.5, 3],
  ['gemini-3.1-flash-lite', 0.25, 1.5],
  ['gemini-2.5-pro', 1.25, 10],
  ['gemini-2.5-flash', 0.3, 2.5],
  ['gemini-2.5-flash-lite', 0.1, 0.4],
];

/** Prices that hold where the configuration has none for a model. Ids say whose model it is, whoever sells it. */
export const DEFAULT_PRICES: readonly PricePlan[] = ROWS.map(([model, input, output]) => ({
  provider: '*',
  model,
  input,
  output,
  encoding: undefined,
}));
