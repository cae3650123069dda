import type { Era } from './era.ts';
import type { Transport } from './arrival.ts';

/** How an exchange ended. */
export type Outcome = 'ok' | 'tool-error' | 'error' | 'refused' | 'cancelled' | 'crashed';

/** The record of one exchange. Every exchange leaves exactly one. */
export interface Entry {
  readonly method: string;
  readonly era: Era;
  readonly transport: Transport;
  readonly principal: string | undefined;
  readonly client: string | undefined;
  readonly upstream: string | undefined;
  /** The upstream's own name of the target, never one only the client sent. */
  readonly target: string | undefined;
  readonly outcome: Outcome;
  /** Refusal code or JSON-RPC error code, undefined when none. */
  readonly code: string | undefined;
  readonly rule: string | undefined;
  /** Whole time inside the gateway and the upstream, in milliseconds. */
  readonly durationMs: number;
  /** Message of an unexpected failure, for the log alone. */
  readonly failure: string | undefined;
}
