import type { Target } from '../../kernel/target.ts';
import type { Limit } from './limit.ts';
import type { Meter } from './meter.ts';
import type { Moment } from './ports.ts';
import type { LimitedCaller } from './selection.ts';

/** The limits that are for one caller, and what they count for each target. */
export class Standing {
  readonly #caller: LimitedCaller;
  readonly #limits: readonly Limit[];
  readonly #byTarget = new WeakMap<Target, Applied>();
  readonly #byServer = new Map<string, Applied>();

  constructor(caller: LimitedCaller, limits: readonly Limit[]) {
    this.#caller = caller;
    this.#limits = limits.filter(({ selection }) => selection.isForCaller(caller));
  }

  /** What applies to a target, found out once. */
  to(target: Target): Applied {
    // Tools are objects of the catalog; what resources and tasks are called does not matter here.
    if (target.kind === 'tool') {
      const present = this.#byTarget.get(target) ?? this.#find(target);
      this.#byTarget.set(target, present);
      return present;
    }
    const key = `${target.kind} ${target.upstream}`;
    const present = this.#byServer.get(key) ?? this.#find(target);
    this.#byServer.set(key, present);
    return present;
  }

  #find(target: Target): Applied {
    const limits = this.#limits.filter(({ selection }) => selection.isForTarget(target));
    return new Applied(
      limits.map((limit) => new Use(limit, limit.selection.keyOf(this.#caller.principal, target))),
    );
  }
}

/** A limit with the key of the count it keeps for one caller and target. */
export class Use {
  readonly limit: Limit;
  readonly #key: string;
  #meter: Meter | undefined;

  constructor(limit: Limit, key: string) {
    this.limit = limit;
    this.#key = key;
  }

  meter(moment: Moment): Meter {
    if (this.#meter !== undefined && !this.#meter.isGone) return this.#meter;
    const meter = this.limit.meters.of(this.#key, moment);
    // One that is shared for lack of room is asked for anew each time.
    this.#meter = meter.key === this.#key ? meter : undefined;
    return meter;
  }
}

/** A longest size of results. */
export interface SizeLimit {
  readonly limit: Limit;
  readonly maxBytes: number;
}

/** The limits that are for one caller and target. */
export class Applied {
  readonly uses: readonly Use[];
  /** The smallest of the longest sizes that are enforced. */
  readonly size: SizeLimit | undefined;
  /** Longest sizes in shadow mode. */
  readonly shadowSizes: readonly SizeLimit[];

  constructor(uses: readonly Use[]) {
    const sizes = uses.flatMap(({ limit }) => {
      const { maxResultBytes: maxBytes } = limit.plan;
      return maxBytes === undefined ? [] : [{ limit, maxBytes }];
    });
    this.uses = uses;
    this.size = sizes
      .filter(({ limit }) => !limit.isShadow)
      .toSorted((one, other) => one.maxBytes - other.maxBytes)[0];
    this.shadowSizes = sizes.filter(({ limit }) => limit.isShadow);
  }
}
