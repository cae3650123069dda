import { RemoteError } from '../kernel/answer.ts';
import type { Inventory } from '../kernel/inventory.ts';
import { isObject, objectsAt, stringAt, type JsonObject } from '../kernel/json.ts';
import type { ListKind } from '../kernel/methods.ts';
import type { Link } from './link.ts';

const MAX_PAGES = 1000;
const METHOD_NOT_FOUND = -32601;

const LISTS: readonly (readonly [kind: ListKind, method: string, capability: string])[] = [
  ['tools', 'tools/list', 'tools'],
  ['prompts', 'prompts/list', 'prompts'],
  ['resources', 'resources/list', 'resources'],
  ['resourceTemplates', 'resources/templates/list', 'resources'],
];

interface ListRead {
  readonly items: JsonObject[];
  readonly ttlMs: number | undefined;
  readonly isPrivate: boolean;
}

/** Reads all that a server offers, every page of every list (spec: pagination). */
export async function readInventory(link: Link, timeoutMs: number): Promise<Inventory> {
  const { facts } = link;
  const reads = await Promise.all(
    LISTS.map(([kind, method, capability]) =>
      isObject(facts.capabilities[capability])
        ? readList(link, kind, method, timeoutMs)
        : Promise.resolve(EMPTY),
    ),
  );
  const [tools = EMPTY, prompts = EMPTY, resources = EMPTY, resourceTemplates = EMPTY] = reads;
  const ttls = reads.map((read) => read.ttlMs).filter((ttl) => ttl !== undefined);
  return {
    facts,
    lists: {
      tools: tools.items,
      prompts: prompts.items,
      resources: resources.items,
      resourceTemplates: resourceTemplates.items,
    },
    isPrivate: reads.some((read) => read.isPrivate),
    ...(ttls.length > 0 ? { ttlMs: Math.min(...ttls) } : {}),
  };
}

const EMPTY: ListRead = { items: [], ttlMs: undefined, isPrivate: false };

async function readList(
  link: Link,
  kind: ListKind,
  method: string,
  timeoutMs: number,
): Promise<ListRead> {
  const items: JsonObject[] = [];
  const seen = new Set<string>();
  let ttlMs: number | undefined;
  let isPrivate = false;
  let cursor: string | undefined;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const result = await readPage(link, method, cursor, timeoutMs);
    if (result === undefined) break;
    items.push(...objectsAt(result, kind));
    isPrivate ||= result['cacheScope'] === 'private';
    const ttl = result['ttlMs'];
    if (typeof ttl === 'number') ttlMs = Math.min(ttlMs ?? ttl, ttl);
    cursor = stringAt(result, 'nextCursor');
    // A server that repeats a cursor would be read for ever.
    if (cursor === undefined || seen.has(cursor)) break;
    seen.add(cursor);
  }
  return { items, ttlMs, isPrivate };
}

/** One page; undefined when the server declared the capability but lacks the list, as many lack templates. */
async function readPage(
  link: Link,
  method: string,
  cursor: string | undefined,
  timeoutMs: number,
): Promise<JsonObject | undefined> {
  try {
    return await link.housekeeping(method, cursor === undefined ? {} : { cursor }, timeoutMs);
  } catch (error) {
    if (error instanceof RemoteError && error.error.code === METHOD_NOT_FOUND) return undefined;
    throw error;
  }
}
