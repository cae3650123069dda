import { ArgumentsGuard } from '../guard/arguments.ts';
import { supposed, type Supposition } from '../identity/supposed.ts';
import type { Inventory } from '../kernel/inventory.ts';
import { isObject, type JsonObject } from '../kernel/json.ts';
import type { Sight } from '../kernel/permit.ts';
import type { Plan } from '../kernel/plan.ts';
import type { Principal } from '../kernel/principal.ts';
import type { Target } from '../kernel/target.ts';
import type { Explanation } from '../policy/explanation.ts';
import type { Foresight } from '../policy/foresight.ts';
import { Policy, type Recorded } from '../policy/policy.ts';
import { canShape, shapedArguments } from '../spine/shaping.ts';
import { redact } from '../record/redact.ts';
import { remembered } from '../store/remembered.ts';
import { clock } from './clock.ts';
import { OfflineCatalog } from './offline-catalog.ts';
import { parseRecord } from './sealed.ts';

/** What a desk works on. */
export interface DeskTerms {
  readonly plan: Plan;
  /** The folder in which a gateway remembers what servers offer. */
  readonly dataDir: string;
  /** The plan in force: a server of the other plan that was not seen yet offers what that of the same name does. */
  readonly inForce?: Plan | undefined;
}

/** Decides without a gateway, by the same policy and the catalog that a gateway remembers. */
export class Desk {
  readonly plan: Plan;
  readonly catalog: OfflineCatalog;
  /** Why what servers offer cannot be read, where there is something that should be. */
  readonly fault: string | undefined;
  readonly #policy: Policy;
  #at: number | undefined;

  constructor({ plan, dataDir, inForce }: DeskTerms) {
    const { inventories, fault } = recall(dataDir, plan, inForce ?? plan);
    this.plan = plan;
    this.fault = fault;
    this.catalog = new OfflineCatalog(plan, inventories);
    this.#policy = new Policy(plan.access, plan.auth, { now: () => this.now() });
  }

  /** The moment at which is judged, in milliseconds since the epoch. */
  now(): number {
    return this.#at ?? clock();
  }

  /** Judges from now on as of a moment; as of the present when undefined. */
  setMoment(at: number | undefined): void {
    this.#at = at;
  }

  /** A caller of whom this is supposed. Throws the Refusal that a token with such claims would meet. */
  caller(given: Supposition): Principal {
    return supposed(given, this.plan.auth);
  }

  /** Arguments as the server of a target would get them. Throws the Refusal where the caller lacks what a custom tool needs. */
  judged(principal: Principal, target: Target, args?: JsonObject): JsonObject | undefined {
    if (target.kind === 'resource') return { uri: target.name };
    const { shape } = target;
    return shape === undefined ? args : shapedArguments(args, shape, principal);
  }

  /** Whether a list shows a target to a caller (docs/rules.md R5). */
  sight(principal: Principal, target: Target): Sight {
    if (target.shape !== undefined && !canShape(target.shape, principal)) return 'hidden';
    return this.#policy.sight(principal, target);
  }

  /** What is wrong with the arguments a caller sends, where that is for the gateway to check (docs/rules.md R21). */
  async argumentFault(target: Target, args: JsonObject): Promise<string | undefined> {
    const isChecked = target.shape !== undefined || this.plan.validatesArguments;
    if (target.kind !== 'tool' || !isChecked) return undefined;
    return new ArgumentsGuard().check(target, args);
  }

  /** The decision about a call with these arguments, as its server would get them, and how it comes about. */
  explain(principal: Principal, target: Target, args?: JsonObject): Explanation {
    return this.#policy.explain(principal, target, args);
  }

  /** Arguments as they may be shown: custom tools fix some to secrets. */
  withoutSecrets(args: JsonObject): JsonObject {
    return redact(args).value;
  }

  /** The decision about a recorded call, where it can be told. */
  foresee(principal: Principal, target: Target, recorded: Recorded): Foresight {
    return this.#policy.foresee(principal, target, recorded);
  }
}

interface Recalled {
  readonly inventories: ReadonlyMap<string, Inventory>;
  readonly fault: string | undefined;
}

/** What each server of a plan offered when it was last seen. */
function recall(dataDir: string, plan: Plan, inForce: Plan): Recalled {
  const alike = new Map(
    inForce.servers.map((server) => [server.name.toLowerCase(), server.fingerprint] as const),
  );
  const places = plan.servers.map(({ name, fingerprint }) => ({
    name,
    fingerprints: [fingerprint, alike.get(name.toLowerCase()) ?? fingerprint],
  }));
  const inventories = new Map<string, Inventory>();
  try {
    const keys = places.flatMap(({ fingerprints }) => fingerprints);
    const texts = remembered(dataDir, 'inventory', keys);
    for (const { name, fingerprints } of places) {
      const text = fingerprints.map((each) => texts.get(each)).find((each) => each !== undefined);
      const inventory = parseRecord(text);
      if (isObject(inventory?.['lists'])) inventories.set(name, inventory as unknown as Inventory);
    }
    return { inventories, fault: undefined };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { inventories: new Map(), fault: why };
  }
}
