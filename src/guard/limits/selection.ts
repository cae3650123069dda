import { Pattern, TargetGlob } from '../../kernel/glob.ts';
import type { LimitKey, LimitPlan } from '../../kernel/limits-plan.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Target } from '../../kernel/target.ts';

/** Who calls, as limits see it. */
export interface LimitedCaller {
  readonly principal: Principal;
  /** The group its consumer is a member of. */
  readonly memberOf: string | undefined;
}

const MAX_PART_CHARS = 200;

/** Which calls a limit is for, and whose count each of them is. */
export class Selection {
  readonly #plan: LimitPlan;
  readonly #servers: readonly Pattern[] | undefined;
  readonly #tools: readonly TargetGlob[] | undefined;

  constructor(plan: LimitPlan) {
    this.#plan = plan;
    this.#servers = plan.servers?.map((text) => new Pattern(text.toLowerCase()));
    this.#tools = plan.tools?.map((text) => new TargetGlob(text));
  }

  isForCaller({ principal, memberOf }: LimitedCaller): boolean {
    const { consumers, groups, clients } = this.#plan;
    const { consumer, client } = principal;
    if (consumers !== undefined && !isConsumer(consumers, consumer, memberOf)) return false;
    if (groups?.some((each) => each === memberOf || principal.groups.includes(each)) === false)
      return false;
    return clients === undefined || (client !== undefined && clients.includes(client));
  }

  /** A limit for a tool is for the tools made from it, too. */
  isForTarget({ kind, upstream, name, shape }: Target): boolean {
    const server = upstream.toLowerCase();
    if (this.#servers?.some((each) => each.matches(server)) === false) return false;
    if (this.#tools === undefined) return true;
    return (
      kind === 'tool' &&
      this.#tools.some(
        (glob) =>
          glob.covers(server) &&
          (glob.names(name) || (shape !== undefined && glob.names(shape.name))),
      )
    );
  }

  /** The key of a call's count: the same text exactly for calls that are counted together. */
  keyOf(principal: Principal, target: Target): string {
    const { per } = this.#plan;
    return JSON.stringify(
      per.map((part) => PARTS[part](principal, target).slice(0, MAX_PART_CHARS)),
    );
  }

  /** A text that is the same exactly for limits that count the same. */
  get meaning(): string {
    const { id, consumers, groups, clients, servers, tools, per, budget } = this.#plan;
    const selectors = [consumers, groups, clients, servers, tools];
    const sorted = selectors.map((each) => each?.toSorted() ?? null);
    return JSON.stringify([id, ...sorted, per, budget?.window ?? null]);
  }
}

/** What a key stands for, by what it was made of. */
export function partsOf(
  key: string,
  per: readonly LimitKey[],
): Readonly<Partial<Record<LimitKey, string>>> {
  const values = JSON.parse(key) as readonly string[];
  return Object.fromEntries(per.map((part, index) => [part, values[index] ?? '']));
}

type Part = (principal: Principal, target: Target) => string;

const PARTS: Readonly<Record<LimitKey, Part>> = {
  caller: ({ credential }) => credential,
  consumer: ({ consumer = '' }) => consumer,
  client: ({ client = '' }) => client,
  server: (_, { upstream }) => upstream,
  // Names of resources are whatever a caller asks for; a custom tool is another way to call its parent.
  tool: (_, { kind, upstream, name }) =>
    kind === 'tool' ? `${upstream}/${name}` : `${upstream} (${kind}s)`,
};

function isConsumer(
  names: readonly string[],
  consumer: string | undefined,
  memberOf: string | undefined,
): boolean {
  if (consumer === undefined) return false;
  return names.some((each) => each === '*' || each === consumer || each === memberOf);
}
