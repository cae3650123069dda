import { isObject, objectAt, stringAt, type JsonObject } from '../kernel/json.ts';
import type { Plan } from '../kernel/plan.ts';
import type { Principal } from '../kernel/principal.ts';
import { KeptTotal } from './kept-total.ts';
import type { SessionPorts } from './ports.ts';
import { ClientSession, type SessionSeed } from './session.ts';

const SWEEP_MS = 30_000;

/** All legacy sessions. Their ids are sealed and carry what is needed to restore them after a restart (docs/rules.md R13). */
export class SessionTable {
  readonly #ports: SessionPorts;
  readonly #plan: () => Plan;
  readonly #byId = new Map<string, ClientSession>();
  readonly #byKey = new Map<string, ClientSession>();
  readonly #perPrincipal = new Map<string, number>();
  readonly #total: KeptTotal;
  readonly #sweeper: NodeJS.Timeout;

  constructor(ports: SessionPorts, plan: () => Plan) {
    this.#ports = ports;
    this.#plan = plan;
    this.#total = new KeptTotal(() => plan().sse.maxTotalBytes);
    this.#sweeper = setInterval(
      () => this.#sweep(),
      Math.min(SWEEP_MS, Math.max(50, plan().sessions.idleMs / 4)),
    ).unref();
  }

  all(): Iterable<ClientSession> {
    return this.#byId.values();
  }

  get count(): number {
    return this.#byId.size;
  }

  /** Characters kept for clients that resume, and streams that are kept, all sessions together. */
  stored(): { readonly chars: number; readonly streams: number } {
    let streams = 0;
    for (const { stored } of this.#byId.values()) streams += stored.streams;
    return { chars: this.#total.chars, streams };
  }

  /** The session of this key that is in memory. */
  withKey(key: string): ClientSession | undefined {
    return this.#byKey.get(key);
  }

  create(
    principal: Principal,
    version: string,
    client: { capabilities: JsonObject; info: JsonObject | undefined },
  ): ClientSession {
    const seed = shortened({
      key: this.#ports.newId(),
      principal: principal.key,
      version,
      capabilities: client.capabilities,
      clientInfo: client.info,
      expiresAt: this.#ports.now() + this.#plan().sessions.maxAgeMs,
    });
    return this.#admit(this.#ports.seal(JSON.stringify(seed)), seed, principal, false);
  }

  find(id: string, principal: Principal): ClientSession | undefined {
    const present = this.#byId.get(id);
    if (present !== undefined) {
      if (present.expiresAt <= this.#ports.now()) {
        this.#bury(present, 'expired');
        return undefined;
      }
      if (!present.principal.is(principal)) return undefined;
      present.speak(principal);
      return present;
    }
    const seed = this.#unseal(id);
    if (
      seed === undefined ||
      seed.principal !== principal.key ||
      seed.expiresAt <= this.#ports.now()
    )
      return undefined;
    if (this.#ports.isBuried(seed.key)) return undefined;
    const session = this.#admit(id, seed, principal, true);
    this.#ports.onRestored(session);
    return session;
  }

  isBusy(id: string): boolean {
    return (this.#byId.get(id)?.inFlight.size ?? 0) > 0;
  }

  end(session: { readonly id: string }): void {
    const present = this.#byId.get(session.id);
    if (present !== undefined) this.#bury(present, 'ended by the client');
  }

  /** Lets go of all sessions without ending them: they can be restored by their ids. */
  close(): void {
    clearInterval(this.#sweeper);
    for (const session of [...this.#byId.values()]) session.close('the gateway is shutting down');
    this.#byId.clear();
    this.#byKey.clear();
    this.#perPrincipal.clear();
  }

  #admit(id: string, seed: SessionSeed, principal: Principal, isRestored: boolean): ClientSession {
    const { sessions, sse } = this.#plan();
    const session = new ClientSession({
      id,
      seed,
      principal,
      plan: sessions,
      bounds: {
        maxMessages: sse.maxStoredMessages,
        maxBytes: sse.maxStoredBytes,
        resumableMs: sse.resumableMs,
      },
      total: this.#total,
      firstStream: this.#ports.now(),
      isRestored,
      notes: isRestored ? this.#ports.loadNotes(seed.key) : undefined,
      onNotes: (notes) => this.#ports.saveNotes(seed.key, notes, seed.expiresAt),
      onDetached: () => this.#ports.onDetached(seed.key),
    });
    this.#byId.set(id, session);
    this.#byKey.set(session.key, session);
    const held = (this.#perPrincipal.get(seed.principal) ?? 0) + 1;
    this.#perPrincipal.set(seed.principal, held);
    if (held > sessions.maxPerPrincipal) this.#dropIdlest(session, seed.principal);
    else if (this.#byId.size > sessions.maxCount) this.#dropIdlest(session);
    return session;
  }

  #bury(session: ClientSession, reason: string): void {
    this.#ports.bury(session.key, session.expiresAt);
    this.#drop(session, reason);
  }

  #drop(session: ClientSession, reason: string): void {
    this.#byId.delete(session.id);
    this.#byKey.delete(session.key);
    const left = (this.#perPrincipal.get(session.principal.key) ?? 0) - 1;
    if (left > 0) this.#perPrincipal.set(session.principal.key, left);
    else this.#perPrincipal.delete(session.principal.key);
    session.close(reason);
    const { key, principal, version, ageMs } = session;
    const { client } = principal;
    this.#ports.onGone({ key, principal: principal.key, version, client, reason, ageMs });
  }

  #sweep(): void {
    const { idleMs } = this.#plan().sessions;
    if (idleMs === 0) return;
    for (const session of [...this.#byId.values()])
      if (session.idleMs > idleMs) this.#bury(session, 'idle for too long');
  }

  /**
   * Above the bound the one idle for longest, of one caller or of all, leaves memory; its id can still restore it. Not the one that
   * just came, which is idle only because it was not used yet: where all others are in use, there is one more.
   */
  #dropIdlest(spared: ClientSession, principal?: string): void {
    let [idlest, idleMs]: [ClientSession | undefined, number] = [undefined, 0];
    for (const session of this.#byId.values()) {
      if (session === spared) continue;
      if (principal !== undefined && session.principal.key !== principal) continue;
      const sessionMs = session.idleMs;
      if (sessionMs > idleMs) [idlest, idleMs] = [session, sessionMs];
    }
    if (idlest !== undefined) this.#drop(idlest, 'too many sessions');
  }

  #unseal(id: string): SessionSeed | undefined {
    const text = this.#ports.open(id);
    const value: unknown = text === undefined ? undefined : JSON.parse(text);
    if (!isObject(value)) return undefined;
    return {
      key: stringAt(value, 'key') ?? '',
      principal: stringAt(value, 'principal') ?? '',
      version: stringAt(value, 'version') ?? '',
      capabilities: objectAt(value, 'capabilities') ?? {},
      clientInfo: objectAt(value, 'clientInfo'),
      expiresAt: Number(value['expiresAt']),
    };
  }
}

const MAX_CAPABILITIES_CHARS = 2000;
const MAX_NAME_CHARS = 200;

/** What is kept of a client: ids travel in headers and sessions stay long, so what may be long (icons, experiments) stays out. */
function shortened(seed: SessionSeed): SessionSeed {
  const { capabilities, clientInfo } = seed;
  const isShort = JSON.stringify(capabilities).length <= MAX_CAPABILITIES_CHARS;
  return {
    ...seed,
    capabilities: isShort ? capabilities : essentialCapabilities(capabilities),
    clientInfo: clientInfo === undefined ? undefined : shortInfo(clientInfo),
  };
}

/** What a server could ask the client for, without details that nothing here depends on. */
function essentialCapabilities(capabilities: JsonObject): JsonObject {
  const kept: JsonObject = {};
  for (const name of ['roots', 'sampling', 'elicitation', 'tasks']) {
    const value = capabilities[name];
    if (value !== undefined && JSON.stringify(value).length <= MAX_NAME_CHARS) kept[name] = value;
  }
  return kept;
}

function shortInfo(clientInfo: JsonObject): JsonObject {
  const name = stringAt(clientInfo, 'name')?.slice(0, MAX_NAME_CHARS);
  const version = stringAt(clientInfo, 'version')?.slice(0, MAX_NAME_CHARS);
  return { ...(name === undefined ? {} : { name }), ...(version === undefined ? {} : { version }) };
}
