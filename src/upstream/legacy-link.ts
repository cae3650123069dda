import { Cancelled, type Answer } from '../kernel/answer.ts';
import type { Exchange, Owner } from '../kernel/exchange.ts';
import { LATEST_LEGACY_VERSION, LEGACY_VERSIONS } from '../kernel/era.ts';
import type { ServerFacts } from '../kernel/inventory.ts';
import { isObject, objectAt, stringAt, type JsonObject } from '../kernel/json.ts';
import {
  notification,
  request,
  type Message,
  type Notification,
  type Request,
  type RequestId,
} from '../kernel/json-rpc.ts';
import { HOUSEKEEPING } from '../kernel/methods.ts';
import type { Permit } from '../kernel/permit.ts';
import { Refusal } from '../kernel/refusals.ts';
import {
  Flights,
  refusalFor,
  resultOf,
  timedOut,
  whyUnsent,
  withProgressToken,
  type Flight,
} from './flights.ts';
import { TASK_METHODS } from '../kernel/tasks.ts';
import type { Watched } from '../kernel/watched.ts';
import { Followers } from './followers.ts';
import type { Link, LinkSetup } from './link.ts';
import { Owners, ownerOf } from './owners.ts';
import type { LinkEvents, LinkTerms, UpstreamCall } from './ports.ts';
import { Questions } from './questions.ts';
import { Watching } from './watching.ts';
import { OpenFailure, shownParams, type Wire, type WireEvents, type WireFailure } from './wire.ts';

/** Above the ids of a probe, whose late answers must not be taken for ours. */
const FIRST_ID = 1000;

/** A link to a server that begins with `initialize` (protocol versions up to 2025-11-25), over any wire. */
export class LegacyLink implements Link {
  readonly owner: Owner | undefined;
  readonly #setup: LinkSetup;
  readonly #terms: LinkTerms;
  readonly #events: LinkEvents;
  readonly #flights: Flights;
  readonly #owners: Owners;
  readonly #questions: Questions;
  readonly #followers = new Followers();
  #wire: Wire | undefined;
  #facts: ServerFacts | undefined;
  readonly #watching = new Watching((method, uri) =>
    this.housekeeping(method, { uri }, this.#setup.listTimeoutMs),
  );
  #heardAt = performance.now();
  #closedFor: string | undefined;

