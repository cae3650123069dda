import type { Entry } from '../../kernel/entry.ts';
import { isObject, objectAt, objectsAt, stringAt, type JsonObject } from '../../kernel/json.ts';
import { METHODS } from '../../kernel/methods.ts';
import { REFUSALS } from '../../kernel/refusals.ts';
import { itemTokens, mediaTokens } from './media.ts';

/** What of one exchange the agent's model wrote and reads. Nothing is copied. */
export interface Texts {
  /** What it wrote: their JSON text. What a retry says again was counted with the round before. */
  readonly args: JsonObject | undefined;
  /** What it reads: texts, and objects whose JSON text it reads. */
  readonly parts: readonly (string | JsonObject)[];
  /** A list, as the JSON text of its result: what it reads are the definitions in it. */
  readonly list: string | undefined;
  /** Estimated tokens of what is no text, such as images. */
  readonly media: number;
  /** Whether there were more items than are looked at. */
  readonly isCut: boolean;
}

/** Items of one result that are looked at. */
const MAX_ITEMS = 1000;
const NO_PARTS: readonly JsonObject[] = [];

type Read = (result: JsonObject, reading: Reading) => void;

/** How the result of each method is read. */
const READS: ReadonlyMap<string, Read> = new Map<string, Read>([
  ['tools/call', (result, reading) => reading.addToolResult(result)],
  ['tasks/result', (result, reading) => reading.addToolResult(result)],
  [
    'tasks/get',
    (result, reading) => {
      const inner = objectAt(result, 'result');
      if (inner !== undefined) reading.addToolResult(inner);
    },
  ],
  [
    'prompts/get',
    (result, reading) => {
      for (const { content } of reading.first(objectsAt(result, 'messages')))
        for (const item of Array.isArray(content) ? content : [content])
          if (isObject(item)) reading.addItem(item);
    },
  ],
  [
    'resources/read',
    (result, reading) => {
      for (const item of reading.first(objectsAt(result, 'contents'))) reading.addResource(item);
    },
  ],
  [
    'completion/complete',
    (result, reading) => {
      const values = objectAt(result, 'completion')?.['values'];
      for (const value of reading.first(Array.isArray(values) ? values : []))
        if (typeof value === 'string') reading.parts.push(value);
    },
  ],
]);

/** What of an exchange counts; undefined where nothing does. */
export function textsOf(entry: Entry): Texts | undefined {
  const { method, args, result } = entry;
  const isList = METHODS.get(method)?.road === 'list';
  const read = READS.get(method);
  if (!isList && read === undefined) return undefined;
  if (isList && typeof result === 'string') return listTexts(result);
  const reading = new Reading();
  const message = messageOf(entry);
  if (message !== undefined) reading.parts.push(message);
  else if (isObject(result)) read?.(result, reading);
  const { parts, media, isCut } = reading;
  if (args === undefined && parts.length === 0 && media === 0) return undefined;
  return { args: writtenIn(entry), parts, list: undefined, media, isCut };
}

function writtenIn({ args, callId }: Entry): JsonObject | undefined {
  return callId === undefined ? args : undefined;
}

function listTexts(list: string): Texts {
  return { args: undefined, parts: NO_PARTS, list, media: 0, isCut: false };
}

/** What a caller is told where there is no result. */
function messageOf({ outcome, failure, result }: Entry): string | undefined {
  if (outcome === 'ok' || outcome === 'tool-error' || outcome === 'input-required')
    return undefined;
  // The rest of what is known of a crash is for the log alone.
  if (outcome === 'crashed') return REFUSALS.INTERNAL.sentence;
  return failure ?? (isObject(result) ? stringAt(result, 'message') : undefined);
}

class Reading {
  readonly parts: (string | JsonObject)[] = [];
  media = 0;
  isCut = false;

  /** As many items as are looked at. */
  first<T>(items: readonly T[]): readonly T[] {
    if (items.length <= MAX_ITEMS) return items;
    this.isCut = true;
    return items.slice(0, MAX_ITEMS);
  }

  /** Structured content says the same as the content beside it: it is read where there is no other. */
  addToolResult(result: JsonObject): void {
    const items = objectsAt(result, 'content');
    const structured = objectAt(result, 'structuredContent');
    if (items.length === 0 && structured !== undefined) this.parts.push(structured);
    for (const item of this.first(items)) this.addItem(item);
  }

  addItem(item: JsonObject): void {
    const { type, text } = item;
    const media = itemTokens(item);
    const resource = type === 'resource' ? objectAt(item, 'resource') : undefined;
    if (type === 'text' && typeof text === 'string') this.parts.push(text);
    else if (media !== undefined) this.media += media;
    else if (resource === undefined) this.parts.push(item);
    else this.addResource(resource);
  }

  addResource(resource: JsonObject): void {
    const { text, blob } = resource;
    if (typeof text === 'string') this.parts.push(text);
    else if (typeof blob === 'string')
      this.media += mediaTokens(blob, stringAt(resource, 'mimeType') ?? '');
  }
}
