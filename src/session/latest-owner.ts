import type { Cancellation, Owner, Question } from '../kernel/exchange.ts';
import type { JsonObject } from '../kernel/json.ts';
import type { Notification } from '../kernel/json-rpc.ts';
import type { Principal } from '../kernel/principal.ts';

/** The way back to the client of a call. */
export interface WayBack {
  notify(notification: Notification): void;
  ask(question: Question, signal: Cancellation): Promise<JsonObject>;
}

/**
 * The client of a call of several requests: the same to its server all along, and by what its latest request says and has
 * proven (docs/rules.md R13). It can be asked as soon as a link is opened for it, before the call itself is on its way.
 */
export class LatestOwner implements Owner {
  readonly key: string;
  readonly hasLeft = false;
  readonly isRestored = false;
  owner: Owner;
  readonly #back: WayBack;

  constructor(owner: Owner, back: WayBack) {
    this.key = owner.key;
    this.owner = owner;
    this.#back = back;
  }

  get principal(): Principal {
    return this.owner.principal;
  }

  get version(): string {
    return this.owner.version;
  }

  get capabilities(): JsonObject {
    return this.owner.capabilities;
  }

  get clientInfo(): JsonObject | undefined {
    return this.owner.clientInfo;
  }

  get logLevel(): string | undefined {
    return this.owner.logLevel;
  }

  set logLevel(level: string | undefined) {
    this.owner.logLevel = level;
  }

  notify(notification: Notification): void {
    this.#back.notify(notification);
  }

  ask(question: Question, signal: Cancellation): Promise<JsonObject> {
    return this.#back.ask(question, signal);
  }
}
