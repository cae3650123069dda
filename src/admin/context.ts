import type { JsonObject } from '../kernel/json.ts';
import { Refusal } from '../kernel/refusals.ts';
import type { ModelRef } from '../kernel/spending.ts';

/** The path of the context cost. */
export const CONTEXT_PATH = '/admin/context';

/** For whom the context cost is asked: a caller that is only supposed, and the model that it runs. */
export interface ViewWish {
  readonly consumer: string | undefined;
  /** Groups its token names. */
  readonly groups: readonly string[];
  readonly client: string | undefined;
  /** The tool group whose endpoint it uses. */
  readonly endpoint: string | undefined;
  /** Undefined: the one that is configured. */
  readonly model: ModelRef | undefined;
}

/** What the page needs of the running gateway. */
export interface ViewCosts {
  /** What the view of a supposed caller takes of its model's context. */
  viewCost(wish: ViewWish): Promise<object>;
}

const NAMES = ['consumer', 'client', 'endpoint', 'model'] as const;
const GROUP = 'group';
const MAX_NAME_CHARS = 100;

/**
 * The body of `GET /admin/context`: tokens of all tool definitions that a caller is shown, per server and tool. Query parameters:
 * consumer, group (may be given several times), client, endpoint, model. Rejects with PARAMS_INVALID for any other.
 */
export async function contextBody(costs: ViewCosts, query: URLSearchParams): Promise<string> {
  const wish = wishIn(query);
  const cost = await costs.viewCost(wish);
  const { consumer, groups, client, endpoint } = wish;
  const caller: JsonObject = { consumer, groups: [...groups], client, endpoint };
  return JSON.stringify({ caller, ...cost });
}

function wishIn(query: URLSearchParams): ViewWish {
  const known: readonly string[] = [...NAMES, GROUP];
  for (const name of query.keys())
    if (!known.includes(name)) refuse(name, `is not known; known are ${known.join(', ')}.`);
  const [consumer, client, endpoint, model] = NAMES.map((name) => only(query, name));
  const groups = query.getAll(GROUP).map((group) => named(GROUP, group));
  return { consumer, groups, client, endpoint, model: modelIn(model) };
}

function only(query: URLSearchParams, name: string): string | undefined {
  const [value, ...more] = query.getAll(name);
  if (more.length > 0) refuse(name, 'may be given once.');
  return value === undefined ? undefined : named(name, value);
}

function named(name: string, value: string): string {
  const isName = value !== '' && value.length <= MAX_NAME_CHARS && !/\p{Cc}/u.test(value);
  return isName ? value : refuse(name, `must have 1 to ${MAX_NAME_CHARS} visible characters.`);
}

/** `provider/id`, or an id alone. */
function modelIn(text: string | undefined): ModelRef | undefined {
  if (text === undefined) return undefined;
  const slash = text.indexOf('/');
  return { provider: text.slice(0, Math.max(0, slash)).toLowerCase(), id: text.slice(slash + 1) };
}

function refuse(name: string, what: string): never {
  throw new Refusal('PARAMS_INVALID', `query parameter ${name.slice(0, MAX_NAME_CHARS)}: ${what}`);
}
