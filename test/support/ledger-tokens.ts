import assert from 'node:assert/strict';
import { getEncoding, type TiktokenEncoding } from 'js-tiktoken';
import { PNG, WAV } from '../fixture/content.ts';
import { objectOf } from '../fixture/json-rpc.ts';
import { PRICES } from './ledger-config.ts';
import type { Actor, Row } from './ledger.ts';
import type { JsonObject } from './raw-http.ts';

/** What one request used, by the driver's own count. */
export interface Spent {
  readonly arguments: number;
  readonly result: number;
  readonly isEstimate: boolean;
  readonly encoding: TiktokenEncoding;
  /** In US dollars; undefined where the model has no price. */
  readonly cost: number | undefined;
  /** Whether it is too long to be counted by the gateway, so that the numbers above are only near those. */
  readonly isLong: boolean;
  /** Tokens of the result by the reference tokeniser. */
  readonly reference: number;
}

const MAX_EXACT_BYTES = 8192;
/** What is documented of things that are no text: the least an image costs, and a sound without any sample. */
const MEDIA: Readonly<Record<string, number>> = { [PNG]: 85, [WAV]: 1 };

const encodings = new Map<TiktokenEncoding, ReturnType<typeof getEncoding>>();
const counted = new Map<string, number>();

/** How many tokens the reference tokeniser finds, special tokens being text. */
function referenceCount(text: string, name: TiktokenEncoding): number {
  const key = `${name} ${text}`;
  const known = counted.get(key);
  if (known !== undefined) return known;
  const encoding = encodings.get(name) ?? getEncoding(name);
  encodings.set(name, encoding);
  const count = encoding.encode(text, [], []).length;
  counted.set(key, count);
  return count;
}

/** How the tokens of an actor's model are counted: those of other makers only about. */
function encodingOf({ model }: Actor): {
  readonly name: TiktokenEncoding;
  readonly isOwn: boolean;
} {
  if (model?.id === 'gpt-4') return { name: 'cl100k_base', isOwn: true };
  return { name: 'o200k_base', isOwn: model?.id.startsWith('gpt-4o') === true };
}

function priceOf({
  model,
}: Actor): { readonly input: number; readonly output: number } | undefined {
  if (model === undefined) return undefined;
  // A release is sold as its model.
  const id = model.id.replace(/-\d{4}-\d{2}-\d{2}$/u, '');
  return PRICES.find(({ provider, model: sold }) => {
    const isModel = sold.endsWith('*') ? id.startsWith(sold.slice(0, -1)) : id === sold;
    return provider === model.provider && isModel;
  });
}

/** What a model reads: texts, and what is only estimated. */
class Reading {
  readonly texts: string[] = [];
  media = 0;
  hasMedia = false;

  get isEmpty(): boolean {
    return this.texts.length === 0 && !this.hasMedia;
  }

  addItem(item: JsonObject): void {
    const { type, text, data } = item;
    if (type === 'text') this.texts.push(String(text));
    else if (type === 'image' || type === 'audio') this.#addMedia(String(data));
    else if (type === 'resource') this.addResource(objectOf(item['resource']));
    else this.texts.push(JSON.stringify(item));
  }

  addResource({ text, blob }: JsonObject): void {
    if (typeof text === 'string') this.texts.push(text);
    else this.#addMedia(String(blob));
  }

  #addMedia(data: string): void {
    const tokens = MEDIA[data];
    assert.ok(tokens !== undefined, 'nothing is known of this picture');
    this.media += tokens;
    this.hasMedia = true;
  }
}

const DEFINED: Readonly<Record<string, readonly string[]>> = {
  tools: ['name', 'title', 'description', 'inputSchema'],
  prompts: ['name', 'title', 'description', 'arguments'],
  resources: ['uri', 'name', 'title', 'description', 'mimeType'],
  resourceTemplates: ['uriTemplate', 'name', 'title', 'description', 'mimeType'],
};

/** What of each thing in a list reaches the model. */
function definitionsIn(result: JsonObject): string[] {
  return Object.entries(DEFINED).flatMap(([kind, members]) =>
    ((result[kind] ?? []) as JsonObject[]).map((item) =>
      JSON.stringify(Object.fromEntries(members.map((member) => [member, item[member]]))),
    ),
  );
}

/** How the answer to each method is read. */
const READ: Readonly<Record<string, (result: JsonObject, reading: Reading) => void>> = {
  'tools/call': ({ content, structuredContent }, reading) => {
    for (const item of itemsIn(content)) reading.addItem(item);
    const isAlone = content === undefined && structuredContent !== undefined;
    if (isAlone) reading.texts.push(JSON.stringify(structuredContent));
  },
  'prompts/get': ({ messages }, reading) => {
    for (const message of itemsIn(messages)) reading.addItem(objectOf(message['content']));
  },
  'resources/read': ({ contents }, reading) => {
    for (const item of itemsIn(contents)) reading.addResource(item);
  },
  'completion/complete': ({ completion }, reading) => {
    reading.texts.push(...(objectOf(completion)['values'] as string[]));
  },
};

function itemsIn(list: unknown): JsonObject[] {
  return (list ?? []) as JsonObject[];
}

function isList({ method }: Row): boolean {
  return method.endsWith('/list');
}

function readingOf(row: Row): Reading {
  const reading = new Reading();
  const { result, error } = row.answer ?? {};
  if (error !== undefined) reading.texts.push(error.message);
  if (result !== undefined && isList(row)) reading.texts.push(...definitionsIn(result));
  else if (result !== undefined) READ[row.method]?.(result, reading);
  return reading;
}

/** What a request used by the reference tokeniser and the prices of the configuration; undefined where nothing counts. */
export function spentBy(row: Row): Spent | undefined {
  if (!isList(row) && READ[row.method] === undefined) return undefined;
  const { arguments: args } = row.params;
  const reading = readingOf(row);
  if (!isList(row) && args === undefined && reading.isEmpty) return undefined;
  // What a call goes on with was written before.
  const written = args === undefined || row.first !== undefined ? [] : [JSON.stringify(args)];
  const bytes = Buffer.byteLength([...written, ...reading.texts].join(''));
  const { name, isOwn } = encodingOf(row.actor);
  const count = (texts: readonly string[]): number =>
    texts.reduce((sum, text) => sum + referenceCount(text, name), 0);
  const isLong = !isList(row) && bytes > MAX_EXACT_BYTES;
  const tokens = { arguments: count(written), result: count(reading.texts) + reading.media };
  return {
    ...tokens,
    isEstimate: isLong || reading.hasMedia || !isOwn,
    encoding: name,
    cost: costOf(row.actor, tokens),
    isLong,
    reference: tokens.result,
  };
}

/** What tokens cost an actor. */
export function costOf(
  actor: Actor,
  tokens: { readonly arguments: number; readonly result: number },
): number | undefined {
  const price = priceOf(actor);
  return price && (tokens.result * price.input + tokens.arguments * price.output) / 1_000_000;
}
