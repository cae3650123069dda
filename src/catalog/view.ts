import type { TextAnswer } from '../kernel/answer.ts';
import { META, type Era } from '../kernel/era.ts';
import { isObject, type JsonObject } from '../kernel/json.ts';
import type { ListKind } from '../kernel/methods.ts';
import type { ListPlan } from '../kernel/plan.ts';
import type { Principal } from '../kernel/principal.ts';
import type { Target } from '../kernel/target.ts';
import { isOddUri } from '../kernel/uri-forms.ts';
import { capabilitiesFor } from './capabilities.ts';
import { declarerOf } from './declared.ts';
import { joinedInstructions } from './instructions.ts';
import { legacyItem } from './legacy-shape.ts';
import type { CatalogPorts } from './ports.ts';
import type { Offer, Snapshot, Supplier } from './snapshot.ts';
import { withoutExecution } from './task-tools.ts';

/** What a view is made of. */
export interface ViewTerms {
  readonly snapshot: Snapshot;
  readonly principal: Principal;
  /** When the clock alone may change it, in milliseconds since the epoch; undefined: never. */
  readonly until: number | undefined;
  /** Whether every other caller would see the same. */
  readonly isUniform: boolean;
  /** Whether nothing can be hidden from anybody. */
  readonly isOpen: boolean;
  /** Whether it is for clients without tasks: what can be called as a task alone does not exist for them. */
  readonly isTaskless?: boolean;
}

/** A snapshot as one principal may see it: what it shows is exactly what a call could be permitted to (docs/rules.md R5). */
export class CatalogView {
  /** It holds from this moment until that one, in milliseconds since the epoch; without an end it holds at any. */
  readonly since: number;
  readonly until: number | undefined;
  readonly offers: Readonly<Record<ListKind, readonly Offer[]>>;
  readonly instructions: string | undefined;
  readonly #terms: ViewTerms;
  readonly #ports: CatalogPorts;
  readonly #plan: ListPlan;
  /** Servers this principal can reach anything of: nothing comes from any other (docs/rules.md R6). */
  readonly #suppliers: readonly Supplier[];
  readonly #capabilities = new Map<Era, JsonObject>();
  readonly #pages = new Map<string, TextAnswer>();
  readonly #bare = new Map<ListKind, ReadonlyMap<string, Target | undefined>>();
  #taskless: CatalogView | undefined;

