import type { Owner, Question } from '../kernel/exchange.ts';
import type { Era } from '../kernel/era.ts';
import type { Inventory, UpstreamState } from '../kernel/inventory.ts';
import type { JsonObject } from '../kernel/json.ts';
import type { Notification } from '../kernel/json-rpc.ts';
import type { Watched } from '../kernel/watched.ts';
import type { LunarGateway } from './lunar/lunar-gateway.ts';

/** Severity of a line about an upstream. */
export type Level = 'debug' | 'info' | 'warn' | 'error';

/** What was found out about a server and is worth keeping across restarts. */
export interface Verdict {
  readonly era: Era;
  readonly isInteractive: boolean;
  /** When its era was found out or confirmed, in milliseconds since the epoch. */
  readonly at: number;
  /** Whether asking for discovery costs: it ended the process, or was met with silence. */
  readonly isProbeCostly?: boolean;
}

/** What the upstream layer needs from the rest of the gateway. */
export interface UpstreamPorts {
  readonly clientInfo: JsonObject;
  /** Variables every child process gets, apart from what its entry names. */
  readonly inheritedEnv: Readonly<Record<string, string>>;
  readonly startConcurrency: number;
  /** What outgoing HTTP goes through, where one is configured. */
  readonly lunar?: LunarGateway | undefined;
  now(): number;
  /** Pause between the news that a list changed and reading it, in milliseconds. */
  listDebounceMs(): number;
  log(level: Level, upstream: string, message: string): void;
  /** Takes out of a text what is a secret of anybody, besides the values this server was given. */
  readonly scrub?: (text: string) => string;
  /** Takes exactly the secrets of the configuration out of what clients are told. */
  readonly mask?: (text: string) => string;
  onState(state: UpstreamState): void;
  /** A new inventory, or undefined when the upstream offers nothing any more. */
  onInventory(upstream: string, inventory: Inventory | undefined): void;
  /** A task changed that some client watches. */
  onTask(upstream: string, message: Notification): void;
  /** What one client's own instance offers has changed; undefined when that instance is gone. */
  onOwnInventory(upstream: string, ownerKey: string, inventory: Inventory | undefined): void;
  /** A resource changed, as told on a link that clients share, or on the link of one owner. */
  onResourceUpdated(upstream: string, uri: string, owner: Owner | undefined): void;
  /** Parameters with this upstream's task ids as the owner's client knows them, or, from the client, the other way round. */
  publicTasks(upstream: string, owner: Owner, params: JsonObject): JsonObject;
  ownTasks(owner: Owner, value: JsonObject): JsonObject;
  /** A server's question as its client may be shown it. Throws Refusal when it may not be asked (docs/rules.md R7). */
  admitQuestion(upstream: string, owner: Owner, question: Question): Question;
  /** Whether an owner may still hear of an upstream outside its calls. */
  hears(upstream: string, owner: Owner): boolean;
  /** What of an upstream is watched for the clients that share it, or for one over a link of its own. */
  watched(upstream: string, ownerKey?: string): Watched;
  /** The log level that links which clients share should have; undefined when nobody asked for one. */
  sharedLevel(): string | undefined;
  recallVerdict(fingerprint: string): Verdict | undefined;
  rememberVerdict(fingerprint: string, verdict: Verdict): void;
  recallInventory(fingerprint: string): Inventory | undefined;
  /** The inventory comes as the JSON text to keep. */
  rememberInventory(fingerprint: string, inventory: string): void;
}

/** What goes to an upstream for one permitted request: method, and params in the upstream's own names. */
export interface UpstreamCall {
  readonly method: string;
  readonly params: JsonObject;
  /** Further headers, for servers reached over HTTP. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** Where a message that no call claims may go. */
export interface LinkEvents {
  onListChanged(): void;
  onResourceUpdated(notification: Notification): void;
  /** A task changed that is watched for (spec 2026-07-28, tasks extension). */
  onTask(notification: Notification): void;
  /** The server asked something that no owner could be found for. */
  onInteractive(method: string): void;
  /** The stream for changes ended while the link lives; final where the server does not have such streams. */
  onListenLost(isFinal: boolean): void;
  onClosed(reason: string, detail: string | undefined): void;
}

/** Options of a link: what it declares, and for whom it is. */
export interface LinkTerms {
  readonly capabilities: JsonObject;
  readonly version: string;
  /** The one client this link is for; undefined when clients share it. */
  readonly owner: Owner | undefined;
}
