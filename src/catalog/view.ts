import { META, type Era } from '../kernel/era.ts';
import { isObject, objectAt, type JsonObject } from '../kernel/json.ts';
import type { ListKind } from '../kernel/methods.ts';
import type { ListPlan } from '../kernel/plan.ts';
import type { Principal } from '../kernel/principal.ts';
import type { Target } from '../kernel/target.ts';
import { joinedInstructions } from './instructions.ts';
import type { CatalogPorts } from './ports.ts';
import type { Offer, Snapshot } from './snapshot.ts';

/** A snapshot as one principal may see it: what it shows is exactly what a call could be permitted to. */
export class CatalogView {
  readonly instructions: string | undefined;
  readonly capabilities: JsonObject;
  readonly #snapshot: Snapshot;
  readonly #ports: CatalogPorts;
  readonly #plan: ListPlan;
  readonly #principal: Principal;
  readonly #offers: Readonly<Record<ListKind, readonly Offer[]>>;
  readonly #pages = new Map<string, string>();
  readonly #bare = new Map<ListKind, ReadonlyMap<string, Target | undefined>>();

  constructor(snapshot: Snapshot, principal: Principal, ports: CatalogPorts, plan: ListPlan) {
    this.#snapshot = snapshot;
    this.#ports = ports;
    this.#plan = plan;
    this.#principal = principal;
    const seen = (offers: readonly Offer[]): readonly Offer[] =>
      offers.filter(({ target }) => ports.sees(principal, target));
    const { tools, prompts, resources, resourceTemplates } = snapshot.offers;
    this.#offers = {
      tools: seen(tools),
      prompts: seen(prompts),
      resources: seen(resources),
      resourceTemplates: seen(resourceTemplates),
    };
    this.instructions = joinedInstructions(snapshot.suppliers, plan.maxInstructionsBytes);
    this.capabilities = unitedCapabilities(snapshot);
  }

  list(kind: ListKind, era: Era, cursor: string | undefined): string | undefined {
    const start = cursor === undefined ? 0 : this.#startOf(kind, cursor);
    if (start === undefined) return undefined;
    const key = `${kind} ${era} ${start}`;
    const present = this.#pages.get(key);
    if (present !== undefined) return present;
    const text = this.#write(kind, era, start);
    this.#pages.set(key, text);
    return text;
  }

  listed(kind: 'tools' | 'prompts', name: string): Target | undefined {
    return this.#ifSeen(this.#snapshot.find(kind, name)?.target);
  }

  /** Hosts of MCP Apps call tools by their servers' own names. */
  bare(kind: 'tools' | 'prompts', name: string, upstream: string | undefined): Target | undefined {
    if (upstream === undefined) return this.#bareNames(kind).get(name);
    return this.#offers[kind].find(
      ({ target }) => target.name === name && target.upstream === upstream,
    )?.target;
  }

  /** A listed resource, one a template covers, or, where a single server has resources, whatever it may know (docs/rules.md R17). */
  resource(uri: string): Target | undefined {
    return this.#ifSeen(this.#snapshot.resolveUri(uri) ?? this.#unlisted(uri));
  }

  template(uriTemplate: string): Target | undefined {
    return this.#ifSeen(this.#snapshot.find('resourceTemplates', uriTemplate)?.target);
  }

  publicUri(upstream: string, uri: string): string {
    return this.#snapshot.publicUri(upstream, uri);
  }

  withCapability(name: string): readonly string[] {
    return this.#snapshot.suppliers
      .filter((each) => isObject(each.inventory.facts.capabilities[name]))
      .map((each) => each.name);
  }

  #unlisted(uri: string): Target | undefined {
    const [only, ...others] = this.withCapability('resources');
    return only === undefined || others.length > 0
      ? undefined
      : { kind: 'resource', upstream: only, name: uri, publicName: uri };
  }

  #ifSeen(target: Target | undefined): Target | undefined {
    return target !== undefined && this.#ports.sees(this.#principal, target) ? target : undefined;
  }

  /** Names without their prefix, where a single visible server has them: hosts of MCP Apps call tools so. */
  #bareNames(kind: ListKind): ReadonlyMap<string, Target | undefined> {
    const present = this.#bare.get(kind);
    if (present !== undefined) return present;
    const names = new Map<string, Target | undefined>();
    for (const { target } of this.#offers[kind])
      names.set(target.name, names.has(target.name) ? undefined : target);
    this.#bare.set(kind, names);
    return names;
  }

  #startOf(kind: ListKind, cursor: string): number | undefined {
    const [of, last] = this.#ports.openCursor(cursor)?.split(' ', 2) ?? [];
    if (of !== kind || last === undefined) return undefined;
    const index = this.#offers[kind].findIndex(
      ({ target }) => encodeURIComponent(target.publicName) === last,
    );
    return index === -1 ? undefined : index + 1;
  }

  #write(kind: ListKind, era: Era, start: number): string {
    const offers = this.#offers[kind];
    const { pageSize } = this.#plan;
    const end = pageSize === 0 ? offers.length : Math.min(offers.length, start + pageSize);
    const last = offers[end - 1];
    const result: JsonObject = { [kind]: offers.slice(start, end).map(({ item }) => item) };
    if (end < offers.length && last !== undefined) {
      result['nextCursor'] = this.#ports.sealCursor(
        `${kind} ${encodeURIComponent(last.target.publicName)}`,
      );
    }
    return JSON.stringify(era === 'legacy' ? result : { ...result, ...this.modernFields() });
  }

  /** What every list and discovery carries in the modern protocol (spec 2026-07-28, caching). */
  modernFields(): JsonObject {
    const { suppliers } = this.#snapshot;
    const ttls = suppliers.map(({ inventory }) => inventory.ttlMs ?? this.#plan.ttlMs);
    return {
      resultType: 'complete',
      ttlMs: Math.min(this.#plan.ttlMs, ...ttls),
      cacheScope: suppliers.some(({ inventory }) => inventory.isPrivate === true)
        ? 'private'
        : 'public',
      _meta: { [META.serverInfo]: { ...this.#ports.serverInfo } },
    };
  }
}

/** What can be served of what some server offers; servers that come later are told by list_changed (docs/rules.md R14). */
function unitedCapabilities(snapshot: Snapshot): JsonObject {
  const extensions: JsonObject = {};
  const united: JsonObject = {
    tools: { listChanged: true },
    prompts: { listChanged: true },
    resources: { listChanged: true, subscribe: true },
    completions: {},
    logging: {},
  };
  for (const { inventory } of snapshot.suppliers) {
    const { capabilities } = inventory.facts;
    if (isObject(capabilities['tasks'])) united['tasks'] = capabilities['tasks'];
    for (const [name, value] of Object.entries(objectAt(capabilities, 'extensions') ?? {}))
      extensions[name] ??= value;
  }
  if (Object.keys(extensions).length > 0) united['extensions'] = extensions;
  return united;
}
