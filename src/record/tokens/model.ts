import type { Entry } from '../../kernel/entry.ts';
import type { PricePlan, TokensPlan } from '../../kernel/record-plan.ts';
import type { ModelRef } from '../../kernel/spending.ts';
import { isEncoding, USUAL_ENCODING, type Encoding } from './encodings.ts';
import { baseId, fits, plainId } from './model-id.ts';
import { DEFAULT_PRICES } from './prices.ts';

/** How the tokens of a model are counted, and what they cost. */
export interface Rates {
  readonly model: ModelRef | undefined;
  readonly encoding: Encoding;
  /** Whether the encoding is not known to be the model's own. */
  readonly isGuess: boolean;
  readonly price: Pick<PricePlan, 'input' | 'output'> | undefined;
}

/** The model that reads and writes in an exchange: as configured for the consumer, as the agent says, or the usual one. */
export function modelOf(
  { caller, model }: Pick<Entry, 'caller' | 'model'>,
  plan: TokensPlan,
): ModelRef | undefined {
  const said = model === undefined || model.id === '' ? undefined : model;
  return modelOfConsumer(caller?.consumer, plan) ?? said ?? plan.model;
}

/** The model that is configured for a consumer. */
export function modelOfConsumer(
  consumer: string | undefined,
  { consumers }: TokensPlan,
): ModelRef | undefined {
  if (consumer === undefined || !Object.hasOwn(consumers, consumer)) return undefined;
  return consumers[consumer];
}

/** How a model's tokens are counted and priced: by the prices of the configuration, then by those built in. */
export function ratesOf(model: ModelRef | undefined, plan: TokensPlan): Rates {
  if (model === undefined) return UNKNOWN;
  const id = plainId(model.id);
  const configured = priceIn(plan.prices, model, id);
  const price = configured ?? priceIn(DEFAULT_PRICES, model, id);
  const told = configured?.encoding;
  const known = isEncoding(told) ? told : encodingOf(id);
  return {
    model,
    encoding: known ?? USUAL_ENCODING,
    isGuess: known === undefined,
    price: price && { input: price.input, output: price.output },
  };
}

/** What tokens cost, in US dollars; undefined where the model has no price. */
export function costOf(
  tokens: { readonly arguments: number; readonly result: number },
  { price }: Rates,
): number | undefined {
  if (price === undefined) return undefined;
  return (tokens.result * price.input + tokens.arguments * price.output) / TOKENS_PRICED;
}

const TOKENS_PRICED = 1_000_000;
const UNKNOWN: Rates = {
  model: undefined,
  encoding: USUAL_ENCODING,
  isGuess: true,
  price: undefined,
};

/** A price of the very id comes before one of the model it is a release of. */
function priceIn(
  prices: readonly PricePlan[],
  { provider, id: said }: ModelRef,
  id: string,
): PricePlan | undefined {
  const sold = prices.filter((price) => isOf(provider, price));
  const base = baseId(id);
  for (const wanted of new Set([said.toLowerCase(), id, base])) {
    const price = sold.find(({ model }) => fits(wanted, model.toLowerCase()));
    if (price !== undefined) return price;
  }
  return undefined;
}

/** Where nobody said who provides the model, any may. */
function isOf(provider: string, price: PricePlan): boolean {
  return price.provider === '*' || provider === '' || price.provider === provider.toLowerCase();
}

const O200K = /^(?:chatgpt-4o|gpt-4o|gpt-4\.[15]|gpt-5|gpt-oss|o[134])(?:[-.]|$)/u;
const CL100K = /^(?:gpt-4|gpt-3\.5|gpt-35)(?:-|$)/u;

/** The encoding that is known to be a model's own. */
function encodingOf(id: string): Encoding | undefined {
  if (O200K.test(id)) return 'o200k_base';
  return CL100K.test(id) ? 'cl100k_base' : undefined;
}
