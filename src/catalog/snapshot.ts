import type { ExtensionsPlan } from '../kernel/access.ts';
import { isObject } from '../kernel/json.ts';
import type { ListKind } from '../kernel/methods.ts';
import type { Target } from '../kernel/target.ts';
import { decodedUri, normalUri, plainUri } from '../kernel/uri-forms.ts';
import { Complaints } from './complaints.ts';
import { offerPrompts, type Naming } from './named-offers.ts';
import { decodeRest, parseQualified, qualifiedUri, sanitised } from './names.ts';
import { listed, offerOf, type Offer, type Supplier } from './offer.ts';
import { offerTools } from './tool-offers.ts';
import { uiIndex, uiOf, withUi } from './ui.ts';
import { UriTemplate } from './uri-template.ts';

export type { Offer, Supplier } from './offer.ts';

interface TemplateOffer extends Offer {
  readonly upstreamTemplate: UriTemplate;
  readonly publicTemplate: UriTemplate;
}

const NONE: ExtensionsPlan = {};

/** All that the upstreams offer at one moment, named for clients; immutable. */
export class Snapshot {
  readonly suppliers: readonly Supplier[];
  readonly offers: Readonly<Record<ListKind, readonly Offer[]>>;
  /** What was left out, by server: its public name was taken by an earlier one (docs/rules.md R17). */
  readonly collisions: ReadonlyMap<string, readonly string[]>;
  readonly #byName: Readonly<Record<ListKind, ReadonlyMap<string, Offer>>>;
  readonly #templates: readonly TemplateOffer[];
  readonly #byUri: ReadonlyMap<string, Offer>;
  readonly #bySanitised: ReadonlyMap<string, Supplier>;
  /** Servers by the views that their tools name: a server need not list those (MCP Apps). */
  readonly #byUi: ReadonlyMap<string, string>;

  constructor(suppliers: readonly Supplier[], naming: Naming, extensions: ExtensionsPlan = NONE) {
    this.suppliers = suppliers;
    const complaints = new Complaints();
    this.#bySanitised = new Map(suppliers.map((supplier) => [sanitised(supplier.name), supplier]));
    const templates = offerUris(suppliers, 'resourceTemplates', qualifiedTemplate);
    this.#templates = templates.map((offer) => ({
      ...offer,
      upstreamTemplate: new UriTemplate(offer.target.name),
      publicTemplate: new UriTemplate(offer.target.publicName),
    }));
    const resources = offerUris(suppliers, 'resources', qualifiedUri).map((offer) => ({
      ...offer,
      target: this.#withVia(offer.target),
    }));
    const named = offerTools(suppliers, { naming, extensions }, complaints);
    const prompts = offerPrompts(suppliers, naming, complaints);
    this.#byUri = indexOf(resources);
    this.#byUi = uiIndex(named);
    const tools = named.map((offer) => this.#withPublicUi(offer));
    this.#byName = {
      tools: indexOf(tools),
      prompts: indexOf(prompts),
      resources: this.#byUri,
      resourceTemplates: indexOf(templates),
    };
    this.offers = { tools, prompts, resources, resourceTemplates: templates };
    this.collisions = complaints.all();
  }

  /** What a public name or URI stands for in one list. */
  find(kind: ListKind, name: string): Offer | undefined {
    return this.#byName[kind].get(name);
  }

  /** What a URI means: by a server's name in it, which no other server can take over; as listed; by template. */
  resolveUri(uri: string): Target | undefined {
    const listed = this.#byUri.get(uri)?.target;
    const addressed = this.#addressed(uri);
    if (addressed !== undefined)
      return listed?.upstream === addressed.upstream ? listed : addressed;
    return listed ?? this.#byTemplate(uri) ?? this.#namedByTool(uri);
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

  /** What an upstream knows by a URI, whether it lists it or not. */
  resourceOf(upstream: string, uri: string, publicName: string): Target {
    return this.#withVia({ kind: 'resource', upstream, name: uri, publicName });
  }

  #byTemplate(uri: string): Target | undefined {
    for (const { target, publicTemplate, upstreamTemplate } of this.#templates) {
      const values = publicTemplate.match(uri);
      if (values !== undefined)
        return this.resourceOf(target.upstream, upstreamTemplate.fill(values), uri);
    }
    return undefined;
  }

  #namedByTool(uri: string): Target | undefined {
    const upstream = this.#byUi.get(uri);
    return upstream === undefined ? undefined : this.resourceOf(upstream, uri, uri);
  }

  /** A tool's view is a resource of its server: where its URI leads to another one, the tool names it in full. */
  #withPublicUi(offer: Offer): Offer {
    const uri = uiOf(offer.item);
    if (uri === undefined) return offer;
    const shown = this.publicUri(offer.target.upstream, uri);
    return shown === uri ? offer : { ...offer, item: withUi(offer.item, shown) };
  }

  #addressed(uri: string): Target | undefined {
    const qualified = parseQualified(uri);
    if (qualified === undefined) return undefined;
    const upstream = this.#bySanitised.get(qualified.server)?.name;
    const name = decodeRest(qualified.rest);
    if (upstream === undefined || name === undefined) return undefined;
    return this.resourceOf(upstream, name, uri);
  }

  /** A resource is of all its server's templates it could be read by, however it is spelt, or policy could be got around. */
  #withVia(target: Target): Target {
    const own = this.#templates.filter((each) => each.target.upstream === target.upstream);
    if (own.length === 0) return target;
    const { name } = target;
    const spelt = [name, normalUri(name), decodedUri(name)];
    const forms = new Set([...spelt, ...spelt.map((form) => plainUri(form))]);
    const via = own
      .filter(({ upstreamTemplate }) =>
        [...forms].some((form) => upstreamTemplate.match(form) !== undefined),
      )
      .map((each) => each.target.name);
    return via.length === 0 ? target : { ...target, via };
  }
}

/** Clients fetch web addresses themselves, and hosts of MCP Apps know `ui://` URIs as they are. */
function isFetchable(uri: string): boolean {
  return uri.startsWith('https://') || uri.startsWith('http://') || uri.startsWith('ui://');
}

function qualifiedTemplate(server: string, template: string): string {
  const prefix = qualifiedUri(server, '');
  return `${prefix}${new UriTemplate(template).mapText(encodeURIComponent)}`;
}

function indexOf(offers: readonly Offer[]): ReadonlyMap<string, Offer> {
  return new Map(offers.map((offer) => [offer.target.publicName, offer]));
}

/** Whether a URI addresses another server by its name: what is listed under it is offered under the lister's own. */
function isOfAnother(uri: string, upstream: string, suppliers: readonly Supplier[]): boolean {
  const server = parseQualified(uri)?.server;
  return (
    server !== undefined &&
    server !== sanitised(upstream) &&
    suppliers.some(({ name }) => sanitised(name) === server)
  );
}

/** A resource that an earlier server lists too is offered under its server's name. */
function offerUris(
  suppliers: readonly Supplier[],
  kind: ListKind,
  qualify: (server: string, uri: string) => string,
): Offer[] {
  const taken = new Set<string>();
  const offers: Offer[] = [];
  for (const supplier of suppliers) {
    const { name: upstream } = supplier;
    for (const [own, item] of listed(supplier, kind)) {
      const isTaken = taken.has(own) || isOfAnother(own, upstream, suppliers);
      const shown = isTaken ? qualify(upstream, own) : own;
      if (taken.has(shown)) continue;
      taken.add(shown);
      offers.push(offerOf(kind, upstream, item, shown));
    }
  }
  return offers;
}
