import type { Answer, TextAnswer } from '../kernel/answer.ts';
import type { Admission, LimitedCall } from '../kernel/admission.ts';
import type { Arrival, Circumstances, Credentials, Transport } from '../kernel/arrival.ts';
import type { Entry } from '../kernel/entry.ts';
import type { Era } from '../kernel/era.ts';
import type { Cancellation, Exchange, Owner, Question } from '../kernel/exchange.ts';
import type { JsonObject } from '../kernel/json.ts';
import type { Message, Notification, Request, RequestId, Response } from '../kernel/json-rpc.ts';
import type { ListKind } from '../kernel/methods.ts';
import type { Decision, Permit } from '../kernel/permit.ts';
import type { Plan } from '../kernel/plan.ts';
import type { Principal } from '../kernel/principal.ts';
import type { RefusalCode } from '../kernel/refusals.ts';
import type { Target } from '../kernel/target.ts';
import type { Trace } from '../kernel/trace.ts';
import type { Transients } from '../kernel/transients.ts';

/** A stream of messages to one client. What it is given is kept a bounded while, so a client can take it up again. */
export interface OutStream {
  /** Number of the stream within its session; part of its event ids. */
  readonly id: number;
  /** Writes one message, given as JSON text. */
  write(text: string): void;
  /** Nothing more will be written. */
  end(): void;
  /** Sends a sink what came after an event, or what was never sent, and all that follows; the result lets go, and hears whether all was taken. */
  attach(sink: StreamSink, afterEvent: number | undefined): (isTaken?: boolean) => void;
}

/** Where a stream's messages go: one open response, or one pipe. */
export interface StreamSink {
  write(event: number, text: string): void;
  end(): void;
}

/** What a legacy client may see and resume; belongs to one Principal. */
export interface Session extends Owner {
  /** What the client sends as Mcp-Session-Id. */
  readonly id: string;
  /** Requests of the client that are being answered, so that it can cancel them. */
  readonly inFlight: Transients<RequestId, Cancellation>;
  /** Public URIs of the resources it subscribed to. */
  readonly subscriptions: ReadonlySet<string>;
  /** The stream for what belongs to no request. */
  readonly standalone: OutStream;
  /** A new stream for the answer to one request. */
  openStream(): OutStream;
  /** The stream and event that a Last-Event-ID names; undefined when it is not kept any more. */
  resume(
    lastEventId: string,
  ): { readonly stream: OutStream; readonly afterEvent: number } | undefined;
  /** Asks the client on a stream of its own. */
  askOn(
    stream: Pick<OutStream, 'write'>,
    question: Question,
    signal: Cancellation,
  ): Promise<JsonObject>;
  /** Takes the client's answer to a question; false when none waits for it. */
  answer(response: Response): boolean;
  /** Takes the client's progress on a question. */
  progress(params: JsonObject): void;
  /** Notes a sign of life. */
  touch(): void;
  /** Takes over what a later request of the same caller has proven, such as a token with more scopes. */
  speak(principal: Principal): void;
  /** The client has said that it is ready for messages of its own accord. */
  setInitialized(): void;
  /** A response stream of this client opened; call the result when it closes. */
  hold(): () => void;
}

/** The sessions, as the spine and the listeners use them. */
export interface Sessions {
  create(
    principal: Principal,
    version: string,
    client: { capabilities: JsonObject; info: JsonObject | undefined },
  ): Session;
  /** The session with this id, if it is this principal's and still lives. */
  find(id: string, principal: Principal): Session | undefined;
  end(session: Session): void;
  /** Whether requests of the session with this id are being answered. */
  isBusy(id: string): boolean;
  /** All that are in memory. */
  all(): Iterable<Session>;
}

/** What a client is asked before its call goes on: the server's requests by keys of ours (spec 2026-07-28, MRTR). */
export interface Asked {
  readonly asked: JsonObject;
}

/** What a call of several requests is about, for as long as it lasts. */
export interface Subject {
  /** Id of its first exchange. */
  readonly callId: string;
  readonly target: Target;
  /** Arguments that were judged and sent, where they are not those its client sent. */
  readonly args: JsonObject | undefined;
}

/** A modern client's call as its server sees it: one call, however many requests of the client it takes (docs/rules.md R3). */
export interface RoundTrip extends Exchange {
  readonly subject: Subject;
  /** What its user must agree to before it is sent anew, by our keys; undefined while it is at its server. */
  consents: JsonObject | undefined;
  /** Follows the call at its server. */
  follow(call: Promise<Answer>): void;
  /** Takes a request of the client in; resolves when the call is answered, or its client must be asked. Rejects as the call does. */
  next(turn: {
    readonly exchange: Exchange;
    readonly progressToken: RequestId | undefined;
  }): Promise<Answer | Asked>;
  /** Hands the client's answers to the server; those to nothing that is asked are ignored. */
  answer(responses: JsonObject): void;
}