  constructor(terms: ViewTerms, ports: CatalogPorts, plan: ListPlan) {
    const { snapshot, principal, until } = terms;
    this.#terms = terms;
    this.#ports = ports;
    this.#plan = plan;
    this.since = ports.now();
    this.until = until;
    const seen = (offers: readonly Offer[]): readonly Offer[] =>
      offers.filter(({ target }) => ports.sight(principal, target) === 'seen');
    const { tools, prompts, resources, resourceTemplates } = snapshot.offers;
    const shown = {
      tools: seen(tools),
      prompts: seen(prompts),
      resources: seen(resources),
      resourceTemplates: seen(resourceTemplates),
    };
    this.offers = { ...shown, tools: shown.tools.filter((offer) => this.#exists(offer)) };
    // A server is there for clients without tasks too, whatever its tools are.
    this.#suppliers = visibleSuppliers(snapshot, shown, (upstream) =>
      ports.reaches(principal, upstream),
    );
    this.instructions = joinedInstructions(this.#suppliers, plan.maxInstructionsBytes);
  }

  /** The same for clients whose protocol version has no tasks (docs/decisions/0028); the very same where nothing differs. */
  get taskless(): CatalogView {
    if (this.#taskless !== undefined) return this.#taskless;
    const terms = { ...this.#terms, isTaskless: true };
    const isSame = terms.snapshot.offers.tools.every(({ isTaskOnly }) => isTaskOnly !== true);
    this.#taskless = isSame ? this : new CatalogView(terms, this.#ports, this.#plan);
    return this.#taskless;
  }

  /** What a client of an era is told that it can use (docs/rules.md R6). */
  capabilities(era: Era): JsonObject {
    const present = this.#capabilities.get(era);
    if (present !== undefined) return present;
    const capabilities = capabilitiesFor(era, {
      suppliers: this.#suppliers,
      mayUse: (upstream, key) =>
        this.#ports.sight(this.#terms.principal, extensionOf(upstream, key)) === 'seen',
    });
    this.#capabilities.set(era, capabilities);
    return capabilities;
  }

  list(kind: ListKind, era: Era, cursor: string | undefined): TextAnswer | undefined {
    const start = cursor === undefined ? 0 : this.#startOf(kind, cursor);
    if (start === undefined) return undefined;
    const key = `${kind} ${era} ${start}`;
    const present = this.#pages.get(key);
    if (present !== undefined) return present;
    const text = this.#write(kind, era, start);
    // How long a view that the clock changes may be kept is less with every moment.
    const isKept = era === 'legacy' || this.until === undefined;
    const page = { text, isKept };
    if (isKept) this.#pages.set(key, page);
    return page;
  }

  listed(kind: 'tools' | 'prompts', name: string): Target | undefined {
    return this.#ifSeen(this.#find(kind, name)?.target);
  }

  /** Hosts of MCP Apps call tools by their servers' own names. */
  bare(kind: 'tools' | 'prompts', name: string, upstream: string | undefined): Target | undefined {
    if (upstream === undefined) return this.#bareNames(kind).get(name);
    return this.offers[kind].find(
      ({ target }) => ownName(target) === name && target.upstream === upstream,
    )?.target;
  }

  /** A listed resource, one a template covers, or, where a single server has resources, whatever it may know (docs/rules.md R17). */
  resource(uri: string): Target | undefined {
    const target = this.#terms.snapshot.resolveUri(uri) ?? this.#unlisted(uri);
    // Where something may be hidden, a URI that readers take in different ways is only what a list has in these very letters.
    const isOdd = !this.isOpen && target?.item === undefined && isOddUri(target?.name ?? '');
    return isOdd ? undefined : this.#ifSeen(target);
  }

  template(uriTemplate: string): Target | undefined {
    return this.#ifSeen(this.#terms.snapshot.find('resourceTemplates', uriTemplate)?.target);
  }

  /** A method that the specification does not know, where one visible server alone declares what it belongs to. */
  extension(method: string): Target | undefined {
    const upstream = declarerOf(method, this.#suppliers);
    return upstream === undefined ? undefined : this.#ifSeen(extensionOf(upstream, method));
  }

  /** The same with nothing hidden, for the record of what was refused. */
  get concealed(): Pick<CatalogView, 'listed' | 'resource' | 'template' | 'extension'> {
    const { snapshot } = this.#terms;
    return {
      listed: (kind, name) => this.#find(kind, name)?.target,
      resource: (uri) => snapshot.resolveUri(uri),
      template: (text) => snapshot.find('resourceTemplates', text)?.target,
      extension: (method) => {
        const upstream = declarerOf(method, snapshot.suppliers);
        return upstream === undefined ? undefined : extensionOf(upstream, method);
      },
    };
  }

  get isOpen(): boolean {
    return this.#terms.isOpen;
  }

  publicUri(upstream: string, uri: string): string {
    return this.#terms.snapshot.publicUri(upstream, uri);
  }

  withCapability(name: string): readonly string[] {
    return this.#suppliers
      .filter((each) => isObject(each.inventory.facts.capabilities[name]))
      .map((each) => each.name);
  }

  isModern(upstream: string): boolean {
    const supplier = this.#terms.snapshot.suppliers.find(({ name }) => name === upstream);
    return supplier?.inventory.facts.era === 'modern';
  }

  #find(kind: ListKind, name: string): Offer | undefined {
    const offer = this.#terms.snapshot.find(kind, name);
    return offer !== undefined && this.#exists(offer) ? offer : undefined;
  }

  #exists({ isTaskOnly }: Offer): boolean {
    return this.#terms.isTaskless !== true || isTaskOnly !== true;
  }

  /** Where something may be hidden, a URI that leads nowhere must not be told from one that is (docs/rules.md R5). */
  #unlisted(uri: string): Target | undefined {
    if (!this.isOpen) return undefined;
    const [only, ...others] = this.withCapability('resources');
    return only === undefined || others.length > 0
      ? undefined
      : this.#terms.snapshot.resourceOf(only, uri, uri);
  }

  /** What a token with more scopes would show is found, so that the answer can name them (docs/rules.md R6). */
  #ifSeen(target: Target | undefined): Target | undefined {
    if (target === undefined) return undefined;
    return this.#ports.sight(this.#terms.principal, target) === 'hidden' ? undefined : target;
  }

  /** Names without their prefix, where a single visible server has them: hosts of MCP Apps call tools so. */
  #bareNames(kind: ListKind): ReadonlyMap<string, Target | undefined> {
    const present = this.#bare.get(kind);
    if (present !== undefined) return present;
    const names = new Map<string, Target | undefined>();
    for (const { target } of this.offers[kind])
      names.set(ownName(target), names.has(ownName(target)) ? undefined : target);
    this.#bare.set(kind, names);
    return names;
  }

