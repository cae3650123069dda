import type { Readable, Writable } from 'node:stream';

import type { Operator } from './admin/ports.ts';
import { Catalog } from './catalog/catalog.ts';
import { ArgumentsGuard } from './guard/arguments.ts';
import { instanceKey } from './kernel/capabilities.ts';
import type { Inventory, UpstreamState } from './kernel/inventory.ts';
import type { JsonObject } from './kernel/json.ts';
import type { Plan, Surroundings } from './kernel/plan.ts';
import { Refusal } from './kernel/refusals.ts';
import { listenHttp, type HttpListener } from './listen/http.ts';
import { listenMetrics, type MetricsListener } from './listen/metrics.ts';
import { listenStdio, type StdioListener } from './listen/stdio.ts';
import type { LogPort } from './record/log-sink.ts';
import { newId, newSecret, Seal } from './seal/seal.ts';
import { SessionTable } from './session/sessions.ts';
import { createGate } from './spine/gate.ts';
import type { Gate, SpinePorts } from './spine/ports.ts';
import { readKeyRing } from './store/key-file.ts';
import { SqliteStore } from './store/sqlite-store.ts';
import { mostVerbose, UpstreamPool } from './upstream/upstream-pool.ts';
import { Access } from './wiring/access.ts';
import { createAsks, type Asks } from './wiring/asks.ts';
import { BareNameMemory } from './wiring/bare-names.ts';
import { catalogPorts } from './wiring/catalog-ports.ts';
import { Lapses } from './wiring/lapses.ts';
import { lateSettings } from './wiring/late-settings.ts';
import { News } from './wiring/news.ts';
import { metricsPage, pagesOf } from './wiring/pages.ts';
import { Readiness } from './wiring/readiness.ts';
import { Records } from './wiring/records.ts';
import { Sealed } from './wiring/sealed.ts';
import { resubscribe } from './wiring/resubscribe.ts';
import { serverMemory } from './wiring/server-memory.ts';
import { sessionPorts } from './wiring/session-ports.ts';
import { stdioCredentials, type StdioCaller } from './wiring/stdio-caller.ts';
import { TaskMakers } from './wiring/task-makers.ts';

/** Where the gateway writes its log. */
export interface Log extends LogPort {
  info(fields: object, message: string): void;
}

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

const MAX_SUBSCRIPTIONS = 1000;

