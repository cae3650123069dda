import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { Limits } from '../../../../src/guard/limits/limits.ts';
import type { AccessPlan } from '../../../../src/kernel/access.ts';
import type { Admission, LimitedCall } from '../../../../src/kernel/admission.ts';
import type { Entry } from '../../../../src/kernel/entry.ts';
import type { LimitPlan } from '../../../../src/kernel/limits-plan.ts';
import { Principal, type Proven } from '../../../../src/kernel/principal.ts';
import { Refusal } from '../../../../src/kernel/refusals.ts';
import type { Target, TargetKind } from '../../../../src/kernel/target.ts';
import { BudgetTable } from '../../../../src/store/budget-table.ts';

/** Noon of a Wednesday. */
export const NOON = Date.UTC(2026, 10, 4, 12);

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** A limit of that name; what is not given selects everything and bounds nothing. */
export function limit(id: string, fields: Partial<LimitPlan> = {}): LimitPlan {
  return {
    id,
    mode: 'enforce',
    consumers: undefined,
    groups: undefined,
    clients: undefined,
    servers: undefined,
    tools: undefined,
    per: [],
    rate: undefined,
    concurrency: undefined,
    budget: undefined,
    maxResultBytes: undefined,
    warnAt: 0.8,
    ...fields,
  };
}

/** A budget by the day, where nothing else is said. */
export function budget(
  fields: Partial<NonNullable<LimitPlan['budget']>>,
): NonNullable<LimitPlan['budget']> {
  return { window: 'day', calls: undefined, tokens: undefined, cost: undefined, ...fields };
}

/** A caller with a key of its own. */
export function caller(consumer: string, fields: Partial<Proven> = {}): Principal {
  return Principal.prove({
    credential: `key:${consumer}`,
    proof: 'api-key',
    consumer,
    ...fields,
  });
}

/** Something of a server, such as `files/read`. */
export function target(path: string, kind: TargetKind = 'tool'): Target {
  const slash = path.indexOf('/');
  const [upstream, name] = [path.slice(0, slash), path.slice(slash + 1)];
  return { kind, upstream, name, publicName: `${upstream}__${name}` };
}

const READ = target('files/read');

/** A folder that is gone with the test. */
export function folderFor(t: Pick<TestContext, 'after'>): string {
  const folder = mkdtempSync(join(tmpdir(), 'mcpx-limits-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Limits with clocks of their own, and the real store. */
export class LimitScene {
  now = NOON;
  monotonic = 5_000;
  readonly warnings: { readonly fields: object; readonly message: string }[] = [];
  readonly limits: Limits;
  readonly folder: string;
  readonly #consumers: AccessPlan['consumers'];
  #last = 0;

  /** `syncMs` is so long that nothing is exchanged with the store by itself, where it is not given. */
  constructor(t: Pick<TestContext, 'after'>, plans: readonly LimitPlan[], terms: SceneTerms = {}) {
    const folder = terms.folder ?? folderFor(t);
    this.folder = folder;
    this.now = terms.now ?? NOON;
    this.#consumers = terms.consumers ?? {};
    this.limits = new Limits({
      now: () => this.now,
      monotonic: () => this.monotonic,
      openStore: () => new BudgetTable(folder),
      log: { warn: (fields, message) => this.warnings.push({ fields, message }) },
      syncMs: terms.syncMs ?? DAY,
    });
    t.after(() => this.limits.close());
    this.apply(plans, terms.showsState);
  }

  apply(plans: readonly LimitPlan[], showsState = true): void {
    this.limits.apply({ showsState, limits: plans }, this.#consumers);
  }

  /** Lets both clocks go on. */
  pass(ms: number): void {
    this.now += ms;
    this.monotonic += ms;
  }

  /** What comes of a call: its admission, or the refusal. */
  call(principal: Principal, fields: Partial<LimitedCall> = {}): Admission | Refusal | undefined {
    this.#last += 1;
    const usual = { id: `x-${this.#last}`, target: READ, method: 'tools/call', isRetry: false };
    try {
      return this.limits.admit({ principal, ...usual, ...fields });
    } catch (error) {
      if (error instanceof Refusal) return error;
      throw error;
    }
  }

  /** A call that ends at once: undefined where it was let through, else the limit that refused it. */
  once(principal: Principal, fields: Partial<LimitedCall> = {}): string | undefined {
    const came = this.call(principal, fields);
    if (came instanceof Refusal) return String(came.data?.['limit']);
    came?.release();
    return undefined;
  }

  /** How many calls in a row are let through, at most so many. */
  run(principal: Principal, most: number, fields: Partial<LimitedCall> = {}): number {
    for (let made = 0; made < most; made += 1)
      if (this.once(principal, fields) !== undefined) return made;
    return most;
  }

  /** Tells what an exchange used. */
  settle(id: string, used: { readonly tokens?: number; readonly cost?: number }): void {
    const { tokens = 0, cost } = used;
    this.limits.take({
      // Nothing but the id joins a record and its call.
      entry: { id } as Entry,
      spending: {
        tokens: { arguments: Math.floor(tokens / 2), result: Math.ceil(tokens / 2), ...EXACT },
        cost,
      },
    });
  }
}

const EXACT = { isEstimate: false, encoding: 'o200k_base' };

/** What a scene may be told. */
export interface SceneTerms {
  readonly folder?: string;
  readonly now?: number;
  readonly consumers?: AccessPlan['consumers'];
  readonly syncMs?: number;
  readonly showsState?: boolean;
}