  #startOf(kind: ListKind, cursor: string): number | undefined {
    const [of, last] = this.#ports.openCursor(cursor)?.split(' ', 2) ?? [];
    if (of !== kind || last === undefined) return undefined;
    const index = this.offers[kind].findIndex(
      ({ target }) => encodeURIComponent(target.publicName) === last,
    );
    return index === -1 ? undefined : index + 1;
  }

  #write(kind: ListKind, era: Era, start: number): string {
    const offers = this.offers[kind];
    const { pageSize } = this.#plan;
    const end = pageSize === 0 ? offers.length : Math.min(offers.length, start + pageSize);
    const last = offers[end - 1];
    const items = offers
      .slice(start, end)
      .map((offer) => (era === 'legacy' ? legacyItem(kind, offer.item) : this.#modernItem(offer)));
    const result: JsonObject = { [kind]: items };
    if (end < offers.length && last !== undefined) {
      result['nextCursor'] = this.#ports.sealCursor(
        `${kind} ${encodeURIComponent(last.target.publicName)}`,
      );
    }
    return JSON.stringify(era === 'legacy' ? result : { ...result, ...this.modernFields() });
  }

  /** Tools of legacy servers say of tasks what the modern protocol does not have; what modern servers say there is their own. */
  #modernItem({ item, target }: Offer): JsonObject {
    const isPlain = target.kind !== 'tool' || item['execution'] === undefined;
    return isPlain || this.isModern(target.upstream) ? item : withoutExecution(item);
  }

  /** What every list and discovery carries in the modern protocol (spec 2026-07-28, caching). */
  modernFields(): JsonObject {
    const { ttlMs } = this.#plan;
    const ttls = this.#suppliers.map(({ inventory }) => inventory.ttlMs ?? ttlMs);
    const isPrivate = this.#suppliers.some(({ inventory }) => inventory.isPrivate === true);
    return {
      resultType: 'complete',
      ...this.freshness(Math.min(ttlMs, ...ttls), isPrivate),
      _meta: { [META.serverInfo]: { ...this.#ports.serverInfo } },
    };
  }

  /**
   * How long something may be kept that a server says may be kept so long, and by whom: no longer than this view lasts, and
   * for this caller alone where callers see different things (spec 2026-07-28, caching).
   */
  freshness(ttlMs: number, isPrivate: boolean): { ttlMs: number; cacheScope: string } {
    const left = this.until === undefined ? ttlMs : this.until - this.#ports.now();
    return {
      ttlMs: Math.max(0, Math.min(ttlMs, left)),
      cacheScope: isPrivate || !this.#terms.isUniform ? 'private' : 'public',
    };
  }
}

/** Servers of which something is seen, or that offer nothing to be seen but could be reached. */
function visibleSuppliers(
  snapshot: Snapshot,
  offers: CatalogView['offers'],
  reaches: (upstream: string) => boolean,
): readonly Supplier[] {
  const shown = new Set(
    Object.values(offers).flatMap((each) => each.map(({ target }) => target.upstream)),
  );
  return snapshot.suppliers.filter(({ name, inventory }) => {
    if (shown.has(name)) return true;
    const isEmpty = Object.values(inventory.lists).every((list) => list.length === 0);
    return isEmpty && reaches(name);
  });
}

/** A custom tool has a name of its own beside that of the tool it calls. */
function ownName({ name, shape }: Target): string {
  return shape?.name ?? name;
}

/** A method of a server that no specification knows, or what it declares such methods by. */
function extensionOf(upstream: string, name: string): Target {
  return { kind: 'extension', upstream, name, publicName: name };
}
