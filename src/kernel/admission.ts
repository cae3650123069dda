import type { JsonObject } from './json.ts';
import type { Principal } from './principal.ts';
import type { Target } from './target.ts';

/** A permitted call, as limits see it. */
export interface LimitedCall {
  /** Id of its exchange. */
  readonly id: string;
  readonly principal: Principal;
  readonly target: Target;
  readonly method: string;
  /** Whether it goes on with a call that was counted before (spec 2026-07-28, MRTR). */
  readonly isRetry: boolean;
  /** Id of the exchange that began the call, where a state that this gateway sealed says so. */
  readonly callId?: string | undefined;
}

/** Leave to make one call now. */
export interface Admission {
  /** `shadow <limit>` that would have refused it, `near <limit>` that is nearly used up. */
  readonly warnings: readonly string[];
  /** Longest result, in bytes of its JSON text. */
  readonly maxResultBytes: number | undefined;
  /** Id of the limit that says so. */
  readonly maxResultLimit?: string | undefined;
  /**
   * Judges the size of the result by what `fits` says of each longest size. Throws RESULT_TOO_LARGE with the limit's id; one in
   * shadow mode becomes a warning.
   */
  checkResult(fits: (maxBytes: number) => boolean): void;
  /**
   * The answer asks for more: one retry of this call is not counted again (docs/rules.md R3). It is named where the answer has a
   * state, by which the retry is known; else any retry of the same target is taken for it.
   */
  expectRetry(isNamed?: boolean): void;
  /** Frees what a call in flight holds; later calls do nothing. */
  release(): void;
  /** What is left, for the caller to see; undefined where that is not shown. */
  state(): JsonObject | undefined;
}
