import type { Readable, Writable } from 'node:stream';

import type { Operator } from './admin/ports.ts';
import { Catalog } from './catalog/catalog.ts';
import { ArgumentsGuard } from './guard/arguments.ts';
import type { Inventory, UpstreamState } from './kernel/inventory.ts';
import type { JsonObject } from './kernel/json.ts';
import type { Plan, Surroundings } from './kernel/plan.ts';
import { listenHttp, type HttpListener } from './listen/http.ts';
import type { MetricsListener } from './listen/metrics.ts';
import { listenStdio, type StdioListener } from './listen/stdio.ts';
import type { LogPort } from './record/log-sink.ts';
import { newId, newSecret, Seal } from './seal/seal.ts';
import type { Parking } from './session/parking.ts';
import { SessionTable } from './session/sessions.ts';
import { createGate } from './spine/gate.ts';
import type { Gate } from './spine/ports.ts';
import { readKeyRing } from './store/key-file.ts';
import type { SqliteStore } from './store/sqlite-store.ts';
import { LunarGateway } from './upstream/lunar/lunar-gateway.ts';
import { UpstreamPool } from './upstream/upstream-pool.ts';
import { Access } from './wiring/access.ts';
import { createAsks, type Asks } from './wiring/asks.ts';
import { BareNameMemory } from './wiring/bare-names.ts';
import { catalogPorts } from './wiring/catalog-ports.ts';
import { ExchangeIds } from './wiring/exchange-ids.ts';
import { STOPPED, changedEvent, keyEvent, startedEvent } from './wiring/gateway-events.ts';
import { Lapses } from './wiring/lapses.ts';
import { logCrash } from './wiring/log-crash.ts';
import { lateSettings } from './wiring/late-settings.ts';
import { News } from './wiring/news.ts';
import { pagesOf } from './wiring/pages.ts';
import { openStore } from './wiring/open-store.ts';
import { createParking } from './wiring/parking.ts';
import { Readiness } from './wiring/readiness.ts';
import { Records } from './wiring/records.ts';
import { Sealed } from './wiring/sealed.ts';
import { resubscribe } from './wiring/resubscribe.ts';
import { serverMemory } from './wiring/server-memory.ts';
import { Logs, Scrubbing } from './wiring/scrubbing.ts';
import { serveMetrics } from './wiring/serve-metrics.ts';
import { sessionPorts } from './wiring/session-ports.ts';
import { sharedLevel, spinePorts, type SpineParts } from './wiring/spine-ports.ts';
import { stdioCredentials, type StdioCaller } from './wiring/stdio-caller.ts';
import { TaskMakers } from './wiring/task-makers.ts';

/** Where the gateway writes its log. */
export type Log = LogPort;

/** What a gateway is made of. */
export interface GatewayTerms {
  readonly plan: Plan;
  readonly surroundings: Surroundings;
  readonly version: string;
  /** Variables every child process inherits. */
  readonly inheritedEnv: Readonly<Record<string, string>>;
  readonly log: Log;
  onServerState?(state: UpstreamState): void;
}

/** The running thing: wires the layers, takes new plans, and ends all it started. */
export class Gateway {
  readonly gate: Gate;
  readonly operator: Operator;
  readonly #terms: GatewayTerms;
  readonly #scrubbing: Scrubbing;
  readonly #logs: Logs;
  readonly #store: SqliteStore;
  readonly #seal: Seal;
  readonly #sealed: Sealed;
  readonly #records: Records;
  readonly #access: Access;
  readonly #asks: Asks;
  readonly #lapses: Lapses;
  readonly #ids = new ExchangeIds(newId());
  readonly #parking: Parking;
  readonly #readiness: Readiness;
  readonly #names = new BareNameMemory();
  readonly #pool: UpstreamPool;
  readonly #catalog: Catalog;
  readonly #sessions: SessionTable;
  readonly #news: News;
  readonly #serverInfo: JsonObject & Record<string, string>;
  #plan: Plan;
  #http: HttpListener | undefined;
  #stdio: StdioListener | undefined;
  #closing: Promise<void> | undefined;
  #metricsListener: MetricsListener | undefined;