/** Where calls of modern clients wait between the rounds of a multi-round-trip request (docs/rules.md R3). */
export interface Parking {
  /** A new call, whose client can be asked between its requests. */
  begin(exchange: Exchange, subject: Subject): RoundTrip;
  /** Lets a call wait for its client: what to take it up by, and until when. Throws LIMITED where too many wait. */
  park(trip: RoundTrip): { readonly id: string; readonly expiresAt: number };
  /** Takes up the call that waits under this id; undefined when none does any more. */
  take(id: string): RoundTrip | undefined;
  /** Ends a call that does not wait, at its server too. */
  drop(trip: RoundTrip, reason: string): void;
  /** Whether a call waits under this id. */
  has(id: string): boolean;
  /** Ends the call that waits under this id: its caller may no longer make it, or was not told how to go on. */
  deny(id: string): void;
}

/** What a requestState of ours says of the call that its client goes on with. */
export type Echo = {
  /** Id of the first exchange of the call. */
  readonly callId: string;
} & (
  | { readonly kind: 'parked'; readonly id: string }
  /** A modern server's own state. */
  | { readonly kind: 'upstream'; readonly upstream: string; readonly state: string }
);

/** The catalog as one Principal may see it. */
export interface View {
  /** One page of a list as the JSON text of a result for this era; undefined when the cursor is not ours. */
  list(kind: ListKind, era: Era, cursor: string | undefined): TextAnswer | undefined;
  /** A tool or prompt by the name it is listed under. */
  listed(kind: 'tools' | 'prompts', name: string): Target | undefined;
  /** One by its server's own name: of the server given, else of the only one that has it. */
  bare(kind: 'tools' | 'prompts', name: string, upstream: string | undefined): Target | undefined;
  resource(uri: string): Target | undefined;
  /** A template by its public text, for completion. */
  template(uriTemplate: string): Target | undefined;
  /** The name clients know an upstream's URI by. */
  publicUri(upstream: string, uri: string): string;
  readonly instructions: string | undefined;
  /** What a client of an era is told that it can use. */
  capabilities(era: Era): JsonObject;
  /** What every list and discovery carries in the modern protocol. */
  modernFields(): JsonObject;
  /** How long, and by whom, something may be kept that a server gives so many milliseconds. */
  freshness(ttlMs: number, isPrivate: boolean): { ttlMs: number; cacheScope: string };
  /** Whether an upstream speaks the modern protocol. */
  isModern(upstream: string): boolean;
  /** A method that the specification does not know, where one visible server alone has it. */
  extension(method: string): Target | undefined;
  /** Whether nothing can be hidden from anybody. */
  readonly isOpen: boolean;
  /** What a request would address if nothing were hidden from this caller: for the record alone. */
  readonly concealed: Pick<View, 'listed' | 'resource' | 'template' | 'extension'>;
  /** Upstreams with a capability, in order. */
  withCapability(name: string): readonly string[];
}

