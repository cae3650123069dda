import { Cancelled, type Answer } from '../kernel/answer.ts';
import type { Exchange, Owner } from '../kernel/exchange.ts';
import { PASSIVE_CAPABILITIES } from '../kernel/capabilities.ts';
import { META, MODERN_VERSION } from '../kernel/era.ts';
import type { ServerFacts } from '../kernel/inventory.ts';
import { objectAt, stringAt, type JsonObject } from '../kernel/json.ts';
import {
  notification,
  request,
  type Message,
  type Notification,
  type RequestId,
} from '../kernel/json-rpc.ts';
import type { Watched } from '../kernel/watched.ts';
import { HOUSEKEEPING } from '../kernel/methods.ts';
import type { Permit } from '../kernel/permit.ts';
import { AccessDoubt } from './access-doubt.ts';
import { Flights, resultOf, tell, withProgressToken, type Flight } from './flights.ts';
import { Acknowledgements, endOf, filterOf, isFinalEnd } from './listen-stream.ts';
import type { Link, LinkSetup } from './link.ts';
import { versionsNamedIn } from './modern-errors.ts';
import { modernHeaders } from './modern-headers.ts';
import type { LinkEvents, UpstreamCall } from './ports.ts';
import { endedWith, failureOf, timedOut, whyUnsent } from './unanswered.ts';
import { OpenFailure, shownParams, type Wire, type WireEvents, type WireFailure } from './wire.ts';

/** A link to a stateless server (protocol version 2026-07-28), over stdio or HTTP. Clients always share it. */
export class ModernLink implements Link {
  readonly owner: Owner | undefined = undefined;
  /** Modern servers ask in their answers. */
  readonly askingSince = undefined;
  readonly #setup: LinkSetup;
  readonly #clientInfo: JsonObject;
  readonly #events: LinkEvents;
  readonly #flights: Flights;
  readonly #wire: Wire;
  #facts: ServerFacts | undefined;
  #listening: Flight | undefined;
  readonly #acknowledgements = new Acknowledgements();
  readonly #doubt = new AccessDoubt(this, 'server/discover');
  #heardAt = performance.now();
  #closedFor: string | undefined;

