import type { Answer } from '../kernel/answer.ts';
import type { Exchange, Owner, Question } from '../kernel/exchange.ts';
import type { ServerFacts } from '../kernel/inventory.ts';
import type { JsonObject } from '../kernel/json.ts';
import type { Permit } from '../kernel/permit.ts';
import type { Watched } from '../kernel/watched.ts';
import type { UpstreamCall } from './ports.ts';

/** One live, initialized connection to a server. */
export interface Link {
  readonly facts: ServerFacts;
  /** The one client it serves; undefined when clients share it. */
  readonly owner: Owner | undefined;
  /** Clients' calls now in flight. */
  readonly inFlight: number;
  /** Milliseconds (monotonic) since when all it does is wait for its client's answer to a question; undefined when it does more. */
  readonly askingSince: number | undefined;
  /** Milliseconds (monotonic) when the server was last heard. */
  readonly heardAt: number;
  readonly isOpen: boolean;
  /**
   * Sends a permitted request of a client and follows its cancellation. Of its time `leftMs` are left, where it has waited
   * before; zero: no limit.
   */
  call(permit: Permit, call: UpstreamCall, exchange: Exchange, leftMs?: number): Promise<Answer>;
  /** Whether a task was made over this very link, whose server alone knows it then. */
  knowsTask(taskId: string): boolean;
  /** Sends a request of the gateway's own; methods are limited (docs/rules.md R2). */
  housekeeping(method: string, params: JsonObject, timeoutMs: number): Promise<JsonObject>;
  /** Sends a notification of the gateway's own. */
  tell(method: string, params?: JsonObject): void;
  /** Tells the server which log messages are wanted, where it can be told; never rejects. */
  setLevel(level: string, timeoutMs: number): Promise<void>;
  /** The same, unless the server was told that level or a more verbose one already. */
  raiseLevel(level: string, timeoutMs: number): Promise<void>;
  /** Has the server report changes of these, and of its lists where it must be asked for that. */
  watch(watched: Watched): Promise<void>;
  close(reason: string): Promise<void>;
}

/** What a link is made with. */
export interface LinkSetup {
  readonly upstream: string;
  readonly callTimeoutMs: number;
  readonly listTimeoutMs: number;
  readonly progressResetsCallTimeout: boolean;
  publicTasks(owner: Owner, params: JsonObject): JsonObject;
  ownTasks(owner: Owner, value: JsonObject): JsonObject;
  /** A question as its client may be shown it. Throws Refusal when it may not be asked (docs/rules.md R7). */
  admitQuestion(owner: Owner, question: Question): Question;
  /** Whether an owner may still hear of this upstream outside its calls. */
  hears(owner: Owner): boolean;
  /** A client's call begins to wait for its client alone, or does not any more. */
  readonly onAsking: (isAsking: boolean) => void;
  log(level: 'debug' | 'info' | 'warn', message: string): void;
}
