import { levelPasses, type Era } from './era.ts';
import type { JsonObject } from './json.ts';
import type { Notification } from './json-rpc.ts';
import type { Principal } from './principal.ts';

/** What a server asks of a client: elicitation, sampling or roots. */
export interface Question {
  readonly method: string;
  readonly params?: JsonObject;
  /** Takes the progress the client reports on it, under the token the server chose. */
  onProgress?(params: JsonObject): void;
}

/** The client on whose behalf an upstream works, for servers that keep a process or session per client. */
export interface Owner {
  /** Unique for a legacy session, or for one modern exchange with its further rounds. */
  readonly key: string;
  /** Who it is by its latest request: a session may be gone on with by a newer token of the same caller. */
  readonly principal: Principal;
  readonly version: string;
  /** Client capabilities as declared. */
  readonly capabilities: JsonObject;
  readonly clientInfo: JsonObject | undefined;
  /** Whether nothing can reach the client outside its requests: its session ended, or no stream of it is open. */
  readonly hasLeft: boolean;
  /** Whether the client began before this process did: what was kept for it alone is lost. */
  readonly isRestored: boolean;
  /** Log level wanted, undefined when none was set. */
  logLevel: string | undefined;
  /** Delivers a notification outside any call; dropped when the client has no open stream. */
  notify(notification: Notification): void;
  /** Asks the client outside any call; rejects when it cannot be asked. */
  ask(question: Question, signal: Cancellation): Promise<JsonObject>;
}

/** One request on its way through the gateway, with the way back to the client that sent it. */
export interface Exchange {
  readonly era: Era;
  readonly owner: Owner;
  readonly cancellation: Cancellation;
  /** Whether its client has heard of what its server does, or was asked: noted by whoever told it. */
  isBegun?: boolean;
  /** Delivers a notification that belongs to this request, before its answer. */
  notify(notification: Notification): void;
  /** Asks the client within this request; rejects with a Refusal when it cannot be asked, with a RemoteError when it says no. */
  ask(question: Question, signal: Cancellation): Promise<JsonObject>;
  /** Has the server's level told to whoever set it, when a later request of the client wants another (docs/rules.md R10). */
  onLevel?(listener: (level: string) => void): void;
  /** Told that its server asked what the client did not declare, where that ends the call (docs/rules.md R16). */
  lacks?(requiredCapabilities: JsonObject): void;
}

/** A cancel signal with one listener, cheaper than AbortController on the hot path. */
export class Cancellation {
  #reason: string | undefined;
  #listener: ((reason: string) => void) | undefined;

  /** Why it was cancelled; undefined while it is not. */
  get reason(): string | undefined {
    return this.#reason;
  }

  /** Cancels once; later calls do nothing. */
  cancel(reason: string): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#listener?.(reason);
  }

  /** Sets the one listener (the stage that now waits); called at once when already cancelled. */
  listen(listener: ((reason: string) => void) | undefined): void {
    this.#listener = listener;
    if (listener !== undefined && this.#reason !== undefined) listener(this.#reason);
  }
}

/** Whether a notification may go to a client: log messages only as its level allows, all others always. */
export function isWanted(message: Notification, owner: Owner, needsLevel: boolean): boolean {
  if (message.method !== 'notifications/message') return true;
  if (needsLevel && owner.logLevel === undefined) return false;
  const level = message.params?.['level'];
  return typeof level !== 'string' || levelPasses(level, owner.logLevel);
}
