import { isObject, stringAt, type JsonObject } from '../kernel/json.ts';
import type { Inventory } from '../kernel/inventory.ts';
import type { ListKind } from '../kernel/methods.ts';
import type { Target, TargetKind } from '../kernel/target.ts';
import { paramHeaders } from '../kernel/param-headers.ts';
import { UriTemplate } from './uri-template.ts';
import { decodeRest, parseQualified, publicName, qualifiedUri, sanitised } from './names.ts';

/** One thing on offer: what a client sees of it, and what it addresses. */
export interface Offer {
  readonly target: Target;
  /** Its definition under its public name. */
  readonly item: JsonObject;
}

/** One server's part of a snapshot, in the order of the configuration. */
export interface Supplier {
  readonly name: string;
  readonly inventory: Inventory;
}

interface TemplateOffer extends Offer {
  readonly upstreamTemplate: UriTemplate;
  readonly publicTemplate: UriTemplate;
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

const MAX_NAMED = 5;

/** What is left out, by server: the first few by name, the others by number. */
class Complaints {
  readonly #byUpstream = new Map<string, string[]>();
  readonly #more = new Map<string, number>();

  add(upstream: string, message: string): void {
    const named = this.#byUpstream.get(upstream) ?? [];
    this.#byUpstream.set(upstream, named);
    if (named.length < MAX_NAMED) named.push(message);
    else this.#more.set(upstream, (this.#more.get(upstream) ?? 0) + 1);
  }

  all(): ReadonlyMap<string, readonly string[]> {
    const whole = [...this.#byUpstream].map(([upstream, named]) => {
      const more = this.#more.get(upstream);
      return [upstream, more === undefined ? named : [...named, `and ${more} more`]] as const;
    });
    return new Map(whole);
  }
}

/** All that the upstreams offer at one moment, named for clients; immutable. */
export class Snapshot {
  readonly suppliers: readonly Supplier[];
  readonly offers: Readonly<Record<ListKind, readonly Offer[]>>;
  /** What was left out, by server: its public name was taken by an earlier one (docs/rules.md R17). */
  readonly collisions: ReadonlyMap<string, readonly string[]>;
  readonly #byName: Readonly<Record<ListKind, ReadonlyMap<string, Offer>>>;
  readonly #templates: readonly TemplateOffer[];
  readonly #bySanitised: ReadonlyMap<string, Supplier>;

  constructor(suppliers: readonly Supplier[], naming: 'prefix' | 'flat') {
    this.suppliers = suppliers;
    const complaints = new Complaints();
    this.#bySanitised = new Map(suppliers.map((supplier) => [sanitised(supplier.name), supplier]));
    const resources = offerUris(suppliers, 'resources', (server, uri) => qualifiedUri(server, uri));
    const templates = offerUris(suppliers, 'resourceTemplates', qualifiedTemplate);
    this.#templates = templates.map((offer) => ({
      ...offer,
      upstreamTemplate: new UriTemplate(offer.target.name),
      publicTemplate: new UriTemplate(offer.target.publicName),
    }));
    const byUri = indexOf(resources);
    const tools = offerNames(suppliers, 'tools', naming, complaints).map((offer) =>
      withPublicView(offer, byUri),
    );
    const prompts = offerNames(suppliers, 'prompts', naming, complaints);
    this.offers = { tools, prompts, resources, resourceTemplates: templates };
    this.#byName = {
      tools: indexOf(tools),
      prompts: indexOf(prompts),
      resources: byUri,
      resourceTemplates: indexOf(templates),
    };
    this.collisions = complaints.all();
  }

  /** What a public name or URI stands for in one list. */
  find(kind: ListKind, name: string): Offer | undefined {
    return this.#byName[kind].get(name);
  }

  /** Every target a URI could mean, the one that lists it first, then by template, then by its server's name in it. */
  resolveUri(uri: string): Target | undefined {
    const listed = this.#byName.resources.get(uri)?.target;
    if (listed !== undefined) return listed;
    const qualified = parseQualified(uri);
    const supplier = qualified === undefined ? undefined : this.#bySanitised.get(qualified.server);
    return (
      this.#byTemplate(uri) ??
      (qualified && supplier
        ? addressed(supplier.name, uri, decodeRest(qualified.rest))
        : undefined)
    );
  }

  /** The name clients know an upstream's URI by: as it is where it leads back to that upstream. */
  publicUri(upstream: string, uri: string): string {
    const resolved = this.resolveUri(uri);
    if (resolved !== undefined)
      return resolved.upstream === upstream ? uri : qualifiedUri(upstream, uri);
    return this.#isAlone(upstream) || isFetchable(uri) ? uri : qualifiedUri(upstream, uri);
  }

  #isAlone(upstream: string): boolean {
    return this.suppliers.every(
      (each) => each.name === upstream || !isObject(each.inventory.facts.capabilities['resources']),
    );
  }

  #byTemplate(uri: string): Target | undefined {
    for (const { target, publicTemplate, upstreamTemplate } of this.#templates) {
      const values = publicTemplate.match(uri);
      if (values !== undefined)
        return {
          kind: 'resource',
          upstream: target.upstream,
          name: upstreamTemplate.fill(values),
          publicName: uri,
        };
    }
    return undefined;
  }
}

