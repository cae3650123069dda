import type { AccessPlan, AuthPlan, ExtensionsPlan } from './access.ts';
import type { LimitsPlan } from './limits-plan.ts';
import type {
  AuditPlan,
  LoggingPlan,
  MetricsPlan,
  TokensPlan,
  TracingPlan,
  UsagePlan,
} from './record-plan.ts';

/** The compiled, frozen configuration. An exchange keeps the plan it began with. */
export interface Plan {
  /** `prefix`: `<server>__<name>`; `flat`: names as the servers have them. */
  readonly naming: 'prefix' | 'flat';
  readonly server: DoorPlan;
  readonly sessions: SessionPlan;
  readonly parking: ParkingPlan;
  readonly list: ListPlan;
  readonly sse: SsePlan;
  readonly upstreams: FleetPlan;
  readonly shutdown: { readonly drainMs: number };
  readonly auth: AuthPlan;
  readonly access: AccessPlan;
  readonly extensions: ExtensionsPlan;
  /** Whether arguments of every tool are checked against its schema, not only those of custom ones (docs/rules.md R21). */
  readonly validatesArguments: boolean;
  readonly asks: AskPlan;
  readonly limits: LimitsPlan;
  readonly audit: AuditPlan;
  readonly logging: LoggingPlan;
  readonly metrics: MetricsPlan;
  readonly tracing: TracingPlan;
  readonly tokens: TokensPlan;
  readonly usage: UsagePlan;
  /** The Lunar Gateway that outgoing HTTP goes through. */
  readonly lunar: LunarPlan | undefined;
  readonly servers: readonly ServerPlan[];
  /** Values that texts of the plan have from variables which servers do not all get: each may be a secret. */
  readonly fromEnvironment: readonly string[];
}

/** Questions of servers to clients (docs/rules.md R7). */
export interface AskPlan {
  /** Questions one server may ask one caller within a minute. */
  readonly maxPerMinute: number;
}

/** The Lunar Gateway and its fail-safe: so many failures in a row, and it is left alone for so long. */
export interface LunarPlan {
  readonly host: string;
  readonly port: number;
  readonly failuresToCooldown: number;
  readonly cooldownMs: number;
}

/** Who may knock: addresses, names and sizes of the inbound side. */
export interface DoorPlan {
  readonly publicUrl: string | undefined;
  readonly allowedHosts: readonly string[];
  readonly allowedOrigins: readonly string[];
  /** Addresses or ranges of proxies whose forwarding headers are believed. */
  readonly trustedProxies: readonly string[];
  /** Addresses or ranges that may connect; empty: all. */
  readonly allowedAddresses: readonly string[];
  /** Certificate chain and private key, as PEM text. */
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
  readonly maxBodyBytes: number;
  readonly maxHeaderBytes: number;
  /** Requests being answered at once; streams that stay open do not count. */
  readonly maxInFlight: number;
  /** Bytes of request bodies held at once. */
  readonly maxInFlightBytes: number;
  readonly maxConnections: number;
  /** How long a client may take to send one request; zero: without end. */
  readonly receiveTimeoutMs: number;
  /** How long a client may take nothing of what waits for it; zero: without end. */
  readonly stalledMs: number;
  /** Bytes that wait for slow clients, all together. */
  readonly maxUnreadBytes: number;
}

/** Legacy sessions: how long they live, how many there may be. */
export interface SessionPlan {
  readonly idleMs: number;
  readonly maxAgeMs: number;
  readonly maxCount: number;
  readonly maxPerPrincipal: number;
  /** How long a client whose stream broke keeps its private server instances. */
  readonly detachedMs: number;
  /** How long a question from a server waits for the client's answer. */
  readonly askTimeoutMs: number;
}

/** Calls of modern clients that wait for an answer of their client. */
export interface ParkingPlan {
  /** How long one waits for its client to come back. */
  readonly timeoutMs: number;
  /** Questions of a server within this time are asked together. */
  readonly gatherMs: number;
  readonly maxCount: number;
  readonly maxPerPrincipal: number;
  readonly maxBytes: number;
  readonly maxBytesPerPrincipal: number;
}

