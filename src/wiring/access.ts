import { Identity } from '../identity/identity.ts';
import type { Credentials } from '../kernel/arrival.ts';
import type { Question } from '../kernel/exchange.ts';
import { namesCaller } from '../kernel/extensions.ts';
import type { JsonObject } from '../kernel/json.ts';
import type { Decision, Sight } from '../kernel/permit.ts';
import type { KeyRecord } from '../kernel/key-record.ts';
import type { Plan } from '../kernel/plan.ts';
import type { Principal } from '../kernel/principal.ts';
import { Refusal } from '../kernel/refusals.ts';
import type { Target } from '../kernel/target.ts';
import { Policy } from '../policy/policy.ts';
import type { LogPort } from '../record/log-sink.ts';
import { canShape } from '../spine/shaping.ts';
import { KeyTable } from '../store/key-table.ts';

/** What access control needs. */
export interface AccessTerms {
  readonly plan: Plan;
  /** The folder that outlives the process. */
  readonly dataDir: string;
  readonly log: Pick<LogPort, 'warn' | 'error'>;
  now(): number;
  /** Told when a named key is used that was not used before. */
  onKeyFirstUsed?(record: KeyRecord): void;
}

/** Who calls, and what each may: identity and policy under one plan. */
export class Access {
  readonly #terms: AccessTerms;
  readonly #keys: KeyTable;
  readonly #identity: Identity;
  readonly #ids = new WeakMap<Principal, number>();
  #lastId = 0;
  #plan: Plan;
  #policy: Policy;

  /** Opens the table of keys. Throws when the data folder cannot be used. */
  constructor(terms: AccessTerms) {
    this.#terms = terms;
    this.#plan = terms.plan;
    this.#keys = new KeyTable(terms.dataDir, {
      now: () => terms.now(),
      onError: (error) => terms.log.error({ error: String(error) }, 'keys cannot be used'),
      onFirstUse: (record) => terms.onKeyFirstUsed?.(record),
    });
    this.#identity = new Identity({
      now: () => terms.now(),
      keys: this.#keys,
      log: terms.log,
    });
    this.#policy = this.#take(terms.plan);
  }

  /** Takes a new plan: the next decision is by its rules. */
  apply(plan: Plan): void {
    this.#plan = plan;
    this.#policy = this.#take(plan);
  }

  /** Who presents these credentials. Throws or rejects with Refusal. */
  identify(credentials: Credentials): Principal | Promise<Principal> {
    return this.#identity.identify(credentials);
  }

  /** Whether what proved a caller still holds. */
  holds(principal: Principal): boolean {
    return this.#identity.holds(principal);
  }

  decide(principal: Principal, target: Target, args?: JsonObject, method?: string): Decision {
    return this.#policy.decide(principal, target, args, method);
  }

  /** The decision about what a server asks of a caller's client (docs/rules.md R7). */
  decideQuestion(
    principal: Principal,
    upstream: string,
    feature: string,
    { method, params }: Question,
  ): Decision {
    const target: Target = { kind: 'ask', upstream, name: feature, publicName: method };
    return this.#policy.decide(principal, target, params, method);
  }

  /** A custom tool that no call of a caller could fill is hidden from it (docs/rules.md R5). */
  sight(principal: Principal, target: Target): Sight {
    if (target.shape !== undefined && !canShape(target.shape, principal)) return 'hidden';
    return this.#policy.sight(principal, target);
  }

  reaches(principal: Principal, upstream: string): boolean {
    return this.#policy.reaches(principal, upstream);
  }

  /** Where a custom tool refers to its caller, callers with equal rights may still see different tools. */
  viewKey(principal: Principal): string {
    const key = this.#policy.viewKey(principal);
    if (!namesCaller(this.#plan.extensions)) return key;
    const id = this.#ids.get(principal) ?? (this.#lastId += 1);
    this.#ids.set(principal, id);
    return `${key} ${id}`;
  }

  viewUntil(principal: Principal): number | undefined {
    return this.#policy.viewUntil(principal);
  }

  /** Throws ADMIN_REFUSED unless a caller may read the admin API: with the shared key, by name, or where nobody must prove anything. */
  admitAdmin({ proof, consumer, groups, proven }: Principal): void {
    const { isOn, admins } = this.#plan.auth;
    if (!isOn || proof === 'shared-key' || proof === 'local') return;
    const isBound = consumer !== undefined && proven.isTagged !== true;
    if (isBound && admins.consumers.includes(consumer)) return;
    if (groups.some((group) => admins.groups.includes(group))) return;
    throw new Refusal('ADMIN_REFUSED');
  }

  close(): void {
    this.#keys.close();
  }

  #take(plan: Plan): Policy {
    this.#identity.apply(plan.auth, plan.access);
    return new Policy(plan.access, plan.auth, { now: () => this.#terms.now() });
  }
}
