import type { Readable, Writable } from 'node:stream';

import type { Operator } from './admin/ports.ts';
import { SERVERS_PATH, serversBody } from './admin/servers.ts';
import { Catalog } from './catalog/catalog.ts';
import { identifyLocal } from './identity/local.ts';
import { instanceKey } from './kernel/capabilities.ts';
import type { Entry } from './kernel/entry.ts';
import type { Inventory, UpstreamState } from './kernel/inventory.ts';
import type { JsonObject } from './kernel/json.ts';
import { Denial } from './kernel/permit.ts';
import type { Plan, Surroundings } from './kernel/plan.ts';
import { listenHttp, type HttpListener } from './listen/http.ts';
import { listenMetrics, METRICS_PATH, type MetricsListener } from './listen/metrics.ts';
import type { MakePage, Page } from './listen/page.ts';
import { listenStdio, type StdioListener } from './listen/stdio.ts';
import { decideOpen } from './policy/open-policy.ts';
import { logEntry } from './record/log-sink.ts';
import type { MetricsSink } from './record/metrics-sink.ts';
import { newId, newSecret, Seal } from './seal/seal.ts';
import { SessionTable } from './session/sessions.ts';
import { createGate } from './spine/gate.ts';
import type { Gate, SpinePorts } from './spine/ports.ts';
import { readKeyRing } from './store/key-file.ts';
import { SqliteStore } from './store/sqlite-store.ts';
import type { Verdict } from './upstream/ports.ts';
import { mostVerbose, UpstreamPool } from './upstream/upstream-pool.ts';
import { BareNameMemory } from './wiring/bare-names.ts';
import { News } from './wiring/news.ts';
import { Readiness } from './wiring/readiness.ts';
import { parseRecord, Sealed } from './wiring/sealed.ts';
import { sessionPorts } from './wiring/session-ports.ts';

const REMEMBERED_MS = 90 * 24 * 60 * 60 * 1000;

