import type { Cancellation, Question } from '../kernel/exchange.ts';
import { isWanted } from '../kernel/exchange.ts';
import { stringAt, type JsonObject } from '../kernel/json.ts';
import {
  notification,
  type Notification,
  type RequestId,
  type Response,
} from '../kernel/json-rpc.ts';
import type { SessionPlan } from '../kernel/plan.ts';
import type { Principal } from '../kernel/principal.ts';
import { Transients } from '../kernel/transients.ts';
import type { KeptTotal } from './kept-total.ts';
import { EventStore, type SessionStream, type StoreBounds } from './out-stream.ts';
import type { SessionNotes } from './ports.ts';
import { OpenQuestions } from './questions.ts';

/** What a sealed session id carries (docs/rules.md R13). */
export interface SessionSeed {
  readonly key: string;
  readonly principal: string;
  readonly version: string;
  readonly capabilities: JsonObject;
  readonly clientInfo: JsonObject | undefined;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** How a session is made. */
export interface SessionTerms {
  readonly id: string;
  readonly seed: SessionSeed;
  readonly principal: Principal;
  readonly plan: SessionPlan;
  readonly bounds: StoreBounds;
  /** What it keeps counts for. */
  readonly total: KeptTotal;
  readonly firstStream: number;
  readonly notes: SessionNotes | undefined;
  /** Whether it was made from its id alone, after a restart. */
  readonly isRestored: boolean;
  onNotes(notes: SessionNotes): void;
  /** The client's last stream broke and it did not come back in time. */
  onDetached(): void;
}

/** What a newer token may have changed. */
function rightsOf({ scopes, groups }: Principal): string {
  return JSON.stringify([scopes ?? [], groups]);
}

/** What a legacy client may see and resume. */
export class ClientSession {
  readonly id: string;
  readonly key: string;
  principal: Principal;
  readonly version: string;
  readonly capabilities: JsonObject;
  readonly clientInfo: JsonObject | undefined;
  readonly expiresAt: number;
  readonly inFlight = new Transients<RequestId, Cancellation>();
  readonly subscriptions: Set<string>;
  readonly standalone: SessionStream;
  logLevel: string | undefined;
  readonly #terms: SessionTerms;
  readonly #store: EventStore;
  readonly #questions: OpenQuestions;
  readonly #begunAt = performance.now();
  #seenAt = this.#begunAt;
  #held = 0;
  #isClosed = false;
  #isInitialized: boolean;
  #detaching: NodeJS.Timeout | undefined;

  constructor(terms: SessionTerms) {
    const { id, seed, principal, plan, bounds, notes } = terms;
    this.#terms = terms;
    this.id = id;
    this.key = seed.key;
    this.principal = principal.withClient(stringAt(seed.clientInfo, 'name'));
    this.version = seed.version;
    this.capabilities = seed.capabilities;
    this.clientInfo = seed.clientInfo;
    this.expiresAt = seed.expiresAt;
    this.logLevel = notes?.logLevel;
    this.subscriptions = new Set(notes?.subscriptions);
    this.#store = new EventStore(bounds, terms.firstStream, terms.total);
    this.#questions = new OpenQuestions(plan.askTimeoutMs, seed.version);
    this.standalone = this.#store.open();
    this.#isInitialized = terms.isRestored;
  }

  /** Takes over what a later request of the same caller has proven, such as a token with more scopes. */
  speak(principal: Principal): void {
    if (!principal.is(this.principal)) return;
    const before = this.principal;
    this.principal = principal.withClient(stringAt(this.clientInfo, 'name'));
    if (before.proven !== this.principal.proven && rightsOf(before) !== rightsOf(principal))
      this.#tellAll();
  }

  /** A token with other scopes may show other lists. */
  #tellAll(): void {
    if (!this.#isInitialized) return;
    for (const kind of ['tools', 'prompts', 'resources'])
      this.notify(notification(`notifications/${kind}/list_changed`));
  }

  /** Whether the client takes messages that answer nothing (spec 2025-11-25, lifecycle). */
  get isInitialized(): boolean {
    return this.#isInitialized;
  }

  setInitialized(): void {
    this.#isInitialized = true;
  }

  /** How long nothing was heard of the client, in milliseconds; zero while something is open. */
  get idleMs(): number {
    return this.#held > 0 || this.inFlight.size > 0 ? 0 : performance.now() - this.#seenAt;
  }

  /** How long it has been in memory, in milliseconds. */
  get ageMs(): number {
    return performance.now() - this.#begunAt;
  }

  /** What is kept for the client to resume. */
  get stored(): { readonly chars: number; readonly streams: number } {
    return this.#store.size;
  }

  get isRestored(): boolean {
    return this.#terms.isRestored;
  }

  get hasLeft(): boolean {
    return this.#isClosed || this.#held === 0;
  }

  openStream(): SessionStream {
    return this.#store.open();
  }

  resume(lastEventId: string): { stream: SessionStream; afterEvent: number } | undefined {
    const [, stream, event] = /^(\d{1,15})_(\d{1,15})$/u.exec(lastEventId) ?? [];
    const found = this.#store.find(Number(stream));
    return found === undefined ? undefined : { stream: found, afterEvent: Number(event) };
  }

  notify(message: Notification): void {
    if (isWanted(message, this, false)) this.standalone.write(JSON.stringify(message));
  }

  ask(question: Question, signal: Cancellation): Promise<JsonObject> {
    return this.askOn(this.standalone, question, signal);
  }

  askOn(
    stream: { write(text: string): void },
    question: Question,
    signal: Cancellation,
  ): Promise<JsonObject> {
    return this.#questions.ask(question, signal, (text) => stream.write(text));
  }

  answer(response: Response): boolean {
    return this.#questions.answer(response);
  }

  progress(params: JsonObject): void {
    this.#questions.progress(params);
  }

  touch(): void {
    this.#seenAt = performance.now();
    clearTimeout(this.#detaching);
    this.#detaching = undefined;
  }

  hold(): () => void {
    this.#held += 1;
    this.touch();
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#held -= 1;
      this.#seenAt = performance.now();
      if (this.#held === 0) this.#detach();
    };
  }

  setLogLevel(level: string): void {
    this.logLevel = level;
    this.#saveNotes();
  }

  setSubscribed(uri: string, isSubscribed: boolean): void {
    if (isSubscribed) this.subscriptions.add(uri);
    else this.subscriptions.delete(uri);
    this.#saveNotes();
  }

  /** Ends all that is open. */
  close(reason: string): void {
    this.#isClosed = true;
    clearTimeout(this.#detaching);
    for (const cancellation of this.inFlight.values()) cancellation.cancel(reason);
    this.#questions.abandon();
    this.#store.clear();
  }

  #detach(): void {
    clearTimeout(this.#detaching);
    this.#detaching = setTimeout(() => {
      if (this.#held === 0 && this.inFlight.size === 0) this.#terms.onDetached();
    }, this.#terms.plan.detachedMs).unref();
  }

  #saveNotes(): void {
    this.#terms.onNotes({ logLevel: this.logLevel, subscriptions: [...this.subscriptions] });
  }
}
