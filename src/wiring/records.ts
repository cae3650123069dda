import { Limits } from '../guard/limits/limits.ts';
import type { Admission, LimitedCall } from '../kernel/admission.ts';
import type { Circumstances } from '../kernel/arrival.ts';
import type { EndedSession } from '../kernel/ended-session.ts';
import type { Entry, GatewayEvent, Recorded, Sink } from '../kernel/entry.ts';
import type { UpstreamState } from '../kernel/inventory.ts';
import type { JsonObject } from '../kernel/json.ts';
import type { LimitReport } from '../kernel/limit-report.ts';
import type { Plan } from '../kernel/plan.ts';
import { Refusal, type RefusalCode } from '../kernel/refusals.ts';
import type { Trace } from '../kernel/trace.ts';
import type { AuditSink } from '../record/audit-sink.ts';
import { logEntry, logTurnedAway, type LogPort } from '../record/log-sink.ts';
import { MetricsSink } from '../record/metrics/metrics-sink.ts';
import type { ParkedEnd, ParkedReading, SessionsReading } from '../record/metrics/ports.ts';
import { TokenDesk } from '../record/tokens/token-desk.ts';
import { TraceSink } from '../record/trace/trace-sink.ts';
import { createTracing, type Tracing } from '../record/trace/tracing.ts';
import { TurnedAwayCounter } from '../record/turned-away.ts';
import { UsageSink } from '../record/usage/usage-sink.ts';
import { newHex, newId } from '../seal/seal.ts';
import { BudgetTable } from '../store/budget-table.ts';
import type { UsageStore } from '../store/usage/usage-store.ts';
import { AuditDesk } from './audit-desk.ts';
import { auditReading, openAudit } from './audit.ts';
import { stateEvent } from './gateway-events.ts';
import { InOrder } from './in-order.ts';
import type { Logs, Scrubbing } from './scrubbing.ts';
import { usageStore } from './usage-store.ts';

/** What the record needs. */
export interface RecordTerms {
  readonly dataDir: string;
  readonly version: string;
  readonly hasMetrics: boolean;
  readonly logs: Logs;
  readonly scrub: Scrubbing;
  plan(): Plan;
  /** Milliseconds since the epoch. */
  now(): number;
  upstreams(): readonly UpstreamState[];
  sessions(): SessionsReading;
  /** Calls that wait for their clients. */
  parked?(): ParkedReading;
}

const AUDIT_LOST =
  'a process that wrote the audit here was killed: what it had not written yet is lost; mcpx audit verify says more';

/** The sinks of all entries. What one of them does wrong does not keep the others from theirs. */
export class Records {
  readonly #terms: RecordTerms;
  readonly #log: LogPort;
  readonly #audit: AuditSink;
  readonly #metrics: MetricsSink | undefined;
  readonly #tracing: Tracing;
  readonly #tokens: TokenDesk;
  readonly #limits: Limits;
  readonly #usageStore: UsageStore;
  readonly #usage: UsageSink;
  readonly #traces: TraceSink;
  readonly #turnedAway: TurnedAwayCounter;
  readonly #sinks: readonly Sink[];
  readonly #inOrder = new InOrder<Recorded>((recorded) => this.#deliver(recorded));
  /** How each server was last known to be. */
  readonly #standings = new Map<string, string>();