/** What the spine needs of each layer. */
export interface SpinePorts {
  plan(): Plan;
  readonly serverInfo: JsonObject;
  /** Who presents these credentials; a promise only where that has to be found out elsewhere. Throws Refusal. */
  identify(credentials: Credentials): Principal | Promise<Principal>;
  /** Calls `end` once what proved a caller no longer holds; call the result when there is nothing to end any more. */
  whenLapsed(principal: Principal, end: () => void): () => void;
  readonly sessions: Sessions;
  /** The catalog as this principal sees it now, with what the client's own instances offer. */
  view(principal: Principal, owner?: Owner): View;
  /** What names without prefix have meant to this client. */
  bareNames(principal: Principal, owner: Owner): BareNames;
  /** Resolves when the servers still starting are listed, or will not be soon (docs/rules.md R14); undefined when none is. */
  whenListed(): Promise<void> | undefined;
  /** The decision about a call with these arguments, as the server will get them. */
  decide(principal: Principal, target: Target, args?: JsonObject, method?: string): Decision;
  /** What is wrong with the arguments a caller sends to a tool, where that is for the gateway to check (docs/rules.md R21). */
  checkArguments(
    target: Target,
    args: JsonObject | undefined,
  ): string | undefined | Promise<string | undefined>;
  /**
   * A server's question as the client may be shown it; one that may be shown again has an id, by which it is counted once.
   * Throws Refusal when it may not be asked (docs/rules.md R7).
   */
  admitQuestion(upstream: string, owner: Owner, question: Question, id?: string): Question;
  /** Admits a permitted call; undefined where no limit is for it. Throws Refusal when a limit is reached, or when it could not be recorded. */
  admit(call: LimitedCall): Admission | undefined;
  send(
    permit: Permit,
    call: {
      method: string;
      params: JsonObject;
      headers?: Readonly<Record<string, string>> | undefined;
    },
    exchange: Exchange,
  ): Promise<Answer>;
  /** Subscribes or unsubscribes one client to a resource; the permit is for the resource. */
  subscribe(permit: Permit, owner: Owner, isOn: boolean): Promise<void>;
  setLevel(owner: Owner, level: string): Promise<void>;
  rootsChanged(owner: Owner): void;
  /** How many more resources and tasks a caller may have watched. */
  roomToWatch(principal: Principal): number;
  /** Opens a modern subscription. */
  listen(
    principal: Principal,
    wish: ListenWish,
    deliver: (message: Notification) => void,
  ): Listening;
  /** An upstream's task id as clients see it, and back: the id alone says where it belongs (docs/rules.md R12). */
  sealTask(upstream: string, principal: Principal, taskId: string): string;
  openTask(
    sealed: string,
    principal: Principal,
  ): { readonly upstream: string; readonly taskId: string } | undefined;
  readonly parking: Parking;
  /** What a client goes on with, as a requestState: until a moment in milliseconds since the epoch, else for an hour (docs/rules.md R11). */
  sealState(binding: string, echo: Echo, expiresAt?: number): string;
  /** Opens one, for the same binding alone. Throws PARAMS_INVALID with what is wrong with it. */
  openState(binding: string, sealed: string): Echo;
  record(entry: Entry): void;
  /** Id of a new exchange. */
  exchangeId(): string;
  /** The exchange's place in a trace; undefined where nothing is traced. */
  beginTrace(
    circumstances: Circumstances | undefined,
    meta: JsonObject | undefined,
  ): Trace | undefined;
  /** Notes a request that was refused before it was on any road. */
  turnedAway(code: RefusalCode, address: string | undefined, principal: string | undefined): void;
  /** Notes who made a task, and tells whether it was this principal: servers tell us of the tasks of all (docs/rules.md R12). */
  noteTask(upstream: string, principal: Principal, taskId: string): void;
  madeTask(upstream: string, principal: Principal, taskId: string): boolean;
  /** An id nobody can guess. */
  newToken(): string;
}

/** What names without prefix have meant to one client. */
export interface BareNames {
  get(kind: string, name: string): string | undefined;
  keep(kind: string, name: string, upstream: string): void;
}

/** What a modern client wants to hear of (spec 2026-07-28, subscriptions). */
export interface ListenWish {
  readonly lists: ReadonlySet<'tools' | 'prompts' | 'resources'>;
  /** Whose instances serve the client, where servers have instances of their own for it. */
  readonly instance: string;
  /** Permits for the resources wanted, by public URI. */
  readonly resources: ReadonlyMap<string, Permit>;
  /** Permits for the tasks wanted, by the id the client knows. */
  readonly tasks: ReadonlyMap<string, Permit>;
}

/** A modern subscription. */
export interface Listening {
  /** Resolves when the upstreams tell what was wished for, or will not do so soon; undefined when that is now. */
  readonly standing: Promise<void> | undefined;
  end(): void;
}

/** The door of the spine: all that a listener may do. */
export interface Gate {
  plan(): Plan;
  readonly sessions: Sessions;
  /** An id nobody can guess. */
  newToken(): string;
  /** Who presents these credentials; a promise only where that has to be found out elsewhere. Throws Refusal. */
  identify(credentials: Credentials): Principal | Promise<Principal>;
  /** Calls `end` once what proved a caller no longer holds; call the result when there is nothing to end any more. */
  whenLapsed(principal: Principal, end: () => void): () => void;
  /** Notes a refusal that happened outside the spine, by which every request leaves its record. */
  refused(error: unknown, address: string | undefined, principal?: Principal): void;
  /** The whole life of a request that has an answer. Throws Refusal, Cancelled, or what came back as RemoteError. */
  serve(arrival: Arrival): Promise<Answer>;
  initialize(
    principal: Principal,
    request: Request,
    transport: Transport,
    circumstances?: Circumstances,
  ): { readonly session: Session; readonly result: JsonObject };
  /** A notification or answer of a legacy client. */
  signal(session: Session, message: Exclude<Message, Request>): void;
  /** Opens a modern listen stream: its acknowledgement, then what happens. */
  listen(arrival: Arrival, deliver: (message: Notification) => void): () => void;
}
