import type { Era } from './era.ts';
import type { JsonObject } from './json.ts';
import type { ListKind } from './methods.ts';

/** What one upstream says of itself when a link to it opens. */
export interface ServerFacts {
  readonly era: Era;
  /** Negotiated protocol version. */
  readonly version: string;
  readonly capabilities: JsonObject;
  readonly instructions: string | undefined;
  readonly serverInfo: JsonObject;
}

/** All that one upstream offers, every page of every list, items as they came. */
export interface Inventory {
  readonly facts: ServerFacts;
  readonly lists: Readonly<Record<ListKind, readonly JsonObject[]>>;
  /** How long the lists may be kept, in milliseconds; undefined where the server does not say (spec 2026-07-28, caching). */
  readonly ttlMs?: number;
  /** Whether the server called its lists private to the caller. */
  readonly isPrivate?: boolean;
}

/** The state of one upstream, as an operator sees it. */
export type UpstreamPhase =
  | 'starting'
  | 'ready'
  | 'degraded'
  | 'pending-input'
  | 'pending-auth'
  | 'failed'
  | 'stopped';

/** Whether calls go to a server: all, none for now, or one to try it. */
export type BreakerPhase = 'closed' | 'open' | 'half-open';

/** State of one upstream: since when, and why, with what to do where something is to be done. */
export interface UpstreamState {
  readonly name: string;
  readonly phase: UpstreamPhase;
  readonly reason: string | undefined;
  /** ISO 8601. */
  readonly since: string;
  readonly era: Era | undefined;
  /** When its era was found out or confirmed, ISO 8601; undefined while it is not known. */
  readonly eraSince?: string | undefined;
  /** Negotiated protocol version, while there is a link. */
  readonly version: string | undefined;
  readonly transport: string;
  readonly isInteractive: boolean;
  readonly instances: number;
  readonly restarts: number;
  /** Clients' calls that wait for its answer. */
  readonly inFlight: number;
  /** Calls that wait for a place at it, or for one of its instances. */
  readonly queued: number;
  readonly breaker: BreakerPhase;
  /** How often a call that got lost was sent again. */
  readonly retries: number;
  /** Calls it was not given: no room to wait, waited too long, not called for now. */
  readonly refused: { readonly full: number; readonly late: number; readonly open: number };
  readonly counts: Readonly<Record<ListKind, number>>;
}
