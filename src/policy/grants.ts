import type { AccessPlan, GrantPlan } from '../kernel/access.ts';
import type { Caller } from './caller.ts';
import type { Subject } from './subject.ts';
import type { ToolGroup, ToolGroups } from './tool-group.ts';

/** One compiled entry of permissions. */
export interface Grant {
  readonly id: string;
  readonly base: 'allow' | 'block';
  readonly allow: readonly ToolGroup[];
  readonly block: readonly ToolGroup[];
}

/** An entry that holds for a caller, and why it does. */
export interface Applied {
  readonly grant: Grant;
  readonly because: string;
}

/** Entries that hold together: what any of them allows is allowed, what any of them blocks is blocked. */
export type GrantSet = readonly Applied[];

/**
 * What entries say of a target: a block that wins over everything, a block of the tool a custom tool was made from, leave, or
 * nothing, which a rule may turn into leave.
 */
export interface GrantVerdict {
  readonly stand: 'deny' | 'parent' | 'allow' | 'silent';
  /** Id of the entry that says so. */
  readonly id: string;
  /** Group because of which it says so; undefined where it is what holds for all that no group names. */
  readonly group: string | undefined;
  /** Whether a custom tool is allowed by its own name. */
  readonly isByName: boolean;
}

/** The entries of permissions, ready to be looked up. */
export class Grants {
  readonly #consumers = new Map<string, Grant>();
  readonly #memberOf = new Map<string, string>();
  readonly #clients = new Map<string, Grant>();
  readonly #default: Grant;
  readonly #isAuthOn: boolean;

  constructor(access: AccessPlan, groups: ToolGroups, isAuthOn: boolean) {
    for (const [name, { grant, memberOf }] of Object.entries(access.consumers)) {
      if (grant !== undefined) this.#consumers.set(name, compiled(grant, groups));
      if (memberOf !== undefined) this.#memberOf.set(name, memberOf);
    }
    for (const [name, grant] of Object.entries(access.clientNames))
      this.#clients.set(name, compiled(grant, groups));
    this.#default = compiled(access.default, groups);
    this.#isAuthOn = isAuthOn;
  }

  /** The group a consumer is a member of. */
  memberOf(consumer: string | undefined): string | undefined {
    return consumer === undefined ? undefined : this.#memberOf.get(consumer);
  }