/** Clients fetch web addresses themselves, and hosts of MCP Apps know `ui://` URIs as they are. */
function isFetchable(uri: string): boolean {
  return uri.startsWith('https://') || uri.startsWith('http://') || uri.startsWith('ui://');
}

function addressed(
  upstream: string,
  publicUri: string,
  uri: string | undefined,
): Target | undefined {
  return uri === undefined
    ? undefined
    : { kind: 'resource', upstream, name: uri, publicName: publicUri };
}

function qualifiedTemplate(server: string, template: string): string {
  const prefix = qualifiedUri(server, '');
  return `${prefix}${new UriTemplate(template).mapText(encodeURIComponent)}`;
}

function indexOf(offers: readonly Offer[]): ReadonlyMap<string, Offer> {
  return new Map(offers.map((offer) => [offer.target.publicName, offer]));
}

/** A resource that an earlier server lists too is offered under its server's name. */
function offerUris(
  suppliers: readonly Supplier[],
  kind: ListKind,
  qualify: (server: string, uri: string) => string,
): Offer[] {
  const taken = new Set<string>();
  const offers: Offer[] = [];
  for (const { name: upstream, inventory } of suppliers) {
    for (const item of inventory.lists[kind]) {
      const own = stringAt(item, KEYS[kind]);
      if (own === undefined) continue;
      const shown = taken.has(own) ? qualify(upstream, own) : own;
      if (taken.has(shown)) continue;
      taken.add(shown);
      offers.push(offerOf(kind, upstream, item, shown));
    }
  }
  return offers;
}

function offerNames(
  suppliers: readonly Supplier[],
  kind: ListKind,
  naming: 'prefix' | 'flat',
  complaints: Complaints,
): Offer[] {
  const owners = new Map<string, string>();
  const offers: Offer[] = [];
  for (const { name: upstream, inventory } of suppliers) {
    for (const item of inventory.lists[kind]) {
      const own = stringAt(item, KEYS[kind]);
      if (own === undefined) continue;
      const shown = publicName(naming, upstream, own);
      const owner = owners.get(shown);
      if (kind === 'tools' && paramHeaders(item) === undefined) {
        complaints.add(upstream, `tool "${own}" is left out: its x-mcp-header is not valid`);
      } else if (owner === undefined) {
        owners.set(shown, upstream);
        offers.push(offerOf(kind, upstream, item, shown));
      } else {
        const message = `${KINDS[kind]} "${own}" is left out: server "${owner}" already offers "${shown}"`;
        complaints.add(upstream, message);
      }
    }
  }
  return offers;
}

function offerOf(kind: ListKind, upstream: string, item: JsonObject, shown: string): Offer {
  const key = KEYS[kind];
  const own = stringAt(item, key) ?? '';
  return {
    target: { kind: KINDS[kind], upstream, name: own, publicName: shown, item },
    item: own === shown ? item : { ...item, [key]: shown },
  };
}

/** A tool's view (MCP Apps) is a resource: where that is offered under another URI, the tool names that one. */
function withPublicView(offer: Offer, byUri: ReadonlyMap<string, Offer>): Offer {
  const meta = offer.item['_meta'];
  if (!isObject(meta)) return offer;
  const ui = isObject(meta['ui']) ? meta['ui'] : undefined;
  const uri = stringAt(ui, 'resourceUri') ?? stringAt(meta, 'ui/resourceUri');
  if (uri === undefined || byUri.get(uri)?.target.upstream === offer.target.upstream) return offer;
  const shown = qualifiedUri(offer.target.upstream, uri);
  if (!byUri.has(shown)) return offer;
  return {
    ...offer,
    item: {
      ...offer.item,
      _meta: {
        ...meta,
        ...(ui === undefined ? {} : { ui: { ...ui, resourceUri: shown } }),
        ...(stringAt(meta, 'ui/resourceUri') === undefined ? {} : { 'ui/resourceUri': shown }),
      },
    },
  };
}
