import { Cancelled, type Answer } from '../kernel/answer.ts';
import type { Exchange, Owner } from '../kernel/exchange.ts';
import { LATEST_LEGACY_VERSION, LEGACY_VERSIONS } from '../kernel/era.ts';
import type { ServerFacts } from '../kernel/inventory.ts';
import { isObject, objectAt, stringAt, type JsonObject } from '../kernel/json.ts';
import { notification, request, type Message, type RequestId } from '../kernel/json-rpc.ts';
import { HOUSEKEEPING } from '../kernel/methods.ts';
import type { Permit } from '../kernel/permit.ts';
import { AccessDoubt } from './access-doubt.ts';
import { Flights, resultOf, withProgressToken, type Flight } from './flights.ts';
import type { Watched } from '../kernel/watched.ts';
import { Inbox } from './inbox.ts';
import type { Link, LinkSetup } from './link.ts';
import { LogLevel } from './log-level.ts';
import type { LinkEvents, LinkTerms, UpstreamCall } from './ports.ts';
import { Watching } from './watching.ts';
import { endedWith, failureOf, timedOut, whyUnsent } from './unanswered.ts';
import { OpenFailure, type Wire, type WireEvents, type WireFailure } from './wire.ts';

/** Above the ids of a probe, whose late answers must not be taken for ours. */
const FIRST_ID = 1000;

/** A link to a server that begins with `initialize` (protocol versions up to 2025-11-25), over any wire. */
export class LegacyLink implements Link {
  readonly owner: Owner | undefined;
  readonly #setup: LinkSetup;
  readonly #terms: LinkTerms;
  readonly #events: LinkEvents;
  readonly #flights: Flights;
  readonly #inbox: Inbox;
  #wire: Wire | undefined;
  #facts: ServerFacts | undefined;
  readonly #watching = new Watching((method, uri) =>
    this.housekeeping(method, { uri }, this.#setup.listTimeoutMs),
  );
  readonly #level = new LogLevel((level, timeoutMs) =>
    this.housekeeping('logging/setLevel', { level }, timeoutMs),
  );
  readonly #doubt = new AccessDoubt(this, 'ping');
  #heardAt = performance.now();
  #closedFor: string | undefined;

  constructor(setup: LinkSetup, terms: LinkTerms, events: LinkEvents) {
    this.#setup = setup;
    this.#terms = terms;
    this.#events = events;
    this.owner = terms.owner;
    this.#flights = new Flights((flight) => this.#onTimeout(flight), FIRST_ID, setup.onAsking);
    this.#inbox = new Inbox({
      setup,
      owner: terms.owner,
      capabilities: terms.capabilities,
      events,
      flights: this.#flights,
      reply: (message) => this.#wire?.send(message),
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

  get askingSince(): number | undefined {
    return this.#flights.askingSince;
  }

  /** How much it keeps for clients: open questions, who uses it, whose tasks it runs. Nothing once it is closed. */
  get kept(): number {
    return this.#inbox.kept;
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

  call(permit: Permit, call: UpstreamCall, exchange: Exchange, leftMs?: number): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const unsent = whyUnsent(exchange, this.#setup.upstream, this.#closedFor);
      if (unsent !== undefined) {
        reject(unsent);
        return;
      }
      this.#inbox.began(exchange);
      const terms = {
        method: call.method,
        exchange,
        progressToken: objectAt(call.params, '_meta')?.['progressToken'] as RequestId | undefined,
        timeoutMs: this.#setup.callTimeoutMs,
        leftMs,
      };
      const flight = this.#flights.open(terms, (outcome) => {
        this.#inbox.ended(outcome, exchange);
        if (outcome instanceof Error) reject(outcome);
        else resolve(outcome);
      });
      const params = withProgressToken(paramsOf(permit, call), flight.id);
      const { consumer } = permit.principal;
      this.#wire?.send(request(flight.id, call.method, params), call.headers, consumer);
      exchange.cancellation.listen((reason) => this.#cancel(flight, reason, new Cancelled(reason)));
    });
  }

  knowsTask(taskId: string): boolean {
    return this.#inbox.knowsTask(taskId);
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

  async setLevel(level: string, timeoutMs: number): Promise<void> {
    if (this.#hasLogs) await this.#level.set(level, timeoutMs);
  }

  async raiseLevel(level: string, timeoutMs: number): Promise<void> {
    if (this.#hasLogs) await this.#level.raise(level, timeoutMs);
  }

  get #hasLogs(): boolean {
    return isObject(this.#facts?.capabilities['logging']);
  }

  /** Subscribes to what is new in the list and unsubscribes from what left it (spec 2025-11-25, resources, "Subscriptions"). */
  async watch({ resources: uris }: Watched): Promise<void> {
    await this.#watching.set(uris);
  }

  async close(reason: string): Promise<void> {
    this.#onClosed(reason, undefined, true);
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
      if (this.#flights.answer(message)) return;
      this.#inbox.answeredLate(message.id);
      this.#setup.log('debug', `answered request ${String(message.id)}, which nobody waits for`);
    } else if ('id' in message) {
      this.#inbox.takeRequest(message, origin);
    } else if (message.method === 'notifications/progress') {
      this.#flights.progress(message.params, this.#setup.progressResetsCallTimeout);
    } else {
      this.#inbox.takeNotification(message, origin);
    }
  }

  #cancel(flight: Flight, reason: string, error: Error): void {
    if (this.#flights.get(flight.id) === undefined) return;
    this.tell('notifications/cancelled', { requestId: flight.id, reason });
    this.#wire?.abandon(flight.id);
    if (flight.exchange !== undefined) this.#inbox.gaveUp(flight.id, flight.exchange);
    this.#flights.fail(flight.id, error);
  }

  #onTimeout(flight: Flight): void {
    const error = timedOut(this.#setup.upstream, flight);
    if (flight.method === 'initialize') this.#flights.fail(flight.id, error);
    else this.#cancel(flight, 'timed out', error);
  }

  #onFailure(id: RequestId, failure: WireFailure): void {
    // Others in flight may have met the same: each is told by its own failure, which says whether it can have run.
    if (failure.kind === 'session-lost') this.#retire(failure.message);
    const flight = this.#flights.get(id);
    if (flight === undefined) return;
    if (failure.kind === 'session-lost' && flight.exchange !== undefined)
      this.#inbox.lost(flight.exchange);
    this.#flights.fail(flight.id, failureOf(this.#setup.upstream, flight, failure));
    if (failure.kind === 'unauthorized') this.#doubt.arose(this.#setup.listTimeoutMs);
  }

  #onClosed(reason: string, detail?: string, isOurs = false): void {
    this.#inbox.close();
    this.#flights.failAll((flight) =>
      flight.exchange === undefined
        ? new OpenFailure({ kind: 'broken', message: reason, detail })
        : endedWith(this.#setup.upstream, flight, reason, isOurs),
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

/** Parameters without what only modern servers know (spec 2026-07-28, multi-round-trip requests); of extensions as they came. */
function paramsOf({ target }: Permit, { params }: UpstreamCall): JsonObject {
  if (target.kind === 'extension') return params;
  if (params['inputResponses'] === undefined && params['requestState'] === undefined) return params;
  const { inputResponses: _answers, requestState: _state, ...rest } = params;
  return rest;
}
