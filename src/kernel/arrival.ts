import type { Era } from './era.ts';
import type { Exchange } from './exchange.ts';
import type { Request } from './json-rpc.ts';
import type { ModelRef } from './spending.ts';
import type { TraceCarrier } from './trace.ts';

/** How a message reached the gateway. */
export type Transport = 'http' | 'sse' | 'stdio';

/** What a caller presented to prove itself; nothing checked yet. */
export interface Credentials {
  /** Header value by lower-case name; undefined when absent or when the transport has no headers. */
  header(name: string): string | undefined;
  /** Remote address, undefined for stdio. */
  readonly address: string | undefined;
  /** Whether the caller started this very process: it needs no other proof. */
  readonly isParent?: boolean;
  /** The tool group whose endpoint is used; undefined for the endpoint of everything. */
  readonly endpoint?: string | undefined;
}

/** What a request says of itself beside its message. */
export interface Circumstances {
  /** Monotonic milliseconds when its head had been read. */
  readonly arrivedAt: number;
  /** Bytes of the message. */
  readonly bytes: number | undefined;
  readonly model: ModelRef | undefined;
  readonly trace: TraceCarrier | undefined;
}

/** One request as it came, classified by era, with the way back to its client. */
export interface Arrival {
  readonly era: Era;
  readonly transport: Transport;
  /** Protocol version of the request or of its session. */
  readonly version: string;
  readonly request: Request;
  readonly exchange: Exchange;
  /** Header by lower-case name, where the request came with headers that must agree with its body. */
  readonly header?: (name: string) => string | undefined;
  /** Undefined for transports that tell nothing more. */
  readonly circumstances?: Circumstances;
}
