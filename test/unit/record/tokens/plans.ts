import type { PricePlan, TokensPlan } from '../../../../src/kernel/record-plan.ts';

/** A plan that counts tokens as it does where nothing is configured, with what a test wants to be otherwise. */
export function tokensPlan(changes: Partial<TokensPlan> = {}): TokensPlan {
  return {
    isOn: true,
    maxExactBytes: 8192,
    maxExactPerSecond: 100_000,
    maxQueue: 1000,
    model: undefined,
    consumers: {},
    prices: [],
    ...changes,
  };
}

/** A price, of any provider where a test names none. */
export function priceOf(model: string, changes: Partial<PricePlan> = {}): PricePlan {
  return { provider: '*', model, input: 1, output: 2, encoding: undefined, ...changes };
}
