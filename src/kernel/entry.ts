import type { Era } from './era.ts';
import type { Transport } from './arrival.ts';
import type { JsonObject } from './json.ts';
import type { Principal, Proof } from './principal.ts';
import type { ModelRef, Spending } from './spending.ts';
import type { TargetKind } from './target.ts';
import type { Trace } from './trace.ts';

/** How an exchange ended: `input-required` where a call goes on with a retry of the client (spec 2026-07-28, multi-round-trip requests). */
export type Outcome =
  | 'ok'
  | 'input-required'
  | 'tool-error'
  | 'error'
  | 'refused'
  | 'timed-out'
  | 'cancelled'
  | 'crashed';

/** The record of one exchange. Every exchange leaves exactly one. */
export interface Entry {
  /** Unique among all exchanges; joins log, audit and trace. */
  readonly id: string;
  /** Id of the exchange that began the call; on its retries alone (docs/rules.md R3). */
  readonly callId: string | undefined;
  readonly method: string;
  readonly era: Era;
  /** Undefined for what a server asks. */
  readonly transport: Transport | undefined;
  /** Protocol version of the request; undefined for what a server asks. */
  readonly version?: string | undefined;
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
  /** When the request arrived, in milliseconds since the epoch, with fractions. */
  readonly startedAt: number;
  /** Whole time inside the gateway and the upstream, in milliseconds. */
  readonly durationMs: number;
  readonly stages: Stages;
  /** Of `durationMs`, what was waited for the server behind; zero where it was not asked. */
  readonly upstreamMs: number;
  /** Size of the request's message; undefined where the transport does not tell. */
  readonly requestBytes: number | undefined;
  /** Characters of the result's JSON text; undefined where there is none. */
  readonly resultChars: number | undefined;
  /** What came back: the result, or the JSON text of one that was text already, such as a list. */
  readonly result: JsonObject | string | undefined;
  /** The model the agent says it runs. */
  readonly model: ModelRef | undefined;
  readonly trace: Trace | undefined;
  /** Limits that would have refused it in shadow mode, and those near their end. */
  readonly warnings: readonly string[];
  /** Message of an unexpected failure, for the log alone. */
  readonly failure: string | undefined;
}

/** When the stages of a call were through, in milliseconds after its arrival; undefined for those it did not reach. */
export interface Stages {
  /** Identified, and on its road. */
  readonly arrived: number;
  /** Its target is known. */
  readonly resolved: number | undefined;
  /** Policy has decided. */
  readonly decided: number | undefined;
  /** Arguments are checked and limits admit it. */
  readonly guarded: number | undefined;
  /** The server behind has answered, for the last time. */
  readonly answered: number | undefined;
}

/** An entry with what it used, where tokens are counted. */
export interface Recorded {
  readonly entry: Entry;
  readonly spending: Spending | undefined;
}

/** One place where exchanges are written to. Taking never waits and never throws. */
export interface Sink {
  take(recorded: Recorded): void;
}

/** What happened to the gateway itself: a configuration taken over, a key made or revoked, a session begun or ended. */
export interface GatewayEvent {
  /** Such as `config-changed`, `key-created`, `session-ended`. */
  readonly event: string;
  /** Who did it, as far as that is known: the key of a principal, or the name of an operating system user. */
  readonly by: string | undefined;
  readonly details: JsonObject;
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
