import type { RulePlan } from '../kernel/access.ts';
import { Pattern, TargetGlob } from '../kernel/glob.ts';
import { Fuel } from './cel/fuel.ts';
import { equal } from './cel/operators.ts';
import type { Caller } from './caller.ts';
import { Condition } from './condition.ts';
import type { Sense, Subject } from './subject.ts';
import type { ToolGroup, ToolGroups } from './tool-group.ts';

/** Which selector of a rule does not hold for a caller; `claimed`: it believes a client's own name and may not. */
export type CallerGap = 'claimed' | 'consumers' | 'groups' | 'clients' | 'scopes';

/** Which selector of a rule does not hold for a target. */
export type TargetGap = 'servers' | 'annotations' | 'names';

/** One compiled rule. */
export class Rule {
  readonly plan: RulePlan;
  readonly isDeny: boolean;
  readonly isShadow: boolean;
  readonly condition: Condition | undefined;
  readonly #isClaimed: boolean;
  readonly #servers: readonly Pattern[] | undefined;
  readonly #tools: readonly TargetGlob[];
  readonly #prompts: readonly TargetGlob[];
  readonly #resources: readonly TargetGlob[];
  readonly #groups: readonly ToolGroup[];
  readonly #hasNames: boolean;

  constructor(plan: RulePlan, groups: ToolGroups, isAuthOn: boolean) {
    const { tools, prompts, resources, asks, toolGroups, when } = plan;
    this.plan = plan;
    this.isDeny = plan.effect === 'deny';
    this.isShadow = plan.mode === 'shadow';
    this.condition = when === undefined ? undefined : Condition.orFailing(when);
    const isClaimed = plan.clients !== undefined || this.condition?.uses('client') === true;
    this.#isClaimed = isAuthOn && !this.isDeny && isClaimed;
    this.#servers = plan.servers?.map((text) => new Pattern(text.toLowerCase()));
    this.#tools = globs(tools);
    this.#prompts = globs(prompts);
    this.#resources = globs(resources);
    this.#groups = (toolGroups ?? []).flatMap((name) => groups.get(name) ?? []);
    this.#hasNames = [tools, prompts, resources, asks, toolGroups].some(
      (each) => each !== undefined,
    );
  }

  get id(): string {
    return this.plan.id;
  }

  /** The first selector that does not hold for a caller; `scopes` only where scopes are all that is missing. */
  callerGap(caller: Caller): CallerGap | undefined {
    const { consumers, groups, clients, scopes } = this.plan;
    if (this.#isClaimed) return 'claimed';
    if (consumers !== undefined && !isConsumer(caller, consumers)) return 'consumers';
    if (groups !== undefined && !groups.some((each) => caller.groups.includes(each)))
      return 'groups';
    if (clients !== undefined && !clients.some((each) => each === caller.client)) return 'clients';
    const lacks = scopes?.some((each) => caller.scopes?.includes(each) !== true);
    return lacks === true ? 'scopes' : undefined;
  }

  /** The first selector that does not hold for a target. */
  targetGap(subject: Subject, sense: Sense): TargetGap | undefined {
    if (!this.#isForServer(subject.server)) return 'servers';
    if (subject.kind === 'extension') return this.#wholeGap(subject.server, sense);
    if (!this.#isAnnotated(subject)) return 'annotations';
    return this.#hasNames && !this.#names(subject, sense) ? 'names' : undefined;
  }

  /** Whether it writes out a tool's own name. */
  namesExactly({ kind, server, name }: Subject): boolean {
    return (
      kind === 'tool' &&
      this.#tools.some((glob) => glob.isExactName && glob.covers(server) && glob.names(name))
    );
  }

  /** Whether it selects all that a server, given in lower case, has. */
  coversAll(server: string): boolean {
    return this.#isForServer(server) && !this.#hasNames && this.plan.annotations === undefined;
  }

  /** Whether it could select anything to be called at a server, given in lower case. */
  reaches(server: string): boolean {
    if (!this.#isForServer(server)) return false;
    const named = [...this.#tools, ...this.#prompts, ...this.#resources];
    return (
      !this.#hasNames ||
      named.some((glob) => glob.covers(server)) ||
      this.#groups.some((group) => group.hasAny(server))
    );
  }

  /** An extension is of its server as a whole: allowed with all of it, denied with any part of it. */
  #wholeGap(server: string, sense: Sense): TargetGap | undefined {
    if (sense === 'deny') return this.reaches(server) ? undefined : 'names';
    if (this.plan.annotations !== undefined) return 'annotations';
    const isWhole = !this.#hasNames || this.#groups.some((group) => group.hasAll(server));
    return isWhole ? undefined : 'names';
  }

  #isForServer(server: string): boolean {
    return this.#servers?.some((each) => each.matches(server)) ?? true;
  }

  /** Only tools have annotations to select by. */
  #isAnnotated({ kind, annotations }: Subject): boolean {
    const wanted = this.plan.annotations;
    if (wanted === undefined) return true;
    return (
      kind === 'tool' &&
      Object.entries(wanted).every(([key, value]) => {
        const given = Object.hasOwn(annotations, key) ? annotations[key] : undefined;
        return given !== undefined && equal(given, value, new Fuel());
      })
    );
  }

  #names(subject: Subject, sense: Sense): boolean {
    const { kind, name } = subject;
    if (kind === 'task' || kind === 'extension') return false;
    if (kind === 'ask')
      return this.plan.asks?.some((each) => each === '*' || each === name) ?? false;
    if (this.#groups.some((group) => group.holds(subject, sense) !== undefined)) return true;
    if (kind === 'tool') return isNamed(subject, this.#tools);
    if (kind === 'prompt') return isNamed(subject, this.#prompts);
    return this.#resources.some((glob) => isUriNamed(subject, sense, glob));
  }
}

function globs(texts: readonly string[] | undefined): readonly TargetGlob[] {
  return (texts ?? []).map((text) => new TargetGlob(text));
}

function isConsumer({ consumer, memberOf }: Caller, names: readonly string[]): boolean {
  if (consumer === undefined) return false;
  return names.some((each) => each === '*' || each === consumer || each === memberOf);
}

function isNamed({ server, name }: Subject, globs: readonly TargetGlob[]): boolean {
  return globs.some((glob) => glob.covers(server) && glob.names(name));
}

function isUriNamed(subject: Subject, sense: Sense, glob: TargetGlob): boolean {
  const { server, via, isPlain, allowForms, denyForms } = subject;
  if (!glob.covers(server)) return false;
  // A pattern is about URIs, and only by chance fits the text of a template: its variables are named by the server.
  const isByTemplate = glob.isExactName && via.some((each) => glob.names(each));
  if (sense === 'deny') return isByTemplate || denyForms.some((form) => glob.names(form));
  return (isByTemplate && isPlain) || allowForms.every((form) => glob.names(form));
}