  /** `connect` is given the link's events and returns the wire they come from. */
  constructor(
    setup: LinkSetup,
    clientInfo: JsonObject,
    events: LinkEvents,
    connect: (events: WireEvents) => Wire,
  ) {
    this.#setup = setup;
    this.#clientInfo = clientInfo;
    this.#events = events;
    this.#flights = new Flights((flight) =>
      this.#cancel(flight, 'timed out', timedOut(this.#setup.upstream, flight)),
    );
    this.#wire = connect({
      onMessage: (message, origin) => this.#receive(message, origin),
      onFailure: (id, failure) => this.#onFailure(id, failure),
      onClosed: (reason, detail) => this.#onClosed(reason, detail),
    });
  }

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

  /** Learns who the server is (spec 2026-07-28, discovery). */
  async open(timeoutMs: number): Promise<void> {
    const result = await this.#discover(timeoutMs);
    const supported = result['supportedVersions'];
    if (!Array.isArray(supported) || !supported.includes(MODERN_VERSION)) {
      throw new OpenFailure({ kind: 'protocol', message: `does not speak ${MODERN_VERSION}` });
    }
    this.#facts = {
      era: 'modern',
      version: MODERN_VERSION,
      capabilities: objectAt(result, 'capabilities') ?? {},
      instructions: stringAt(result, 'instructions'),
      serverInfo: objectAt(objectAt(result, '_meta'), META.serverInfo) ?? {},
    };
    this.#wire.settled(MODERN_VERSION);
  }

  /** A server that names our version in its rejection is asked once more (spec 2026-07-28, versioning). */
  async #discover(timeoutMs: number): Promise<JsonObject> {
    try {
      return await this.housekeeping('server/discover', {}, timeoutMs);
    } catch (error) {
      if (versionsNamedIn(error)?.includes(MODERN_VERSION) !== true) throw error;
      return this.housekeeping('server/discover', {}, timeoutMs);
    }
  }

  call(permit: Permit, call: UpstreamCall, exchange: Exchange, leftMs?: number): Promise<Answer> {
    const { owner } = exchange;
    const meta: JsonObject = {
      ...objectAt(call.params, '_meta'),
      [META.version]: MODERN_VERSION,
      [META.clientInfo]: this.#clientInfo,
      [META.capabilities]: owner.capabilities,
    };
    if (owner.logLevel !== undefined) meta[META.logLevel] = owner.logLevel;
    return new Promise((resolve, reject) => {
      const unsent = whyUnsent(exchange, this.#setup.upstream, this.#closedFor);
      if (unsent !== undefined) {
        reject(unsent);
        return;
      }
      const terms = {
        method: call.method,
        exchange,
        progressToken: meta['progressToken'] as RequestId | undefined,
        timeoutMs: this.#setup.callTimeoutMs,
        leftMs,
      };
      const flight = this.#flights.open(terms, (outcome) => {
        if (outcome instanceof Error) reject(outcome);
        else resolve(outcome);
      });
      const params = withProgressToken({ ...call.params, _meta: meta }, flight.id);
      this.#wire.send(
        request(flight.id, call.method, params),
        { ...call.headers, ...modernHeaders(call.method, params, permit.target.item) },
        permit.principal.consumer,
      );
      exchange.cancellation.listen((reason) => this.#cancel(flight, reason, new Cancelled(reason)));
    });
  }

  knowsTask(): boolean {
    // Modern links are all shared: there is none to choose from.
    return false;
  }

  async housekeeping(method: string, params: JsonObject, timeoutMs: number): Promise<JsonObject> {
    if (this.#closedFor !== undefined)
      throw new OpenFailure({ kind: 'broken', message: this.#closedFor });
    return new Promise((resolve, reject) => {
      this.#ask(method, params, timeoutMs, (outcome) => {
        try {
          resolve(resultOf(outcome));
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      });
    });
  }

  tell(method: string, params?: JsonObject): void {
    if (!HOUSEKEEPING.has(method)) throw new Error(`${method} needs a Permit`);
    this.#wire.send(notification(method, params), modernHeaders(method, params ?? {}, undefined));
  }

  async setLevel(): Promise<void> {
    // Every request says its own level.
  }

  async raiseLevel(): Promise<void> {
    // Every request says its own level.
  }

  /** Keeps one listen stream open for all clients, anew whenever the resources wanted change (spec 2026-07-28, subscriptions). */
  async watch(watched: Watched): Promise<void> {
    const filter = filterOf(this.facts.capabilities, watched);
    const before = this.#listening;
    this.#listening = undefined;
    if (Object.keys(filter).length > 0 && this.#closedFor === undefined) {
      const params = { notifications: filter };
      const flight = this.#ask('subscriptions/listen', params, 0, (outcome) =>
        this.#onListenEnd(flight, outcome),
      );
      this.#listening = flight;
      // The old stream goes on until the new one stands, so that nothing falls in between.
      await this.#acknowledgements.of(flight.id);
    }
    if (before !== undefined) this.#cancel(before, 'replaced', new Cancelled('replaced'));
  }

  async close(reason: string): Promise<void> {
    this.#onClosed(reason, undefined, true);
    await this.#wire.close();
  }

  #ask(
    method: string,
    params: JsonObject,
    timeoutMs: number,
    settle: (outcome: Answer | Error) => void,
  ): Flight {
    if (!HOUSEKEEPING.has(method)) throw new Error(`${method} needs a Permit`);
    const flight = this.#flights.open({ method, exchange: undefined, timeoutMs }, settle);
    const meta = {
      [META.version]: MODERN_VERSION,
      [META.clientInfo]: this.#clientInfo,
      [META.capabilities]: PASSIVE_CAPABILITIES,
    };
    const whole = { ...params, _meta: meta };
    this.#wire.send(request(flight.id, method, whole), modernHeaders(method, whole, undefined));
    return flight;
  }

  #onListenEnd(flight: Flight, outcome: Answer | Error): void {
    this.#acknowledgements.giveUp(flight.id);
    if (this.#listening !== flight) return;
    this.#listening = undefined;
    const why = endOf(outcome);
    this.#setup.log('debug', `the listen stream is gone: ${why}`);
    this.#events.onListenLost(isFinalEnd(outcome));
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
      // Modern servers ask by input_required; there is no request from server to client (spec 2026-07-28, MRTR).
      this.#setup.log(
        'warn',
        `sent the request ${message.method}, which this protocol version does not have`,
      );
    } else {
      this.#onNotification(message, origin);
    }
  }

  #onNotification(message: Notification, origin: RequestId | undefined): void {
    switch (message.method) {
      case 'notifications/progress':
        this.#flights.progress(message.params, this.#setup.progressResetsCallTimeout);
        break;
      case 'notifications/resources/updated':
        this.#events.onResourceUpdated(message);
        break;
      case 'notifications/tools/list_changed':
      case 'notifications/prompts/list_changed':
      case 'notifications/resources/list_changed':
        this.#events.onListChanged();
        break;
      case 'notifications/tasks':
        this.#events.onTask(message);
        break;
      case 'notifications/subscriptions/acknowledged':
        this.#acknowledgements.take(message);
        break;
      default:
        this.#onOther(message, origin);
    }
  }

  #onOther(message: Notification, origin: RequestId | undefined): void {
    const exchange =
      origin === undefined ? this.#onlyExchange() : this.#flights.get(origin)?.exchange;
    if (exchange === undefined)
      this.#setup.log('info', `${message.method}: ${shownParams(message.params)}`);
    else tell(exchange, message);
  }

  /** On stdio nothing says which request a log message is about: it is delivered while one client alone has calls in flight. */
  #onlyExchange(): Exchange | undefined {
    let latest: Exchange | undefined;
    for (const each of this.#flights.exchanges()) {
      if (latest !== undefined && latest.owner.key !== each.owner.key) return undefined;
      latest = each;
    }
    return latest;
  }

  #cancel(flight: Flight, reason: string, error: Error): void {
    if (this.#flights.get(flight.id) === undefined) return;
    this.#wire.abandon(flight.id);
    if (this.#wire.needsCancelMessage)
      this.tell('notifications/cancelled', { requestId: flight.id, reason });
    this.#flights.fail(flight.id, error);
  }

  #onFailure(id: RequestId, failure: WireFailure): void {
    const flight = this.#flights.get(id);
    if (flight === undefined) return;
    this.#flights.fail(flight.id, failureOf(this.#setup.upstream, flight, failure));
    if (failure.kind === 'unauthorized') this.#doubt.arose(this.#setup.listTimeoutMs);
  }

  #onClosed(reason: string, detail?: string, isOurs = false): void {
    if (this.#closedFor !== undefined) return;
    this.#closedFor = reason;
    this.#listening = undefined;
    this.#acknowledgements.giveUp();
    this.#flights.failAll((flight) =>
      flight.exchange === undefined
        ? new OpenFailure({ kind: 'broken', message: reason, detail })
        : endedWith(this.#setup.upstream, flight, reason, isOurs),
    );
    this.#events.onClosed(reason, detail);
  }
}