  /** The sets of entries that hold for a caller: a target needs leave from each. */
  setsFor(caller: Caller): readonly GrantSet[] {
    const own = this.#ownSet(caller);
    if (own.length > 0) return [own];
    const { client } = caller;
    const because = 'no entry is for its consumer, its groups or its client';
    const fallback = [{ grant: this.#default, because }];
    const claimed = client === undefined ? undefined : this.#clients.get(client);
    if (claimed === undefined) return [fallback];
    const named = [{ grant: claimed, because: `its client calls itself ${String(client)}` }];
    if (!this.#isAuthOn) return [named];
    // What a client calls itself proves nothing: it may take rights away and give none (docs/rules.md R20).
    const narrowed =
      'no entry is for its consumer or its groups, and its client may only narrow it';
    return [[{ grant: this.#default, because: narrowed }], named];
  }

  #ownSet({ consumer, memberOf, groups }: Caller): GrantSet {
    const reasons = new Map<string, string>();
    if (consumer !== undefined) reasons.set(consumer, `the caller is the consumer ${consumer}`);
    for (const group of groups) {
      const because =
        group === memberOf
          ? `the consumer ${String(consumer)} is a member of ${group}`
          : `its token names the group ${group}`;
      if (!reasons.has(group)) reasons.set(group, because);
    }
    return [...reasons].flatMap(([name, because]) => {
      const grant = this.#consumers.get(name);
      return grant === undefined ? [] : [{ grant, because }];
    });
  }
}

/** What sets of entries say of a target together: the strictest of them decides. */
export function judgeGrants(
  sets: readonly GrantSet[],
  subject: Subject,
  parent: Subject | undefined,
): GrantVerdict {
  let strictest: GrantVerdict | undefined;
  let isByName = false;
  for (const [index, set] of sets.entries()) {
    const verdict = judgeSet(set, subject, parent);
    // The first set is what the caller has been given; what comes after it narrows, and its names give nothing.
    if (index === 0) ({ isByName } = verdict);
    if (strictest === undefined || STRICTNESS[verdict.stand] <= STRICTNESS[strictest.stand])
      strictest = verdict;
  }
  if (strictest === undefined) throw new Error('A caller has no entry of permissions.');
  return { ...strictest, isByName };
}

const STRICTNESS = { deny: 0, parent: 1, silent: 2, allow: 3 } as const;

function judgeSet(set: GrantSet, subject: Subject, parent: Subject | undefined): GrantVerdict {
  const blocked = holding(set, 'block', subject);
  if (blocked !== undefined) return { stand: 'deny', ...blocked, isByName: false };
  const allowed = holding(set, 'allow', subject);
  const named = parent !== undefined && allowed?.how === 'name';
  const parental = parent === undefined ? undefined : holding(set, 'block', parent);
  if (parental !== undefined && !named) return { stand: 'parent', ...parental, isByName: false };
  if (allowed !== undefined) return { stand: 'allow', ...allowed, isByName: named };
  return { ...baseOf(set), group: undefined, isByName: false };
}

/** Whether entries let a caller reach a server at all: never what is blocked as a whole. */
export function reachOfGrants(sets: readonly GrantSet[], server: string): GrantVerdict {
  let strictest: GrantVerdict | undefined;
  for (const set of sets) {
    const verdict = reachOfSet(set, server);
    if (strictest === undefined || STRICTNESS[verdict.stand] <= STRICTNESS[strictest.stand])
      strictest = verdict;
  }
  if (strictest === undefined) throw new Error('A caller has no entry of permissions.');
  return strictest;
}

function reachOfSet(set: GrantSet, server: string): GrantVerdict {
  const isByName = false;
  for (const { grant } of set) {
    const group = grant.block.find((each) => each.hasAll(server))?.name;
    if (group !== undefined) return { stand: 'deny', id: grant.id, group, isByName };
  }
  const base = baseOf(set);
  if (base.stand === 'allow') return { ...base, group: undefined, isByName };
  for (const { grant } of set) {
    const group = grant.allow.find((each) => each.hasAny(server))?.name;
    if (group !== undefined) return { stand: 'allow', id: grant.id, group, isByName };
  }
  return { ...base, group: undefined, isByName };
}

interface Holding {
  readonly id: string;
  readonly group: string;
  readonly how: 'all' | 'name';
}

/** The first entry with a group that has the target, one that has its name before one that has its whole server. */
function holding(set: GrantSet, side: 'allow' | 'block', subject: Subject): Holding | undefined {
  const sense = side === 'block' ? 'deny' : 'allow';
  let found: Holding | undefined;
  for (const { grant } of set) {
    for (const group of grant[side]) {
      const how = group.holds(subject, sense);
      if (how === 'name') return { id: grant.id, group: group.name, how };
      if (how === 'all') found ??= { id: grant.id, group: group.name, how };
    }
  }
  return found;
}

/** What holds for all that no group names: nothing, if any of the entries says so. */
function baseOf(set: GrantSet): { stand: 'allow' | 'silent'; id: string } {
  const strict = set.find(({ grant }) => grant.base === 'block');
  const id = (strict ?? set[0])?.grant.id ?? '';
  return { stand: strict === undefined ? 'allow' : 'silent', id };
}

function compiled({ id, base, allow, block }: GrantPlan, groups: ToolGroups): Grant {
  const known = (names: readonly string[]): readonly ToolGroup[] =>
    names.flatMap((name) => groups.get(name) ?? []);
  return { id, base, allow: known(allow), block: known(block) };
}
