import type { Proven } from '../kernel/principal.ts';
import type { Refusal } from '../kernel/refusals.ts';

/** A credential found good. */
export interface Verified {
  /** What it proves by itself: no tag of the caller in it, no endpoint. */
  readonly proven: Proven;
  /** What it rests on: the id of the key, the shared key's fingerprint, the issuer's entry. */
  readonly ground: string;
}

/** A credential found wanting. */
export interface Fault {
  readonly refusal: Refusal;
  /** Whether somebody may be trying credentials; false for what was good once, or cannot be judged now. */
  readonly isGuess: boolean;
}

/** What came of verifying a credential. */
export type Verdict = Verified | Fault;
