import { z } from 'zod';
import type { PricePlan, TokensPlan } from '../kernel/record-plan.ts';
import type { ModelRef } from '../kernel/spending.ts';
import type { ConfigFile } from './config-file.ts';
import { mapValues } from './map-values.ts';
import { bytes, count } from './quantities.ts';

const name = z.string().min(1);

/** Encodings that tokens can be counted with exactly. */
const ENCODINGS = [
  'o200k_base',
  'o200k_harmony',
  'cl100k_base',
  'p50k_base',
  'p50k_edit',
  'r50k_base',
];

const MODEL = z.union(
  [
    z.string().regex(/^[^\s/]+\/\S+$/, 'Give provider and model, such as openai/gpt-5.'),
    z.strictObject({
      provider: name.describe('Who offers the model, such as openai.'),
      id: name.describe('The model as its provider names it.'),
    }),
  ],
  'Give provider and model, such as openai/gpt-5.',
);

const money = (meaning: string) => z.number().min(0).describe(meaning);

const PRICE = z.strictObject({
  provider: name.describe('Who offers the model, in any case; `*` is any.').default('*'),
  model: name.describe('Id of the model; `*` stands for any characters.'),
  input: money('US dollars for a million tokens that the model reads.'),
  output: money('US dollars for a million tokens that the model writes.'),
  encoding: z
    .enum(ENCODINGS)
    .describe('The encoding its tokens are counted with; found out by its name when absent.')
    .optional(),
});

/** Counting of tokens, and what they cost. */
export const TOKENS = z.strictObject({
  enabled: z.boolean().describe('Whether tokens are counted.').default(true),
  maxExactBytes: bytes(
    8192,
    'Texts of one exchange longer than this are not counted but estimated, and marked so.',
  ),
  maxExactPerSecond: count(
    250,
    'Exchanges counted within one second; further ones are estimated from what was counted of the same tool, and marked so.',
    0,
  ),
  maxQueue: count(1000, 'Exchanges that may wait to be counted; further ones are estimated.', 0),
  model: MODEL.describe(
    'The model of callers that name none, such as `openai/gpt-5`; prices and the way of counting depend on it.',
  ).optional(),
  consumers: z
    .record(name.meta({ title: 'consumer' }), MODEL)
    .describe('The model of one consumer, whatever its requests say.')
    .default({}),
  prices: z
    .array(PRICE)
    .describe('Prices of models, the first that fits; they come before those that are built in.')
    .default([]),
});

type Tokens = z.output<typeof TOKENS>;

/** Counting of tokens, from `tokens`. */
export function compileTokens(tokens: Tokens, file: ConfigFile): TokensPlan {
  const { enabled, maxExactBytes, maxExactPerSecond, maxQueue, model, consumers } = tokens;
  const prices = tokens.prices.map(pricePlan);
  checkRepetition(prices, file);
  return {
    isOn: enabled,
    maxExactBytes,
    maxExactPerSecond,
    maxQueue,
    model: model === undefined ? undefined : modelRef(model),
    consumers: mapValues(consumers, modelRef),
    prices,
  };
}

/** Ids of models may hold a slash themselves: the first one ends the provider. */
function modelRef(model: z.output<typeof MODEL>): ModelRef {
  if (typeof model !== 'string') return { ...model, provider: model.provider.toLowerCase() };
  const slash = model.indexOf('/');
  return { provider: model.slice(0, slash).toLowerCase(), id: model.slice(slash + 1) };
}

function pricePlan({ provider, encoding, ...rest }: z.output<typeof PRICE>): PricePlan {
  return { ...rest, provider: provider.toLowerCase(), encoding };
}

function checkRepetition(prices: readonly PricePlan[], file: ConfigFile): void {
  const places = new Map<string, number>();
  for (const [index, { provider, model }] of prices.entries()) {
    const key = `${provider}/${model}`;
    const earlier = places.get(key);
    places.set(key, earlier ?? index);
    if (earlier === undefined) continue;
    const line = file.line(['tokens', 'prices', earlier, 'model']);
    const message = `Line ${line} has a price of this model, and the first holds; keep one of the two.`;
    file.error(['tokens', 'prices', index, 'model'], message);
  }
}
