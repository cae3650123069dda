import type { ChildToolPlan, ExtensionPlan, ExtensionsPlan } from '../kernel/access.ts';
import type { JsonObject } from '../kernel/json.ts';
import { paramHeaders } from '../kernel/param-headers.ts';
import type { Complaints } from './complaints.ts';
import { customTool } from './custom-tools.ts';
import { NamedOffers, type Naming } from './named-offers.ts';
import { listed, offerOf, type Offer, type Supplier } from './offer.ts';
import { SchemaFault } from './schema-fault.ts';
import { isTaskOnly } from './task-tools.ts';

/** How tools are offered: under which names, and what is made of them. */
export interface ToolTerms {
  readonly naming: Naming;
  readonly extensions: ExtensionsPlan;
}

/** A tool as its server lists it. */
interface Parent {
  readonly upstream: string;
  readonly name: string;
  readonly item: JsonObject;
  /** Said of each offer that is made of it. */
  readonly marks: Pick<Offer, 'isTaskOnly'>;
}

const NONE: Readonly<Record<string, ExtensionPlan>> = {};

/** The tools of all servers, each followed by those made from it, or by those alone where it is replaced. */
export function offerTools(
  suppliers: readonly Supplier[],
  { naming, extensions }: ToolTerms,
  complaints: Complaints,
): readonly Offer[] {
  const named = new NamedOffers(naming, complaints);
  for (const supplier of suppliers) {
    const key = supplier.name.toLowerCase();
    const plans = Object.hasOwn(extensions, key) ? extensions[key] : undefined;
    new ServerTools(supplier, plans ?? NONE, named).offer();
  }
  return named.offers;
}

/** The tools of one server. */
class ServerTools {
  readonly #supplier: Supplier;
  readonly #upstream: string;
  readonly #tools: readonly (readonly [string, JsonObject])[];
  /** What is made of tools, by their names; each is made once, however often a server lists the tool. */
  readonly #extensions: Map<string, ExtensionPlan>;
  /** Names that no custom tool may have. */
  readonly #kept: ReadonlySet<string>;
  readonly #named: NamedOffers;

  constructor(
    supplier: Supplier,
    plans: Readonly<Record<string, ExtensionPlan>>,
    named: NamedOffers,
  ) {
    const extensions = new Map(Object.entries(plans));
    this.#supplier = supplier;
    this.#upstream = supplier.name;
    this.#tools = listed(supplier, 'tools');
    this.#extensions = extensions;
    const names = this.#tools.map(([name]) => name);
    this.#kept = new Set(names.filter((name) => extensions.get(name)?.isReplaced !== true));
    this.#named = named;
  }

  offer(): void {
    for (const [name, item] of this.#tools) this.#offerTool(name, item);
    for (const [name, { children }] of this.#extensions) {
      this.#leaveOut(children, `its server lists no tool "${name}"`);
    }
  }

  #offerTool(name: string, item: JsonObject): void {
    const upstream = this.#upstream;
    const extension = this.#extensions.get(name);
    this.#extensions.delete(name);
    if (paramHeaders(item) === undefined) {
      this.#named.leaveOut(upstream, `tool "${name}"`, 'its x-mcp-header is not valid');
      this.#leaveOut(extension?.children ?? [], `its parent "${name}" is`);
      return;
    }
    const marks = isTaskOnly(this.#supplier, item) ? { isTaskOnly: true } : {};
    if (this.#kept.has(name)) {
      this.#named.add(upstream, 'tool', name, (shown) => ({
        ...offerOf('tools', upstream, item, shown),
        ...marks,
      }));
    }
    for (const child of extension?.children ?? [])
      this.#offerChild({ upstream, name, item, marks }, child);
  }

  #offerChild({ upstream, name, item, marks }: Parent, plan: ChildToolPlan): void {
    const tool = customTool(item, plan);
    if (tool instanceof SchemaFault) {
      this.#leaveOut([plan], tool.message);
    } else if (this.#kept.has(plan.name)) {
      this.#leaveOut([plan], 'its server has a tool of that name');
    } else {
      this.#named.add(upstream, 'custom tool', plan.name, (publicName) => {
        const shown = { ...tool.item, name: publicName };
        const { shape } = tool;
        const target = { kind: 'tool', upstream, name, publicName, item, shown, shape } as const;
        return { target, item: shown, ...marks };
      });
    }
  }

  #leaveOut(children: readonly ChildToolPlan[], why: string): void {
    for (const { name } of children)
      this.#named.leaveOut(this.#upstream, `custom tool "${name}"`, why);
  }
}
