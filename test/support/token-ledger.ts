import { referenceCount } from './reference-count.ts';
import type { Told } from './access-callers.ts';
import type { JsonObject } from './raw-http.ts';

/** The models that drivers say their agents run, with list prices in US dollars per million tokens. */
export const MODELS = {
  'gpt-5-2025-08-07': { encoding: 'o200k_base', isKnown: true, input: 1.25, output: 10 },
  'gpt-4': { encoding: 'cl100k_base', isKnown: true, input: 30, output: 60 },
  'claude-sonnet-4-5': { encoding: 'o200k_base', isKnown: false, input: 3, output: 15 },
} as const;

/** Id of one of them. */
export type Model = keyof typeof MODELS;

/** Headers by which a driver says so. */
export function modelHeaders(model: Model): Record<string, string> {
  return { 'x-lunar-llm-provider': 'Any', 'x-lunar-llm-model-id': model };
}

/** What an audit line must say of what an exchange used. */
export interface Expected {
  readonly tokens: JsonObject;
  readonly cost: number;
}

/** The driver's own count of a request and its answer, by the reference tokeniser. */
export function expectedOf(model: Model, params: JsonObject, told: Told): Expected {
  const { encoding, isKnown, input, output } = MODELS[model];
  const count = (text: string): number => referenceCount(text, encoding);
  const args = params['arguments'];
  const written = args === undefined ? 0 : count(JSON.stringify(args));
  const result = readTexts(told).reduce((sum, text) => sum + count(text), 0);
  return {
    tokens: { arguments: written, result, isEstimate: !isKnown, encoding },
    cost: (result * input + written * output) / 1_000_000,
  };
}

/** What the agent's model reads of an answer. */
function readTexts({ result, error }: Told): string[] {
  if (error !== undefined) return [error.message];
  const { content, structuredContent, messages, contents, completion, tools } = result as {
    content?: JsonObject[];
    structuredContent?: JsonObject;
    messages?: { content: JsonObject }[];
    contents?: JsonObject[];
    completion?: { values: string[] };
    tools?: JsonObject[];
  };
  if (tools !== undefined)
    return tools.map(({ name, title, description, inputSchema }) =>
      JSON.stringify({ name, title, description, inputSchema }),
    );
  if (completion !== undefined) return completion.values;
  if (contents !== undefined) return contents.map(({ text }) => String(text));
  const items = messages?.map((message) => message.content) ?? content ?? [];
  if (items.length === 0) return [JSON.stringify(structuredContent)];
  return items.map((item) => textOf(item));
}

function textOf(item: JsonObject): string {
  if (item['type'] === 'text') return String(item['text']);
  if (item['type'] === 'resource') return String((item['resource'] as JsonObject)['text']);
  return JSON.stringify(item);
}