  /** Opens the store below `dataDir`. Throws when that folder cannot be used. Nothing is started or bound yet. */
  constructor(terms: GatewayTerms) {
    this.#terms = terms;
    this.#plan = terms.plan;
    this.#scrubbing = new Scrubbing(terms.plan);
    this.#logs = new Logs(terms.log, this.#scrubbing);
    this.#serverInfo = { name: 'mcpx', title: 'MCPX', version: terms.version };
    const { dataDir } = terms.surroundings;
    const now = (): number => Date.now();
    this.#store = openStore(dataDir, this.#logs.of('store'), now());
    this.#records = new Records({
      dataDir,
      version: terms.version,
      hasMetrics: terms.surroundings.isMetricsEnabled,
      logs: this.#logs,
      scrub: this.#scrubbing,
      plan: () => this.#plan,
      now,
      upstreams: () => this.#pool.states(),
      sessions: () => ({ count: this.#sessions.count, ...this.#sessions.stored() }),
      parked: () => this.#parking.stored,
    });
    this.#access = new Access({
      plan: terms.plan,
      dataDir,
      log: this.#logs.of('identity'),
      now,
      onKeyFirstUsed: (record) => this.#records.event(keyEvent('key-used-first', record)),
    });
    this.#lapses = new Lapses((principal) => this.#access.holds(principal));
    this.#asks = createAsks(this.#access, this.#records, {
      now,
      plan: () => this.#plan,
      newId: () => this.#ids.next(),
    });
    this.#seal = new Seal(readKeyRing(dataDir, newSecret));
    this.#sealed = new Sealed(this.#seal, now, newId());
    this.#parking = createParking({
      records: this.#records,
      lapses: this.#lapses,
      plan: () => this.#plan,
      onGone: (key) => this.#pool.forget(key),
    });
    this.#readiness = new Readiness(() => this.#plan.list.firstWaitMs);
    this.#pool = this.#createPool();
    this.#catalog = this.#createCatalog();
    this.#sessions = this.#createSessions();
    this.#news = new News({
      pool: this.#pool,
      sessions: this.#sessions,
      catalog: this.#catalog,
      publicTasks: (...args) => this.#sealed.publicTasks(...args),
      sees: (principal, target) => this.#access.sight(principal, target) === 'seen',
      admitQuestion: (...args) => this.#asks.admit(...args),
    });
    this.gate = createGate(spinePorts(this.#parts()));
    this.operator = { servers: () => this.#pool.states(), counts: () => this.#catalog.counts };
  }

  /** Binds the ports of HTTP and metrics; returns the port of the first. Rejects when it cannot be bound. */
  async listen(): Promise<number> {
    const { host, port, metricsPort } = this.#terms.surroundings;
    this.#http = await listenHttp({
      gate: this.gate,
      host,
      port,
      pages: pagesOf({
        access: this.#access,
        catalog: this.#catalog,
        records: this.#records,
        operator: () => this.operator,
        plan: () => this.#plan,
      }),
      onCrash: (error) => logCrash(error, this.#logs.of('listen')),
    });
    // Not waited for: neither loading nor a busy metrics port keeps the gateway from serving (docs/rules.md R18).
    void serveMetrics({
      gate: this.gate,
      host,
      port: metricsPort,
      metrics: this.#records.metrics,
      access: this.#access,
      log: this.#logs.of('listen'),
      plan: () => this.#plan,
    }).then((listener) => {
      this.#metricsListener = listener;
    });
    return this.#http.port;
  }

  /** Serves one client over a pair of streams; resolves when the input ends. Rejects with Refusal when it may not be that consumer. */
  async serveStdio(input: Readable, output: Writable, as: StdioCaller = {}): Promise<void> {
    const principal = await this.gate.identify(stdioCredentials(as));
    this.#stdio = listenStdio(this.gate, principal, { input, output });
    await this.#stdio.ended;
  }

  /** Starts the servers of the plan; returns at once. */
  start(): void {
    this.#records.event(startedEvent(this.#terms.version, this.#plan));
    this.apply(this.#plan);
  }

  /** Swaps the plan whole. Servers whose entry did not change keep their processes and connections. */
  apply(plan: Plan): void {
    const before = new Set(this.#pool.states().map((state) => state.name));
    this.#warnOfLateSettings(plan);
    this.#records.event(changedEvent(this.#plan, plan));
    this.#scrubbing.apply(plan);
    this.#plan = plan;
    this.#access.apply(plan);
    this.#records.apply(plan);
    for (const server of plan.servers)
      if (!before.has(server.name) && server.isActive) this.#readiness.expect(server.name);
    this.#http?.apply(plan);
    this.#metricsListener?.apply(plan);
    this.#catalog.apply(plan);
    this.#pool.apply(plan);
  }

  /** Some settings are built in when the gateway starts. */
  #warnOfLateSettings(plan: Plan): void {
    const late = lateSettings(this.#plan, plan);
    if (late.length > 0)
      this.#logs.of('config').warn({ late }, `in force at the next start: ${late.join(', ')}`);
  }

  /** Stops accepting, lets calls finish within shutdown.drainMs, then ends every session's streams and every server. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#records.event(STOPPED);
    const { drainMs } = this.#plan.shutdown;
    await Promise.all([this.#http?.close(drainMs), this.#stdio?.close(drainMs)]);
    this.#parking.close();
    this.#sessions.close();
    this.#lapses.close();
    this.#catalog.close();
    await Promise.all([this.#pool.close(), this.#metricsListener?.close()]);
    await this.#records.close();
    this.#access.close();
    this.#store.close();
  }

  #parts(): SpineParts {
    return {
      plan: () => this.#plan,
      serverInfo: this.#serverInfo,
      ids: this.#ids,
      access: this.#access,
      arguments: new ArgumentsGuard(),
      asks: this.#asks,
      catalog: this.#catalog,
      lapses: this.#lapses,
      names: this.#names,
      news: this.#news,
      parking: this.#parking,
      pool: this.#pool,
      readiness: this.#readiness,
      records: this.#records,
      sealed: this.#sealed,
      sessions: this.#sessions,
      tasks: new TaskMakers(),
    };
  }

  #createPool(): UpstreamPool {
    return new UpstreamPool({
      clientInfo: this.#serverInfo,
      inheritedEnv: this.#terms.inheritedEnv,
      startConcurrency: this.#plan.upstreams.startConcurrency,
      lunar: LunarGateway.of(this.#plan.lunar),
      now: () => Date.now(),
      listDebounceMs: () => this.#plan.list.debounceMs,
      log: (level, server, message) => this.#logs.of('upstream')[level]({ server }, message),
      scrub: (text) => this.#scrubbing.text(text),
      mask: (text) => this.#scrubbing.exact(text),
      onState: (state) => this.#onServerState(state),
      onInventory: (upstream, inventory) => this.#onInventory(upstream, inventory),
      onTask: (upstream, message) => this.#news.taskChanged(upstream, message),
      onOwnInventory: (upstream, ownerKey, inventory) =>
        this.#catalog.putOwn(ownerKey, upstream, inventory),
      onResourceUpdated: (upstream, uri, owner) => this.#news.resourceUpdated(upstream, uri, owner),
      publicTasks: (upstream, owner, params) =>
        this.#sealed.publicTasks(upstream, owner.principal, params),
      ownTasks: (owner, value) => this.#sealed.ownTasks(owner.principal, value),
      admitQuestion: (...args) => this.#asks.admit(...args),
      hears: (upstream, owner) => this.#access.reaches(owner.principal, upstream),
      watched: (upstream, ownerKey) => this.#news.watched(upstream, ownerKey),
      sharedLevel: () => sharedLevel(this.#sessions),
      ...serverMemory(this.#store, () => Date.now()),
    });
  }

  #createCatalog(): Catalog {
    const ports = catalogPorts(this.#access, this.#seal, {
      serverInfo: this.#serverInfo,
      now: () => Date.now(),
      onCollisions: (upstream, messages) => this.#pool.complain(upstream, messages),
      onChanged: (changesFor) => this.#news.listsChanged(changesFor),
    });
    return new Catalog(ports, this.#plan);
  }

  #createSessions(): SessionTable {
    const ports = sessionPorts({
      seal: this.#seal,
      store: this.#store,
      now: () => Date.now(),
      onRestored: (session) =>
        resubscribe(session, { catalog: this.#catalog, access: this.#access, news: this.#news }),
      onDetached: (key) => this.#pool.forget(key),
      onGone: (session) => {
        const { key } = session;
        this.#records.sessionEnded(session);
        this.#pool.forget(key);
        this.#news.forget(key);
        this.#names.forget(key);
      },
    });
    return new SessionTable(ports, () => this.#plan);
  }

  #onInventory(upstream: string, inventory: Inventory | undefined): void {
    this.#catalog.put(upstream, inventory);
    if (inventory !== undefined) this.#readiness.settle(upstream);
  }

  #onServerState(state: UpstreamState): void {
    this.#readiness.note(state);
    this.#records.serverState(state);
    this.#terms.onServerState?.(state);
  }
}
