import { publicName, qualifiedUri, sanitised } from '../catalog/names.ts';
import { Snapshot } from '../catalog/snapshot.ts';
import type { Inventory } from '../kernel/inventory.ts';
import { isObject, objectAt, type JsonObject } from '../kernel/json.ts';
import type { Plan, ServerPlan } from '../kernel/plan.ts';
import type { Target } from '../kernel/target.ts';

/** The kinds of things that people name. */
export type NamedKind = 'tool' | 'prompt' | 'resource';

/** Why something that has a name is not on offer: because of the configuration, or because its server did not list it. */
export type Absence = 'inactive' | 'replaced' | 'unlisted';

/** What a name stands for. */
export interface Found {
  readonly target: Target;
  /** Whether its server was seen with this configuration, so that what it says of the target is known. */
  readonly isSeen: boolean;
  /** Undefined where it is on offer. */
  readonly absence: Absence | undefined;
}

/** Why a name stands for nothing, and names that would. */
export interface NotFound {
  readonly problem: string;
  readonly known: readonly string[];
}

const LISTS = { tool: 'tools', prompt: 'prompts' } as const;

type Listed = keyof typeof LISTS;

/** What the servers of a plan offered when a gateway last saw them, named and tailored as the plan says. */
export class OfflineCatalog {
  readonly #plan: Plan;
  readonly #snapshot: Snapshot;
  readonly #seen: ReadonlySet<string>;

  /** Takes inventories by the names of their servers. */
  constructor(plan: Plan, inventories: ReadonlyMap<string, Inventory>) {
    this.#plan = plan;
    const suppliers = plan.servers.flatMap(({ name, isActive }) => {
      const inventory = inventories.get(name);
      return inventory === undefined || !isActive ? [] : [{ name, inventory }];
    });
    this.#seen = new Set(inventories.keys());
    this.#snapshot = new Snapshot(suppliers, plan.naming, plan.extensions);
  }

  /** All that is on offer. */
  get offers(): Snapshot['offers'] {
    return this.#snapshot.offers;
  }

  /** Servers that are switched on and were not seen with this configuration. */
  get unseen(): readonly string[] {
    const active = this.#plan.servers.filter(({ isActive }) => isActive);
    return active.map(({ name }) => name).filter((name) => !this.#seen.has(name));
  }

  /** What people call something: by its public name or URI, as `server/name`, or by its own name where only one has it. */
  find(kind: NamedKind, text: string): Found | NotFound {
    const slash = text.indexOf('/');
    const server = slash === -1 ? undefined : this.#server(text.slice(0, slash));
    if (server !== undefined) return this.ofServer(kind, server, text.slice(slash + 1));
    if (kind === 'resource') return this.#uri(text);
    return this.#named(kind, text);
  }

  /** The server of a name, in any case. */
  server(name: string): ServerPlan | NotFound {
    const known = this.#plan.servers.map((server) => server.name);
    return this.#server(name) ?? { problem: `There is no server "${name}".`, known };
  }

  /** One thing of a server by its own name or URI, whether it is on offer or not. */
  ofServer(kind: NamedKind, server: ServerPlan, name: string): Found {
    const isSeen = this.#seen.has(server.name);
    const target = kind === 'resource' ? this.#resource(server, name) : undefined;
    const offered = target ?? (kind === 'resource' ? undefined : this.#offered(kind, server, name));
    const isReplaced = kind === 'tool' && this.#isReplaced(server, name);
    if (offered !== undefined) return { target: offered, isSeen, absence: undefined };
    return {
      target: this.#byName(kind, server, name),
      isSeen,
      absence: absenceOf({ server, isSeen, isReplaced }),
    };
  }

  #named(kind: Listed, text: string): Found | NotFound {
    const public_ = this.#snapshot.find(LISTS[kind], text);
    if (public_ !== undefined) return { target: public_.target, isSeen: true, absence: undefined };
    const own = this.#offers(kind).filter((target) => ownName(target) === text);
    const [only, ...others] = own;
    if (only !== undefined && others.length === 0)
      return { target: only, isSeen: true, absence: undefined };
    const known = (own.length > 0 ? own : this.#offers(kind)).map((target) => labelOf(target));
    if (own.length > 0)
      return {
        problem: `Several servers have a ${kind} "${text}"; write which: ${known.join(', ')}.`,
        known: [],
      };
    return this.#byPrefix(kind, text) ?? unknown(kind, text, known);
  }

  /** A public name of a server that was not seen, or does not list it. */
  #byPrefix(kind: Listed, text: string): Found | undefined {
    for (const server of this.#plan.servers) {
      const prefix = `${sanitised(server.name)}__`;
      if (text.startsWith(prefix)) return this.ofServer(kind, server, text.slice(prefix.length));
    }
    return undefined;
  }

  #uri(uri: string): Found | NotFound {
    const template = this.#snapshot.find('resourceTemplates', uri)?.target;
    const target = this.#snapshot.resolveUri(uri) ?? template;
    if (target !== undefined) return { target, isSeen: true, absence: undefined };
    const [only, ...others] = this.#plan.servers.filter((server) => this.#mayHaveResources(server));
    if (only !== undefined && others.length === 0) return this.ofServer('resource', only, uri);
    const known = this.#snapshot.offers.resources.map((offer) => offer.target.publicName);
    return unknown('resource', uri, known);
  }