/** Lists answered to clients. */
export interface ListPlan {
  readonly firstWaitMs: number;
  readonly debounceMs: number;
  readonly pageSize: number;
  readonly ttlMs: number;
  readonly maxInstructionsBytes: number;
}

/** Streams to clients. */
export interface SsePlan {
  readonly afterMs: number;
  readonly keepAliveMs: number;
  readonly retryMs: number;
  readonly resumableMs: number;
  readonly maxStoredMessages: number;
  readonly maxStoredBytes: number;
  /** Characters kept for clients that resume, all sessions together. */
  readonly maxTotalBytes: number;
  /** Streams open at once beside the requests being answered, and those of one caller. */
  readonly maxStreams: number;
  readonly maxStreamsPerPrincipal: number;
}

/** What holds for all upstreams together. */
export interface FleetPlan {
  readonly startConcurrency: number;
}

/** One configured server. */
export interface ServerPlan {
  readonly name: string;
  /** Changes exactly when the server must be started anew. */
  readonly fingerprint: string;
  /** False when switched off (`disabled`, or `inactive` in targetServerAttributes). */
  readonly isActive: boolean;
  /** Names what is missing, when a value could not be resolved; the server is not started then. */
  readonly pendingInput: string | undefined;
  readonly endpoint: Endpoint;
  readonly isolation: Isolation;
  readonly limits: UpstreamLimits;
}

/** Whether clients share one process or upstream session (docs/rules.md R9). */
export type Isolation = 'auto' | 'shared' | 'session';

/** Where a server is. */
export type Endpoint = StdioEndpoint | RemoteEndpoint;

/** A server started as a child process. `env` holds only what the entry names, resolved. */
export interface StdioEndpoint {
  readonly kind: 'stdio';
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string | undefined;
}

/** A server reached over HTTP; `auto` finds out which of the two transports it speaks. */
export interface RemoteEndpoint {
  readonly kind: 'remote';
  readonly url: string;
  readonly transport: 'auto' | 'streamable-http' | 'sse';
  readonly headers: Readonly<Record<string, string>>;
}

/** Times and bounds of one upstream; milliseconds, bytes, counts. Zero switches a timer off. */
export interface UpstreamLimits {
  readonly connectTimeoutMs: number;
  readonly probeTimeoutMs: number;
  /** How long a legacy verdict holds; zero: until the next opening. */
  readonly eraMaxAgeMs: number;
  readonly listTimeoutMs: number;
  readonly callTimeoutMs: number;
  readonly progressResetsCallTimeout: boolean;
  readonly pingIntervalMs: number;
  readonly pingTimeoutMs: number;
  readonly restartMinMs: number;
  readonly restartMaxMs: number;
  readonly restartWaitMs: number;
  readonly shutdownGraceMs: number;
  readonly maxMessageBytes: number;
  readonly maxStderrBytes: number;
  readonly maxInstances: number;
  readonly instanceIdleMs: number;
  readonly maxConnections: number;
  /** Calls under way at once, over all links together. */
  readonly maxInFlight: number;
  readonly maxQueued: number;
  readonly queueWaitMs: number;
  /** Calls in a row left unanswered that end the calling for a while; zero: never. */
  readonly breakAfter: number;
  readonly breakMs: number;
  /** How often a call that got lost is sent again. */
  readonly retries: number;
}

/** The process settings that come from the environment alone. */
export interface Surroundings {
  readonly host: string;
  readonly port: number;
  readonly metricsPort: number;
  readonly isMetricsEnabled: boolean;
  readonly dataDir: string;
  readonly serversPath: string;
  readonly appPath: string;
  readonly logLevel: string;
}

/** Something wrong or notable in a configuration file. */
export interface Problem {
  readonly severity: 'error' | 'warning';
  /** File as the user named it, or the name of an environment variable. */
  readonly file: string;
  /** 1-based; undefined where no line can be named. */
  readonly line: number | undefined;
  readonly column: number | undefined;
  /** Path inside the file, such as `mcpServers.memory.command`. */
  readonly path: string;
  /** What is wrong and what to do. */
  readonly message: string;
}