  constructor(setup: LinkSetup, terms: LinkTerms, events: LinkEvents) {
    this.#setup = setup;
    this.#terms = terms;
    this.#events = events;
    this.owner = terms.owner;
    this.#flights = new Flights((flight) => this.#onTimeout(flight), FIRST_ID);
    this.#owners = new Owners(this.#flights, terms.owner);
    this.#questions = new Questions({
      reply: (message) => this.#wire?.send(message),
      onTask: (taskId, owner) => this.#followers.remember(taskId, owner),
      publicTasks: (owner, params) => setup.publicTasks(owner, params),
      ownTasks: (owner, value) => setup.ownTasks(owner, value),
      admitQuestion: (owner, question) => setup.admitQuestion(owner, question),
    });
  }

  /** The wire's events; hand them to the connector, then call `open` with its wire. */
  readonly wireEvents: WireEvents = {
    onMessage: (message, origin) => this.#receive(message, origin),
    onFailure: (id, failure) => this.#onFailure(id, failure),
    onClosed: (reason, detail) => this.#onClosed(reason, detail),
  };

  get facts(): ServerFacts {
    if (this.#facts === undefined) throw new Error('link is not open yet');
    return this.#facts;
  }

  get inFlight(): number {
    return this.#flights.calls;
  }

  get heardAt(): number {
    return this.#heardAt;
  }

  get isOpen(): boolean {
    return this.#facts !== undefined && this.#closedFor === undefined;
  }

  /** Agrees on the lifecycle (spec 2025-11-25, lifecycle). Throws what the server did instead. */
  async open(wire: Wire, clientInfo: JsonObject, timeoutMs: number): Promise<void> {
    this.#wire = wire;
    const asked = LEGACY_VERSIONS.includes(this.#terms.version)
      ? this.#terms.version
      : LATEST_LEGACY_VERSION;
    const params = { protocolVersion: asked, capabilities: this.#terms.capabilities, clientInfo };
    const result = await this.housekeeping('initialize', params, timeoutMs);
    const version = stringAt(result, 'protocolVersion') ?? asked;
    if (!LEGACY_VERSIONS.includes(version)) {
      throw new OpenFailure({
        kind: 'protocol',
        message: `speaks protocol version ${version}, which this gateway does not`,
      });
    }
    this.#facts = {
      era: 'legacy',
      version,
      capabilities: objectAt(result, 'capabilities') ?? {},
      instructions: stringAt(result, 'instructions'),
      serverInfo: objectAt(result, 'serverInfo') ?? {},
    };
    wire.settled(version);
    this.tell('notifications/initialized');
    // What the server sends of its own accord while the first call runs would be lost without it.
    await wire.listen();
  }

  call(permit: Permit, call: UpstreamCall, exchange: Exchange): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const unsent = whyUnsent(exchange, this.#setup.upstream, this.#closedFor);
      if (unsent !== undefined) {
        reject(unsent);
        return;
      }
      // A modern exchange is over when it is answered: nobody is left of it who could be asked late.
      if (exchange.era === 'legacy') this.#owners.saw(exchange.owner);
      const terms = {
        method: call.method,
        exchange,
        progressToken: objectAt(call.params, '_meta')?.['progressToken'] as RequestId | undefined,
        timeoutMs: this.#setup.callTimeoutMs,
      };
      const flight = this.#flights.open(terms, (outcome) => {
        if (outcome instanceof Error) reject(outcome);
        else resolve(this.#follow(outcome, exchange.owner));
      });
      const params = withProgressToken(call.params, flight.id);
      const { consumer } = permit.principal;
      this.#wire?.send(request(flight.id, call.method, params), call.headers, consumer);
      exchange.cancellation.listen((reason) => this.#cancel(flight, reason, new Cancelled(reason)));
    });
  }

  knowsTask(taskId: string): boolean {
    return this.#followers.of(taskId) !== undefined;
  }

  async housekeeping(method: string, params: JsonObject, timeoutMs: number): Promise<JsonObject> {
    if (!HOUSEKEEPING.has(method)) throw new Error(`${method} needs a Permit`);
    if (this.#closedFor !== undefined)
      throw new OpenFailure({ kind: 'broken', message: this.#closedFor });
    return new Promise((resolve, reject) => {
      const flight = this.#flights.open({ method, exchange: undefined, timeoutMs }, (outcome) => {
        try {
          resolve(resultOf(outcome));
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      });
      this.#wire?.send(request(flight.id, method, params));
    });
  }

  tell(method: string, params?: JsonObject): void {
    if (!HOUSEKEEPING.has(method)) throw new Error(`${method} needs a Permit`);
    this.#wire?.send(notification(method, params));
  }

  /** Subscribes to what is new in the list and unsubscribes from what left it (spec 2025-11-25, resources, "Subscriptions"). */
  async watch({ resources: uris }: Watched): Promise<void> {
    await this.#watching.set(uris);
  }

  async close(reason: string): Promise<void> {
    this.#onClosed(reason);
    await this.#wire?.close();
  }

  /** One message that cannot be passed on must not take the others, or the gateway, with it. */
  #receive(message: Message, origin: RequestId | undefined): void {
    this.#heardAt = performance.now();
    try {
      this.#dispatch(message, origin);
    } catch (error) {
      this.#setup.log('warn', `a message was dropped: ${String(error)}`);
    }
  }

  #dispatch(message: Message, origin: RequestId | undefined): void {
    if (!('method' in message)) {
      if (!this.#flights.answer(message))
        this.#setup.log('debug', `answered request ${String(message.id)}, which nobody waits for`);
    } else if ('id' in message) {
      this.#onRequest(message, origin);
    } else {
      this.#onNotification(message, origin);
    }
  }

  #onRequest(message: Request, origin: RequestId | undefined): void {
    if (message.method === 'ping') {
      this.#wire?.send({ jsonrpc: '2.0', id: message.id, result: {} });
      return;
    }
    const follower = this.#followers.of(stringAt(message.params, 'taskId'));
    if (follower === undefined && TASK_METHODS.has(message.method)) {
      // Tasks at a client may be those of other servers: a server is told of the ones it has made alone.
      this.#questions.refuse(message.id, 'This task was not made over this connection.');
      return;
    }
    const claim =
      follower === undefined
        ? this.#owners.ofQuestion(typeof origin === 'number' ? origin : undefined)
        : ({ owner: follower } as const);
    if (claim === undefined) {
      this.#questions.refuse(message.id, 'It is not known which client this is for.');
      this.#events.onInteractive(message.method);
      return;
    }
    // A server that asks at all may ask late, on behalf of a call that has ended: sharing ends with the first question.
    if (this.owner === undefined && origin === undefined)
      this.#events.onInteractive(message.method);
    const elicitationId = stringAt(message.params, 'elicitationId');
    if (elicitationId !== undefined) this.#followers.remember(elicitationId, ownerOf(claim));
    void this.#questions.bring(message, claim);
  }

  #onNotification(message: Notification, origin: RequestId | undefined): void {
    switch (message.method) {
      case 'notifications/progress':
        this.#flights.progress(message.params, this.#setup.progressResetsCallTimeout);
        break;
      case 'notifications/message':
        this.#onLog(message, origin);
        break;
      case 'notifications/resources/updated':
        this.#events.onResourceUpdated(message);
        break;
      case 'notifications/tools/list_changed':
      case 'notifications/prompts/list_changed':
      case 'notifications/resources/list_changed':
        this.#events.onListChanged();
        break;
      case 'notifications/cancelled':
        this.#questions.withdraw(message.params?.['requestId'] as RequestId);
        break;
      default:
        this.#onOther(message, origin);
    }
  }

  #onLog(message: Notification, origin: RequestId | undefined): void {
    const claim = this.#owners.ofLog(typeof origin === 'number' ? origin : undefined);
    if (claim === undefined) {
      this.#setup.log('info', `log: ${shownParams(message.params)}`);
    } else if ('exchange' in claim) {
      claim.exchange.notify(message);
    } else if (this.#setup.hears(claim.owner)) {
      claim.owner.notify(message);
    }
  }

  /** Notifications about a task or an elicitation go to whom it belongs; unknown ones only where the owner is beyond doubt. */
  #onOther(message: Notification, origin: RequestId | undefined): void {
    const id = stringAt(message.params, 'taskId') ?? stringAt(message.params, 'elicitationId');
    const owner = this.#followers.of(id) ?? this.owner;
    const exchange = this.#flights.get(origin)?.exchange;
    const to = exchange?.owner ?? owner;
    const told = to === undefined ? message : this.#inPublicTerms(message, to);
    if (exchange !== undefined) exchange.notify(told);
    else if (owner !== undefined && this.#setup.hears(owner)) owner.notify(told);
    else this.#setup.log('debug', `sent ${message.method}, which belongs to no client`);
  }

  #inPublicTerms(message: Notification, owner: Owner): Notification {
    if (message.params === undefined) return message;
    return notification(message.method, this.#setup.publicTasks(owner, message.params));
  }

  /** Remembers who made a task, so that its status notifications find their way. */
  #follow(answer: Answer, owner: Owner): Answer {
    const task = 'result' in answer ? answer.result['task'] : undefined;
    const taskId = isObject(task) ? stringAt(task, 'taskId') : undefined;
    if (taskId !== undefined) this.#followers.remember(taskId, owner);
    return answer;
  }

  #cancel(flight: Flight, reason: string, error: Error): void {
    if (this.#flights.get(flight.id) === undefined) return;
    this.tell('notifications/cancelled', { requestId: flight.id, reason });
    this.#wire?.abandon(flight.id);
    if (flight.exchange !== undefined) this.#owners.gaveUp(flight.exchange.owner);
    this.#flights.fail(flight.id, error);
  }

  #onTimeout(flight: Flight): void {
    const error = timedOut(this.#setup.upstream, flight);
    if (flight.method === 'initialize') this.#flights.fail(flight.id, error);
    else this.#cancel(flight, 'timed out', error);
  }

  #onFailure(id: RequestId, failure: WireFailure): void {
    // Others in flight may have met the same: each is told by its own failure, and none of them has run.
    if (failure.kind === 'session-lost') this.#retire(failure.message);
    const flight = this.#flights.get(id);
    if (flight === undefined) return;
    const error =
      flight.exchange === undefined
        ? new OpenFailure(failure)
        : refusalFor(this.#setup.upstream, failure);
    this.#flights.fail(flight.id, error);
  }

  #onClosed(reason: string, detail?: string): void {
    this.#questions.withdrawAll();
    this.#flights.failAll((flight) =>
      flight.exchange === undefined
        ? new OpenFailure({ kind: 'broken', message: reason, detail })
        : new Refusal(
            'UPSTREAM_LOST',
            `Server "${this.#setup.upstream}" ${reason}; ${flight.method} may or may not have run.`,
          ),
    );
    this.#retire(reason, detail);
  }

  /** Nothing is sent over this link any more. */
  #retire(reason: string, detail?: string): void {
    if (this.#closedFor !== undefined) return;
    this.#closedFor = reason;
    this.#events.onClosed(reason, detail);
  }
}
