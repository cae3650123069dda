import type { ModelRef } from './spending.ts';

/** The metrics page. */
export interface MetricsPlan {
  /** Whether the main port serves it too. */
  readonly isOnMainPort: boolean;
  /** Values one label may take before further ones become `other`. */
  readonly maxLabelValues: number;
}

/** Traces, sent over OTLP/HTTP. */
export interface TracingPlan {
  readonly isOn: boolean;
  /** Whole address that takes spans, such as `http://localhost:4318/v1/traces`. */
  readonly endpoint: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Share of the traces that begin here which are sent, 0 to 1. */
  readonly sampleRatio: number;
  /** Whether a caller's own decision about its trace holds. */
  readonly followsParent: boolean;
  readonly serviceName: string;
  readonly timeoutMs: number;
  /** Spans that may wait to be sent; further ones are dropped and counted. */
  readonly maxQueue: number;
}

/** A level of the log, or `silent`. */
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';

/** The log. */
export interface LoggingPlan {
  readonly level: LogLevel;
  /** Levels of single layers that differ. */
  readonly layers: Readonly<Record<string, LogLevel>>;
  /** `auto` is pretty on a terminal, JSON elsewhere. */
  readonly format: 'auto' | 'json' | 'pretty';
}

/** What is written about each exchange. */
export interface AuditPlan {
  readonly isOn: boolean;
  /** What is kept of arguments. */
  readonly arguments: 'none' | 'hash' | 'redacted' | 'full';
  /** Longest time a line waits before it is written. */
  readonly flushMs: number;
  /** What happens to calls when lines cannot be written (docs/rules.md R22). */
  readonly onFailure: 'refuse' | 'drop-and-count';
  readonly maxSegmentBytes: number;
  /** Closed segments older than this, or beyond this many bytes in all, are removed; zero keeps them. */
  readonly retention: { readonly maxAgeDays: number; readonly maxBytes: number };
  readonly syslog: SyslogPlan | undefined;
  readonly http: HttpExportPlan | undefined;
}

/** Audit lines sent on by syslog (RFC 5424). */
export interface SyslogPlan {
  readonly host: string;
  readonly port: number;
  readonly protocol: 'udp' | 'tcp' | 'tls';
  /** Facility number, 0 to 23. */
  readonly facility: number;
  readonly appName: string;
}

/** Audit lines sent on by HTTP POST, as JSON lines. */
export interface HttpExportPlan {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

/** Counting of tokens, and what they cost. */
export interface TokensPlan {
  readonly isOn: boolean;
  /** Texts of one exchange longer than this, in bytes, are estimated (docs/rules.md R23). */
  readonly maxExactBytes: number;
  /** Exchanges counted within one second; further ones are estimated. */
  readonly maxExactPerSecond: number;
  /** Exchanges that may wait to be counted; further ones are estimated. */
  readonly maxQueue: number;
  /** The model of callers that do not say. */
  readonly model: ModelRef | undefined;
  /** The models of consumers, whatever their headers say. */
  readonly consumers: Readonly<Record<string, ModelRef>>;
  /** Prices of the configuration; they come before the table that is built in. */
  readonly prices: readonly PricePlan[];
}

/** Price of models. */
export interface PricePlan {
  /** In lower case; `*` is any. */
  readonly provider: string;
  /** Id of the model, or a pattern with `*`. */
  readonly model: string;
  /** US dollars per million tokens read by the model. */
  readonly input: number;
  /** US dollars per million tokens written by the model. */
  readonly output: number;
  /** Encoding its tokens are counted with; undefined: as its name says. */
  readonly encoding: string | undefined;
}

/** The usage store. */
export interface UsagePlan {
  readonly isOn: boolean;
  /** Address of a PostgreSQL database; undefined: a file below the data folder. */
  readonly database: string | undefined;
  /** Longest time counts stay in memory alone. */
  readonly flushMs: number;
  /** How long rollups are kept, by their length; in days. */
  readonly retention: { readonly minute: number; readonly hour: number; readonly day: number };
  /** Combinations kept apart within one minute; further ones are counted under `other`. */
  readonly maxSeries: number;
}