/** Where the gateway writes its log. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
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

/** The running thing: wires the layers, takes new plans, and ends all it started. */
export class Gateway {
  readonly gate: Gate;
  readonly operator: Operator;
  readonly #terms: GatewayTerms;
  readonly #store: SqliteStore;
  readonly #seal: Seal;
  readonly #sealed: Sealed;
  #metrics: MetricsSink | undefined;
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
      pages: this.#pages(isMetricsEnabled),
      onCrash: (error) => this.#logCrash(error),
    });
    // Not waited for: neither loading nor a busy metrics port keeps the gateway from serving (docs/rules.md R18).
    if (isMetricsEnabled) void this.#serveMetrics(host, metricsPort);
    return this.#http.port;
  }

  /** Serves one client over a pair of streams; resolves when the input ends. */
  serveStdio(input: Readable, output: Writable): Promise<void> {
    this.#stdio = listenStdio(this.gate, input, output);
    return this.#stdio.ended;
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
    for (const server of plan.servers)
      if (!before.has(server.name) && server.isActive) this.#readiness.expect(server.name);
    this.#http?.apply(plan);
    this.#pool.apply(plan);
    this.#catalog.apply(plan);
  }

  /** Some settings are built in when the gateway starts. */
  #warnOfLateSettings(plan: Plan): void {
    const { server, upstreams } = this.#plan;
    const late = [
      ...(plan.server.maxHeaderBytes === server.maxHeaderBytes ? [] : ['server.maxHeaderBytes']),
      ...(plan.upstreams.startConcurrency === upstreams.startConcurrency
        ? []
        : ['upstreams.startConcurrency']),
    ];
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
    await Promise.all([this.#pool.close(), this.#metricsListener?.close()]);
    this.#store.close();
  }

  async #serveMetrics(host: string, port: number): Promise<void> {
    try {
      await this.#loadMetrics();
      const page = (): Promise<Page> => this.#loadMetrics().then((sink) => sink.exposition());
      const doors = (): Plan['server'] => this.#plan.server;
      this.#metricsListener = await listenMetrics({ host, port, doors, page });
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#terms.log.warn({ port }, `metrics are not served: ${why}`);
    }
  }

  /** Loaded after the port is open, which is what a start waits for. */
  async #loadMetrics(): Promise<MetricsSink> {
    const { MetricsSink } = await import('./record/metrics-sink.ts');
    this.#metrics ??= new MetricsSink();
    return this.#metrics;
  }

  #pages(hasMetrics: boolean): ReadonlyMap<string, MakePage> {
    const servers: MakePage = async () => ({
      contentType: 'application/json',
      text: serversBody(this.operator),
    });
    const metrics: MakePage = async () => (await this.#loadMetrics()).exposition();
    return new Map([
      [SERVERS_PATH, servers],
      ...(hasMetrics ? [[METRICS_PATH, metrics] as const] : []),
    ]);
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
        this.#onOwnInventory(upstream, ownerKey, inventory),
      onResourceUpdated: (upstream, uri, owner) => this.#news.resourceUpdated(upstream, uri, owner),
      publicTasks: (upstream, owner, params) =>
        this.#sealed.publicTasks(upstream, owner.principal, params),
      ownTasks: (owner, value) => this.#sealed.ownTasks(owner.principal, value),
      sharedLevel: () => this.#sharedLevel(),
      recallVerdict: (fingerprint) =>
        parseRecord(this.#store.get('verdict', fingerprint)) as Verdict | undefined,
      rememberVerdict: (fingerprint, verdict) =>
        this.#remember('verdict', fingerprint, JSON.stringify(verdict)),
      recallInventory: (fingerprint) =>
        parseRecord(this.#store.get('inventory', fingerprint)) as Inventory | undefined,
      rememberInventory: (fingerprint, text) => this.#remember('inventory', fingerprint, text),
    });
  }

  #createCatalog(): Catalog {
    return new Catalog(
      {
        serverInfo: this.#serverInfo,
        sees: (principal, target) => !(decideOpen(principal, target) instanceof Denial),
        viewKey: (principal) => principal.key,
        sealCursor: (text) => this.#seal.seal('cursor', text),
        openCursor: (sealed) => this.#seal.open('cursor', sealed),
        onCollisions: (upstream, messages) => this.#pool.complain(upstream, messages),
        onChanged: (kinds) => this.#news.listsChanged(kinds),
      },
      this.#plan,
    );
  }

  #createSessions(): SessionTable {
    const ports = sessionPorts({
      seal: this.#seal,
      store: this.#store,
      now: () => Date.now(),
      onRestored: (session) => this.#resubscribe(session),
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
      identify: identifyLocal,
      sessions: this.#sessions,
      view: (principal, owner) =>
        this.#catalog.view(principal, owner === undefined ? undefined : instanceKey(owner)),
      bareNames: (principal, owner) =>
        this.#names.of(this.#sessions.withKey(owner.key) === undefined ? principal.key : owner.key),
      whenListed: () => this.#readiness.wait(),
      decide: decideOpen,
      send: (permit, call, exchange) => this.#pool.send(permit, call, exchange),
      subscribe: (permit, owner, isOn) => this.#subscribe(permit, owner, isOn),
      setLevel: (owner, level) => this.#setLevel(owner, level),
      rootsChanged: (owner) => this.#pool.rootsChanged(owner.key),
      listen: (principal, wish, deliver) => this.#news.listen(principal, wish, deliver),
      sealTask: (upstream, principal, taskId) => sealed.sealTask(upstream, principal, taskId),
      openTask: (id, principal) => sealed.openTask(id, principal),
      sealState: (binding, state) => sealed.sealState(binding, state),
      openState: (binding, state) => sealed.openState(binding, state),
      record: (entry) => this.#record(entry),
      newToken: newId,
    };
  }

  /** What is known of a server is forgotten when its entry is gone for long. */
  #remember(space: 'verdict' | 'inventory', fingerprint: string, text: string): void {
    this.#store.put(space, fingerprint, text, Date.now() + REMEMBERED_MS);
  }

  #record(entry: Entry): void {
    this.#metrics?.take(entry);
    logEntry(entry, this.#terms.log);
  }

  async #subscribe(...[permit, owner, isOn]: Parameters<SpinePorts['subscribe']>): Promise<void> {
    await this.#news.subscribe(permit, owner, isOn);
    this.#sessions.withKey(owner.key)?.setSubscribed(permit.target.publicName, isOn);
  }

  async #setLevel(...[owner, level]: Parameters<SpinePorts['setLevel']>): Promise<void> {
    this.#sessions.withKey(owner.key)?.setLogLevel(level);
    await this.#pool.setLevel(this.#sharedLevel() ?? level, owner);
  }

  #sharedLevel(): string | undefined {
    return mostVerbose([...this.#sessions.all()].map((session) => session.logLevel));
  }

  /** A session that was restored by its id is subscribed again to what its notes name. */
  #resubscribe(session: Parameters<Parameters<typeof sessionPorts>[0]['onRestored']>[0]): void {
    for (const uri of session.subscriptions) {
      const target = this.#catalog.view(session.principal).resource(uri);
      const decision = target === undefined ? undefined : decideOpen(session.principal, target);
      if (decision === undefined || decision instanceof Denial) continue;
      void this.#news.subscribe(decision, session, true).catch(() => undefined);
    }
  }

  #onInventory(upstream: string, inventory: Inventory | undefined): void {
    this.#catalog.put(upstream, inventory);
    if (inventory !== undefined) this.#readiness.settle(upstream);
  }

  #onOwnInventory(upstream: string, ownerKey: string, inventory: Inventory | undefined): void {
    const kinds = this.#catalog.putOwn(ownerKey, upstream, inventory);
    for (const session of this.#sessions.all()) {
      if (instanceKey(session) === ownerKey) this.#news.listsChangedFor(session, kinds);
    }
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
