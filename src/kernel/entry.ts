import type { Era } from './era.ts';
import type { Transport } from './arrival.ts';
import type { JsonObject } from './json.ts';
import type { Principal, Proof } from './principal.ts';
import type { TargetKind } from './target.ts';

/** How an exchange ended. */
export type Outcome = 'ok' | 'tool-error' | 'error' | 'refused' | 'cancelled' | 'crashed';

/** The record of one exchange. Every exchange leaves exactly one. */
export interface Entry {
  readonly method: string;
  readonly era: Era;
  /** Undefined for what a server asks. */
  readonly transport: Transport | undefined;
  /** Key of the caller. */
  readonly principal: string | undefined;
  readonly caller: Caller | undefined;
  readonly client: string | undefined;
  /** Key of the session or of the exchange; never the id that a client sends. */
  readonly session: string | undefined;
  readonly upstream: string | undefined;
  readonly kind: TargetKind | undefined;
  /** The upstream's own name of the target, never one only the client sent; of a resource its URI. */
  readonly target: string | undefined;
  /** The name policy knows it by, where that is another one: that of a custom tool. */
  readonly custom: string | undefined;
  /** Arguments of a call as the caller sent them; for sinks that were told to keep them. */
  readonly args: JsonObject | undefined;
  /** Arguments that policy judged, where they are not those the caller sent. */
  readonly judgedArgs: JsonObject | undefined;
  readonly outcome: Outcome;
  /** Refusal code or JSON-RPC error code, undefined when none. */
  readonly code: string | undefined;
  readonly rule: string | undefined;
  /** Rules in shadow mode that would have decided otherwise. */
  readonly shadows: readonly string[];
  /** Whole time inside the gateway and the upstream, in milliseconds. */
  readonly durationMs: number;
  /** Message of an unexpected failure, for the log alone. */
  readonly failure: string | undefined;
}

/** Who called, as far as a decision can depend on it. */
export interface Caller {
  readonly proof: Proof;
  readonly name: string;
  readonly consumer: string | undefined;
  readonly groups: readonly string[];
  readonly scopes: readonly string[] | undefined;
  readonly endpoint: string | undefined;
}

/** Requests that were refused before they were on any road, counted by caller, reason and minute (docs/rules.md R22). */
export interface TurnedAway {
  /** Refusal code. */
  readonly code: string;
  readonly address: string | undefined;
  /** Key of the caller; undefined where nobody knows who it was. */
  readonly principal?: string | undefined;
  readonly count: number;
  /** Milliseconds since the epoch. */
  readonly firstAt: number;
  readonly lastAt: number;
}

/** What of a caller a decision can depend on. */
export function callerOf(principal: Principal): Caller {
  const { proof, name, consumer, groups, scopes, endpoint } = principal;
  return { proof, name, consumer, groups, scopes, endpoint };
}
