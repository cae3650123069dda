import { stringAt, type JsonObject } from '../kernel/json.ts';
import type { Inventory } from '../kernel/inventory.ts';
import type { ListKind } from '../kernel/methods.ts';
import type { Target, TargetKind } from '../kernel/target.ts';

/** One thing on offer: what a client sees of it, and what it addresses. */
export interface Offer {
  readonly target: Target;
  /** Its definition under its public name. */
  readonly item: JsonObject;
  /** Whether it is a tool that only a client whose protocol version has tasks can call. */
  readonly isTaskOnly?: boolean;
}

/** One server's part of a snapshot, in the order of the configuration. */
export interface Supplier {
  readonly name: string;
  readonly inventory: Inventory;
}

const KEYS: Readonly<Record<ListKind, string>> = {
  tools: 'name',
  prompts: 'name',
  resources: 'uri',
  resourceTemplates: 'uriTemplate',
};

const KINDS: Readonly<Record<ListKind, TargetKind>> = {
  tools: 'tool',
  prompts: 'prompt',
  resources: 'resource',
  resourceTemplates: 'template',
};

/** What a server lists of one kind, each with the name or URI it has there; what has none is left out. */
export function listed({ inventory }: Supplier, kind: ListKind): (readonly [string, JsonObject])[] {
  return inventory.lists[kind].flatMap((item) => {
    const own = stringAt(item, KEYS[kind]);
    return own === undefined ? [] : [[own, item] as const];
  });
}

/** An item of a server under the name or URI that clients see. */
export function offerOf(kind: ListKind, upstream: string, item: JsonObject, shown: string): Offer {
  const key = KEYS[kind];
  const own = stringAt(item, key) ?? '';
  return {
    target: { kind: KINDS[kind], upstream, name: own, publicName: shown, item },
    item: own === shown ? item : { ...item, [key]: shown },
  };
}