/** The running thing: wires the layers, takes new plans, and ends all it started. */
export class Gateway {
  readonly gate: Gate;
  readonly operator: Operator;
  readonly #terms: GatewayTerms;
  readonly #store: SqliteStore;
  readonly #seal: Seal;
  readonly #sealed: Sealed;
  readonly #records: Records;
  readonly #access: Access;
  readonly #asks: Asks;
  readonly #lapses: Lapses;
  readonly #tasks = new TaskMakers();
  readonly #arguments = new ArgumentsGuard();
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
    this.#serverInfo = { name: 'mcpx', title: 'MCPX', version: terms.version };
    this.#store = new SqliteStore(terms.surroundings.dataDir, {
      now: Date.now(),
      onError: (error) =>
        terms.log.error({ error: String(error) }, 'a record could not be written'),
    });
    const { dataDir } = terms.surroundings;
    const now = (): number => Date.now();
    this.#records = new Records({ dataDir, log: terms.log, plan: () => this.#plan, now });
    this.#access = new Access({ plan: terms.plan, dataDir, log: terms.log, now });
    this.#lapses = new Lapses((principal) => this.#access.holds(principal));
    this.#asks = createAsks(this.#access, this.#records, { now, plan: () => this.#plan });
    this.#seal = new Seal(readKeyRing(terms.surroundings.dataDir, newSecret));
    this.#sealed = new Sealed(this.#seal, () => Date.now());
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
    this.gate = createGate(this.#spinePorts());
    this.operator = { servers: () => this.#pool.states(), counts: () => this.#catalog.counts };
  }

  /** Binds the ports of HTTP and metrics; returns the port of the first. Rejects when it cannot be bound. */
  async listen(): Promise<number> {
    const { host, port, metricsPort, isMetricsEnabled } = this.#terms.surroundings;
    this.#http = await listenHttp({
      gate: this.gate,
      host,
      port,
      pages: pagesOf(
        {
          access: this.#access,
          records: this.#records,
          operator: () => this.operator,
          plan: () => this.#plan,
        },
        isMetricsEnabled,
      ),
      onCrash: (error) => this.#logCrash(error),
    });
    // Not waited for: neither loading nor a busy metrics port keeps the gateway from serving (docs/rules.md R18).
    if (isMetricsEnabled) void this.#serveMetrics(host, metricsPort);
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
    this.apply(this.#plan);
  }

  /** Swaps the plan whole. Servers whose entry did not change keep their processes and connections. */
  apply(plan: Plan): void {
    const before = new Set(this.#pool.states().map((state) => state.name));
    this.#warnOfLateSettings(plan);
    this.#plan = plan;
    this.#access.apply(plan);
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
      this.#terms.log.warn({ late }, `in force at the next start: ${late.join(', ')}`);
  }

  /** Stops accepting, lets calls finish within shutdown.drainMs, then ends every session's streams and every server. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { drainMs } = this.#plan.shutdown;
    await Promise.all([this.#http?.close(drainMs), this.#stdio?.close(drainMs)]);
    this.#sessions.close();
    this.#lapses.close();
    this.#catalog.close();
    await Promise.all([this.#pool.close(), this.#metricsListener?.close()]);
    await this.#records.close();
    this.#access.close();
    this.#store.close();
  }

  async #serveMetrics(host: string, port: number): Promise<void> {
    try {
      await this.#records.metrics();
      const page = metricsPage({
        plan: () => this.#plan,
        records: this.#records,
        access: this.#access,
      });
      this.#metricsListener = await listenMetrics({ gate: this.gate, host, port, page });
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#terms.log.warn({ port }, `metrics are not served: ${why}`);
    }
  }

  #createPool(): UpstreamPool {
    return new UpstreamPool({
      clientInfo: this.#serverInfo,
      inheritedEnv: this.#terms.inheritedEnv,
      startConcurrency: this.#plan.upstreams.startConcurrency,
      now: () => Date.now(),
      listDebounceMs: () => this.#plan.list.debounceMs,
      log: (level, server, message) => this.#terms.log[level]({ server }, message),
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
      sharedLevel: () => this.#sharedLevel(),
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
      onGone: (key) => {
        this.#pool.forget(key);
        this.#news.forget(key);
        this.#names.forget(key);
      },
    });
    return new SessionTable(ports, () => this.#plan);
  }

  #spinePorts(): SpinePorts {
    const sealed = this.#sealed;
    return {
      plan: () => this.#plan,
      serverInfo: this.#serverInfo,
      identify: (credentials) => this.#access.identify(credentials),
      whenLapsed: (principal, end) => this.#lapses.watch(principal, end),
      sessions: this.#sessions,
      view: (principal, owner) =>
        this.#catalog.view(principal, owner === undefined ? undefined : instanceKey(owner)),
      bareNames: (principal, owner) =>
        this.#names.of(this.#sessions.withKey(owner.key) === undefined ? principal.key : owner.key),
      whenListed: () => this.#readiness.wait(),
      decide: (...args) => this.#access.decide(...args),
      checkArguments: (target, args) => this.#checkArguments(target, args),
      admitQuestion: (...args) => this.#asks.admit(...args),
      send: (permit, call, exchange) => this.#pool.send(permit, call, exchange),
      subscribe: (permit, owner, isOn) => this.#subscribe(permit, owner, isOn),
      setLevel: (owner, level) => this.#setLevel(owner, level),
      rootsChanged: (owner) => this.#pool.rootsChanged(owner.key),
      roomToWatch: (principal) => this.#news.room(principal),
      listen: (principal, wish, deliver) => this.#news.listen(principal, wish, deliver),
      sealTask: (upstream, principal, taskId) => sealed.sealTask(upstream, principal, taskId),
      openTask: (id, principal) => sealed.openTask(id, principal),
      sealState: (binding, state) => sealed.sealState(binding, state),
      openState: (binding, state) => sealed.openState(binding, state),
      record: (entry) => this.#records.take(entry),
      turnedAway: (...args) => this.#records.turnedAway(...args),
      noteTask: (...args) => this.#tasks.note(...args),
      madeTask: (...args) => this.#tasks.isMadeBy(...args),
      newToken: newId,
    };
  }

  /** Only what the gateway itself has made narrower is its to check, unless it was told to check all (docs/rules.md R21). */
  #checkArguments(
    ...[target, args]: Parameters<SpinePorts['checkArguments']>
  ): ReturnType<SpinePorts['checkArguments']> {
    if (target.shape === undefined && !this.#plan.validatesArguments) return undefined;
    return this.#arguments.check(target, args);
  }

  async #subscribe(...[permit, owner, isOn]: Parameters<SpinePorts['subscribe']>): Promise<void> {
    const session = this.#sessions.withKey(owner.key);
    const isFull = this.#news.countOf(owner.key) >= MAX_SUBSCRIPTIONS;
    if (isOn && (isFull || this.#news.room(owner.principal) === 0))
      throw new Refusal('LIMITED', 'Too many resources are subscribed to already.');
    await this.#news.subscribe(permit, owner, isOn);
    session?.setSubscribed(permit.target.publicName, isOn);
  }

  async #setLevel(...[owner, level]: Parameters<SpinePorts['setLevel']>): Promise<void> {
    this.#sessions.withKey(owner.key)?.setLogLevel(level);
    await this.#pool.setLevel(this.#sharedLevel() ?? level, owner);
  }

  #sharedLevel(): string | undefined {
    return mostVerbose([...this.#sessions.all()].map((session) => session.logLevel));
  }

  #onInventory(upstream: string, inventory: Inventory | undefined): void {
    this.#catalog.put(upstream, inventory);
    if (inventory !== undefined) this.#readiness.settle(upstream);
  }

  #onServerState(state: UpstreamState): void {
    this.#readiness.note(state);
    this.#terms.onServerState?.(state);
  }

  #logCrash(error: unknown): string {
    const id = newId();
    this.#terms.log.error(
      { id, failure: error instanceof Error ? error.stack : String(error) },
      'a request crashed',
    );
    return id;
  }
}