  constructor(terms: RecordTerms) {
    const log = terms.logs.of('record');
    const exchanges = terms.logs.of('exchange');
    this.#terms = terms;
    this.#log = log;
    this.#audit = openAudit({
      dataDir: terms.dataDir,
      plan: () => terms.plan().audit,
      now: () => terms.now(),
      onLost: (chains) => log.warn({ chains }, AUDIT_LOST),
      onError: (error) => log.error({ error: String(error) }, 'the audit is not in order'),
    });
    this.#metrics = terms.hasMetrics ? this.#createMetrics() : undefined;
    this.#tracing = createTracing({ plan: () => terms.plan().tracing, newBytes: newHex });
    this.#limits = new Limits({
      now: () => terms.now(),
      monotonic: () => performance.now(),
      openStore: () => new BudgetTable(terms.dataDir),
      log,
    });
    this.#tokens = new TokenDesk({
      plan: () => terms.plan().tokens,
      onFault: (why) => log.warn({ why }, 'tokens are estimated for a while'),
    });
    this.#usageStore = usageStore({
      dataDir: terms.dataDir,
      plan: () => terms.plan().usage,
      now: () => terms.now(),
    });
    this.#usage = new UsageSink({
      keeper: this.#usageStore,
      log,
      writer: newId(),
      plan: () => terms.plan().usage,
      now: () => terms.now(),
    });
    this.#traces = this.#createTraces();
    this.#turnedAway = new TurnedAwayCounter({
      now: () => terms.now(),
      report: (record) => {
        this.#audit.turnedAway(record);
        logTurnedAway(record, log);
      },
    });
    this.#sinks = [
      ...(this.#metrics === undefined ? [] : [this.#metrics]),
      this.#limits,
      this.#usage,
      this.#traces,
      this.#audit,
      { take: ({ entry }) => logEntry(entry, exchanges, terms.scrub) },
    ];
  }

  /** The metrics page; undefined where no metrics are kept. */
  get metrics(): MetricsSink | undefined {
    return this.#metrics;
  }

  /** Written down once it is known what it used: soon, and exactly once. */
  take(entry: Entry): void {
    const place = this.#inOrder.place();
    this.#tokens.settle(entry, (spending) => this.#inOrder.fill(place, { entry, spending }));
    if (!this.#inOrder.isPassed(place)) this.#audit.expect(entry);
  }

  /** Notes what happened to the gateway itself. */
  event(event: GatewayEvent | undefined): void {
    if (event === undefined) return;
    this.#metrics?.event(event);
    this.#audit.event(event);
  }

  sessionEnded(session: EndedSession): void {
    const { key, principal, client, reason } = session;
    this.#metrics?.sessionEnded(session);
    const details = { session: key, reason, ...(client === undefined ? {} : { client }) };
    this.event({ event: 'session-ended', by: principal, details });
  }

  /** Notes that a call stopped waiting for its client, and why. */
  parkedEnded(reason: ParkedEnd): void {
    this.#metrics?.parkedEnded(reason);
  }

  serverState(state: UpstreamState): void {
    this.#metrics?.serverState(state);
    const standing = `${state.phase} ${state.reason ?? ''}`;
    if (this.#standings.get(state.name) === standing) return;
    this.#standings.set(state.name, standing);
    this.event(stateEvent(state));
  }

  /** Admits a permitted call. Throws Refusal when a limit is reached, or when it could not be recorded. */
  admit(call: LimitedCall): Admission | undefined {
    // Before anything happens at a server (docs/rules.md R22).
    if (!this.#audit.canRecord()) throw new Refusal('RECORD_UNAVAILABLE');
    return this.#limits.admit(call);
  }

  /** Every limit with what was counted for it: of its counts those nearest to it, at most so many. */
  limits(top: number): readonly LimitReport[] {
    return this.#limits.report(top);
  }

  /** How many tokens each of some texts has. */
  countTokens(
    ...[texts, encoding]: Parameters<TokenDesk['count']>
  ): ReturnType<TokenDesk['count']> {
    return this.#tokens.count(texts, encoding);
  }

  /** What reads the audit. */
  get auditDesk(): AuditDesk {
    return new AuditDesk(this.#terms.dataDir);
  }

  /** What was used, by the store it is kept in. */
  get usage(): UsageStore {
    return this.#usageStore;
  }

  /** Takes over a new plan. */
  apply(plan: Plan): void {
    this.#limits.apply(plan.limits, plan.access.consumers);
    void this.#traces.load();
  }

  /** The place of an exchange in a trace. */
  beginTrace(
    circumstances: Circumstances | undefined,
    meta: JsonObject | undefined,
  ): Trace | undefined {
    return this.#tracing.begin(circumstances, meta);
  }

  /** A request was refused before it was on any road. */
  turnedAway(code: RefusalCode, address: string | undefined, principal: string | undefined): void {
    this.#metrics?.turnedAway(code);
    this.#turnedAway.note(code, address, principal);
  }

  /** Writes what is left. */
  async close(): Promise<void> {
    this.#turnedAway.close();
    await this.#tokens.close();
    this.#limits.close();
    await Promise.all([this.#audit.close(), this.#traces.close(), this.#usage.close()]);
    await this.#usageStore.close();
  }

  #deliver(recorded: Recorded): void {
    for (const sink of this.#sinks) {
      try {
        sink.take(recorded);
      } catch (error) {
        this.#log.error({ error: String(error) }, 'an exchange could not be recorded whole');
      }
    }
  }

  #createTraces(): TraceSink {
    const terms = this.#terms;
    return new TraceSink({
      plan: () => terms.plan().tracing,
      version: terms.version,
      newBytes: newHex,
      endpoint: (server) => terms.plan().servers.find(({ name }) => name === server)?.endpoint,
      scrub: (text) => terms.scrub.text(text),
      log: this.#log,
    });
  }

  #createMetrics(): MetricsSink {
    const terms = this.#terms;
    return new MetricsSink({
      version: terms.version,
      scrub: (text) => terms.scrub.name(text),
      maxLabelValues: () => terms.plan().metrics.maxLabelValues,
      upstreams: () => terms.upstreams(),
      sessions: () => terms.sessions(),
      parked: () => terms.parked?.(),
      limits: () => terms.plan().limits.limits,
      audit: () => (terms.plan().audit.isOn ? auditReading(this.#audit.counts()) : undefined),
      usage: () => (terms.plan().usage.isOn ? this.#usage.counts() : undefined),
      traces: () => (terms.plan().tracing.isOn ? this.#traces.counts : undefined),
      tokens: () => (terms.plan().tokens.isOn ? this.#tokens.counts() : undefined),
    });
  }
}
