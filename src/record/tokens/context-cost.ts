import type { JsonObject } from '../../kernel/json.ts';
import type { ListKind } from '../../kernel/methods.ts';
import type { TokensPlan } from '../../kernel/record-plan.ts';
import type { ModelRef } from '../../kernel/spending.ts';
import { definitionText } from './definitions.ts';
import type { Encoding } from './encodings.ts';
import { costOf, ratesOf } from './model.ts';
import type { Counted } from './token-desk.ts';

/** One thing that a caller is shown. */
export interface Definition {
  readonly server: string;
  readonly kind: ListKind;
  /** The name or URI it is shown under. */
  readonly name: string;
  /** As it is shown. */
  readonly item: JsonObject;
}

/** What a view is counted with. */
export interface CountTerms {
  readonly definitions: readonly Definition[];
  /** The model that reads it. */
  readonly model: ModelRef | undefined;
  readonly plan: TokensPlan;
  count(texts: readonly string[], encoding: Encoding): Promise<Counted>;
}

/** What the tools of a view take of a model's context, with every conversation anew. */
export interface ViewCost {
  /** `provider/id`; undefined where no model is known. */
  readonly model: string | undefined;
  readonly encoding: Encoding;
  readonly isEstimate: boolean;
  /** Of all tool definitions. */
  readonly tokens: number;
  /** Price of reading them once, in US dollars; undefined where the model has none. */
  readonly cost: number | undefined;
  /** Those that take most first. */
  readonly servers: readonly ServerCost[];
}

/** A server's part. */
export interface ServerCost {
  readonly server: string;
  /** Of its tool definitions. */
  readonly tokens: number;
  /** Of all tokens of the view, 0 to 1. */
  readonly share: number;
  /** Those that take most first. */
  readonly tools: readonly ToolCost[];
  /** Prompts, resources and templates: models are shown these only by clients that choose to. */
  readonly others: Readonly<Record<Exclude<ListKind, 'tools'>, ListCost>>;
}

/** A tool's part. */
export interface ToolCost {
  readonly name: string;
  readonly tokens: number;
  readonly share: number;
}

/** The items of one list together. */
export interface ListCost {
  readonly count: number;
  readonly tokens: number;
}

/** Counts the definitions of a view, per tool and server. */
export async function contextCost(terms: CountTerms): Promise<ViewCost> {
  const { definitions, model, plan } = terms;
  const rates = ratesOf(model, plan);
  const texts = definitions.map(({ kind, item }) => definitionText(kind, item));
  const { counts, isEstimate } = await terms.count(texts, rates.encoding);
  const weighed = definitions.map((definition, place) => ({
    ...definition,
    tokens: counts[place] ?? 0,
  }));
  const tokens = tokensOf(weighed.filter(({ kind }) => kind === 'tools'));
  const byServer = Map.groupBy(weighed, ({ server }) => server);
  const servers = [...byServer].map(([server, own]) => serverCost(server, own, tokens));
  return {
    model: nameOf(model),
    encoding: rates.encoding,
    isEstimate: isEstimate || rates.isGuess,
    tokens,
    cost: costOf({ arguments: 0, result: tokens }, rates),
    servers: servers.toSorted((one, other) => other.tokens - one.tokens),
  };
}

interface Weighed extends Definition {
  readonly tokens: number;
}

function serverCost(server: string, own: readonly Weighed[], all: number): ServerCost {
  const list = (kind: ListKind): ListCost => {
    const items = own.filter((each) => each.kind === kind);
    return { count: items.length, tokens: tokensOf(items) };
  };
  const share = (tokens: number): number => (all === 0 ? 0 : tokens / all);
  const tools = own
    .filter(({ kind }) => kind === 'tools')
    .map(({ name, tokens }) => ({ name, tokens, share: share(tokens) }))
    .toSorted((one, other) => other.tokens - one.tokens);
  const tokens = tokensOf(tools);
  return {
    server,
    tokens,
    share: share(tokens),
    tools,
    others: {
      prompts: list('prompts'),
      resources: list('resources'),
      resourceTemplates: list('resourceTemplates'),
    },
  };
}

function tokensOf(items: readonly { readonly tokens: number }[]): number {
  return items.reduce((sum, { tokens }) => sum + tokens, 0);
}

function nameOf(model: ModelRef | undefined): string | undefined {
  if (model === undefined) return undefined;
  return model.provider === '' ? model.id : `${model.provider}/${model.id}`;
}
