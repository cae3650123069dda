import type { UpstreamState } from '../../kernel/inventory.ts';
import type { LimitPlan } from '../../kernel/limits-plan.ts';
import type { LabelTerms } from './label-values.ts';

/** What metrics need from the rest of the gateway. What they read is read when they are scraped, and must be cheap. */
export interface MetricsPorts extends LabelTerms {
  /** Version of the gateway. */
  readonly version: string;
  /** Every server, in the order of the configuration. */
  upstreams(): readonly UpstreamState[];
  sessions(): SessionsReading;
  /** The limits of the plan: each is shown from the start, with zero. */
  limits(): readonly Pick<LimitPlan, 'id' | 'mode'>[];
  /** Calls that wait for their clients to come back; undefined where none can. */
  parked?(): ParkedReading | undefined;
  /** Undefined where nothing is audited. */
  audit(): AuditReading | undefined;
  /** Undefined where there is no usage store. */
  usage(): UsageReading | undefined;
  /** Undefined where no traces are sent. */
  traces(): TraceReading | undefined;
  /** Undefined where no tokens are counted. */
  tokens(): TokenReading | undefined;
}

/** Clients at this moment. */
export interface SessionsReading {
  /** Sessions in memory. */
  readonly count: number;
  /** Streams to clients that are open or can be taken up again. */
  readonly streams: number;
  /** Characters of the messages kept for that. */
  readonly chars: number;
}

/** Why a call stops waiting for its client. */
export const PARKED_ENDS = ['resumed', 'expired', 'evicted', 'denied', 'shutdown'] as const;
export type ParkedEnd = (typeof PARKED_ENDS)[number];

/** Calls that wait for their clients at this moment. */
export interface ParkedReading {
  readonly count: number;
  readonly bytes: number;
}

/** The audit log since the process started. */
export interface AuditReading {
  /** Lines written. */
  readonly lines: number;
  readonly lost: number;
  readonly waitingBytes: number;
  readonly isFailing: boolean;
  /** Lines that could not be sent on; undefined where none are sent that way. */
  readonly syslogDropped: number | undefined;
  readonly httpDropped: number | undefined;
}

/** The usage store since the process started. */
export interface UsageReading {
  /** Exchanges it has counted. */
  readonly written: number;
  /** Exchanges it never will. */
  readonly dropped: number;
  /** Rollups that wait. */
  readonly waiting: number;
  readonly isFailing: boolean;
}

/** The export of traces since the process started. */
export interface TraceReading {
  readonly sent: number;
  readonly dropped: number;
  readonly waiting: number;
}

/** The counting of tokens since the process started; exchanges. */
export interface TokenReading {
  readonly counted: number;
  readonly estimated: number;
  readonly waiting: number;
}
