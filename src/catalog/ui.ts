import { objectAt, stringAt, type JsonObject } from '../kernel/json.ts';
import type { Offer } from './offer.ts';

/** The key of the first version of MCP Apps, which hosts still read. */
const FIRST_KEY = 'ui/resourceUri';

/** The URI of a tool's view (MCP Apps); undefined where it has none. */
export function uiOf(item: JsonObject): string | undefined {
  const meta = objectAt(item, '_meta');
  return stringAt(objectAt(meta, 'ui'), 'resourceUri') ?? stringAt(meta, FIRST_KEY);
}

/** The same tool with another URI for its view. */
export function withUi(item: JsonObject, uri: string): JsonObject {
  const meta = objectAt(item, '_meta');
  const ui = objectAt(meta, 'ui');
  return {
    ...item,
    _meta: {
      ...meta,
      ...(ui === undefined ? {} : { ui: { ...ui, resourceUri: uri } }),
      ...(stringAt(meta, FIRST_KEY) === undefined ? {} : { [FIRST_KEY]: uri }),
    },
  };
}

/** Which server has a view, by its URI: the first whose tool names it. */
export function uiIndex(tools: readonly Offer[]): ReadonlyMap<string, string> {
  const index = new Map<string, string>();
  for (const { item, target } of tools) {
    const uri = uiOf(item);
    if (uri?.startsWith('ui://') === true && !index.has(uri)) index.set(uri, target.upstream);
  }
  return index;
}
