import { LATEST_LEGACY_VERSION, MODERN_VERSION, type Era } from '../../src/kernel/era.ts';
import type { Inventory } from '../../src/kernel/inventory.ts';
import type { JsonObject } from '../../src/kernel/json.ts';
import type { ListPlan } from '../../src/kernel/plan.ts';
import { Principal } from '../../src/kernel/principal.ts';
import type { CatalogPorts } from '../../src/catalog/ports.ts';
import type { Snapshot, Supplier } from '../../src/catalog/snapshot.ts';
import { CatalogView } from '../../src/catalog/view.ts';
import { newSecret, Seal } from '../../src/seal/seal.ts';

/** What a server of a unit test offers. */
export interface Offering {
  readonly tools?: readonly (string | JsonObject)[];
  readonly prompts?: readonly string[];
  readonly resources?: readonly string[];
  readonly templates?: readonly string[];
  /** Legacy unless told otherwise. */
  readonly era?: Era;
  readonly capabilities?: JsonObject;
  readonly instructions?: string;
  readonly ttlMs?: number;
  readonly isPrivate?: boolean;
}

export const CALLER = Principal.prove({ credential: 'caller', proof: 'local' });

export const LISTS: ListPlan = {
  firstWaitMs: 0,
  debounceMs: 0,
  pageSize: 1000,
  ttlMs: 60_000,
  maxInstructionsBytes: 1000,
};

/** The inventory of a server that offers this. */
export function inventoryOf(offering: Offering): Inventory {
  const { tools = [], prompts = [], resources = [], templates = [], ttlMs } = offering;
  const hasResources = resources.length > 0 || templates.length > 0;
  return {
    facts: {
      era: offering.era ?? 'legacy',
      version: offering.era === 'modern' ? MODERN_VERSION : LATEST_LEGACY_VERSION,
      capabilities: offering.capabilities ?? {
        tools: {},
        ...(hasResources ? { resources: {} } : {}),
      },
      instructions: offering.instructions,
      serverInfo: {},
    },
    lists: {
      tools: tools.map((tool) => (typeof tool === 'string' ? { name: tool } : tool)),
      prompts: prompts.map((name) => ({ name })),
      resources: resources.map((uri) => ({ uri, name: uri })),
      resourceTemplates: templates.map((uriTemplate) => ({ uriTemplate, name: uriTemplate })),
    },
    ...(ttlMs === undefined ? {} : { ttlMs }),
    isPrivate: offering.isPrivate ?? false,
  };
}

/** Servers in the order of their configuration. */
export function suppliersOf(servers: Readonly<Record<string, Offering>>): Supplier[] {
  return Object.entries(servers).map(([name, offering]) => ({
    name,
    inventory: inventoryOf(offering),
  }));
}

/** A view of servers that offer this, for everybody alike. */
export function viewOf(
  snapshot: Snapshot,
  changes: {
    readonly ports?: CatalogPorts;
    readonly plan?: ListPlan;
    readonly until?: number;
    /** Whether all callers see the same; so unless told otherwise. */
    readonly isUniform?: boolean;
  } = {},
): CatalogView {
  const { ports = portsOf(), plan = LISTS, until, isUniform = true } = changes;
  return new CatalogView(
    { snapshot, principal: CALLER, until, isUniform, isOpen: true },
    ports,
    plan,
  );
}

/** Ports with a real seal, where everybody sees everything unless told otherwise. */
export function portsOf(changes: Partial<CatalogPorts> = {}): CatalogPorts {
  const seal = new Seal([{ id: 1, secret: newSecret() }]);
  return {
    serverInfo: { name: 'mcpx' },
    now: () => 0,
    sight: () => 'seen',
    reaches: () => true,
    viewKey: ({ key }) => key,
    viewUntil: () => undefined,
    sealCursor: (text) => seal.seal('cursor', text),
    openCursor: (sealed) => seal.open('cursor', sealed),
    onCollisions: () => undefined,
    onChanged: () => undefined,
    ...changes,
  };
}