  #mayHaveResources({ name, isActive }: ServerPlan): boolean {
    const supplier = this.#snapshot.suppliers.find((each) => each.name === name);
    if (supplier === undefined) return isActive;
    return isObject(supplier.inventory.facts.capabilities['resources']);
  }

  #server(name: string): ServerPlan | undefined {
    const key = name.toLowerCase();
    return this.#plan.servers.find((server) => server.name.toLowerCase() === key);
  }

  #resource({ name: server }: ServerPlan, uri: string): Target | undefined {
    const direct = this.#snapshot.resolveUri(uri);
    if (direct?.upstream === server) return direct;
    const own = this.#snapshot.resolveUri(qualifiedUri(server, uri));
    return own && { ...own, publicName: this.#snapshot.publicUri(server, uri) };
  }

  #offers(kind: Listed): readonly Target[] {
    return this.#snapshot.offers[LISTS[kind]].map(({ target }) => target);
  }

  #offered(kind: Listed, { name: upstream }: ServerPlan, name: string): Target | undefined {
    return this.#offers(kind).find(
      (target) => target.upstream === upstream && ownName(target) === name,
    );
  }

  #isReplaced(server: ServerPlan, name: string): boolean {
    return extensionsOf(this.#plan, server)[name]?.isReplaced === true;
  }

  #byName(kind: NamedKind, server: ServerPlan, name: string): Target {
    const upstream = server.name;
    if (kind === 'resource') return { kind, upstream, name, publicName: name };
    const shown = publicName(this.#plan.naming, upstream, name);
    const custom = kind === 'tool' ? this.#custom(server, name, shown) : undefined;
    return custom ?? { kind, upstream, name, publicName: shown };
  }

  /** A custom tool whose parent was not seen. */
  #custom(server: ServerPlan, name: string, shown: string): Target | undefined {
    for (const [parent, { children }] of Object.entries(extensionsOf(this.#plan, server))) {
      const child = children.find((each) => each.name === name);
      if (child === undefined) continue;
      const own: Target = { kind: 'tool', upstream: server.name, name: parent, publicName: shown };
      const item = withAnnotations(shown, child.annotations);
      return { ...own, shape: { name, params: child.params }, ...(item && { shown: item }) };
    }
    return undefined;
  }
}

/** A target of a server that was not seen, with the annotations it is said to have. */
export function annotated(target: Target, annotations: JsonObject | undefined): Target {
  const { name, shown, shape, publicName: shownName } = target;
  const item = withAnnotations(name, annotations);
  if (item === undefined) return target;
  if (shape === undefined) return { ...target, item };
  const laid = { ...annotations, ...objectAt(shown, 'annotations') };
  return { ...target, item, shown: { name: shownName, annotations: laid } };
}

/** How people read it: `server/name`. */
export function labelOf(target: Target): string {
  return `${target.upstream}/${ownName(target)}`;
}

function ownName({ shape, name }: Target): string {
  return shape?.name ?? name;
}

function withAnnotations(
  name: string,
  annotations: JsonObject | undefined,
): JsonObject | undefined {
  return annotations === undefined ? undefined : { name, annotations };
}

function extensionsOf({ extensions }: Plan, { name }: ServerPlan): Plan['extensions'][string] {
  const key = name.toLowerCase();
  return (Object.hasOwn(extensions, key) ? extensions[key] : undefined) ?? {};
}

interface Standing {
  readonly server: ServerPlan;
  readonly isSeen: boolean;
  readonly isReplaced: boolean;
}

function absenceOf({ server, isSeen, isReplaced }: Standing): Absence | undefined {
  if (!server.isActive) return 'inactive';
  if (isReplaced) return 'replaced';
  return isSeen ? 'unlisted' : undefined;
}

function unknown(kind: NamedKind, text: string, known: readonly string[]): NotFound {
  const how = kind === 'resource' ? 'server/uri' : `server/${kind}`;
  return { problem: `No server is known to have a ${kind} "${text}"; write "${how}".`, known };
}
