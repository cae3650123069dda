import type { Circumstances, Transport } from '../kernel/arrival.ts';
import type { Era } from '../kernel/era.ts';
import { Cancellation, isWanted, type Exchange } from '../kernel/exchange.ts';
import type { Json } from '../kernel/json.ts';
import {
  type Message,
  type Notification,
  type Request,
  type RequestId,
} from '../kernel/json-rpc.ts';
import type { Principal } from '../kernel/principal.ts';
import { Refusal } from '../kernel/refusals.ts';
import { Transients } from '../kernel/transients.ts';
import type { Gate, Session } from '../spine/ports.ts';
import { errorText, responseText, wireError } from './answer.ts';
import { eraOf, messageOf, parseBody } from './classify.ts';
import { senderOf } from './modern-checks.ts';
import { modernExchange } from './modern-exchange.ts';
import type { Traffic } from './traffic.ts';

/** How a pipe reaches its client. */
export interface PipeTerms {
  readonly transport: Transport;
  readonly principal: Principal;
  /** What the requests of the channel count for. */
  readonly traffic: Traffic;
  write(text: string): void;
}

/** A client on a channel that carries all messages both ways: stdio, or HTTP+SSE. One session lives as long as the channel. */
export class Pipe {
  readonly #gate: Gate;
  readonly #terms: PipeTerms;
  #principal: Principal;
  /** Modern requests that can be cancelled, and listen streams that can be ended, by their ids. */
  readonly #modern = new Transients<RequestId, () => void>();
  #session: Session | undefined;
  #release: (() => void) | undefined;
  #isClosed = false;
  #waiting = 0;
  /** Of the message that is being taken. */
  #circumstances: Circumstances | undefined;

  constructor(gate: Gate, terms: PipeTerms) {
    this.#gate = gate;
    this.#terms = terms;
    this.#principal = terms.principal;
  }

  /** Takes one message as text. Never throws: what is wrong is answered. The result, where there is one, ends with its answer. */
  receive(text: string, circumstances?: Circumstances): Promise<void> | undefined {
    this.#circumstances = circumstances;
    try {
      const value: Json = parseBody(text);
      if (Array.isArray(value)) throw new Refusal('BATCH_UNSUPPORTED');
      return this.#take(messageOf(value));
    } catch (error) {
      this.#refuse(null, error, 'legacy');
      return undefined;
    }
  }

  /** Takes over what a later message of the same caller has proven. */
  speak(principal: Principal): void {
    this.#principal = principal;
    this.#session?.speak(principal);
  }

  /** Whether requests still wait for their answers. */
  get isBusy(): boolean {
    return this.#waiting > 0;
  }

  /** The channel is gone: so is the session, and what it still waits for. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const end of this.#modern.values()) end();
    this.#release?.();
    if (this.#session !== undefined) this.#gate.sessions.end(this.#session);
  }

  #take(message: Message): Promise<void> | undefined {
    if (!('method' in message) || !('id' in message)) {
      this.#signal(message);
    } else if (eraOf(message, undefined) === 'modern') {
      return this.#answer(message, 'modern', () => this.#serveModern(message));
    } else if (message.method === 'initialize') {
      this.#initialize(message);
    } else {
      return this.#answer(message, 'legacy', () => this.#serveLegacy(message));
    }
    return undefined;
  }

  #answer(request: Request, era: Era, serve: () => Promise<void>): Promise<void> | undefined {
    const { traffic } = this.#terms;
    try {
      traffic.begin();
    } catch (error) {
      this.#refuse(request.id, error, era);
      return undefined;
    }
    this.#waiting += 1;
    return serve()
      .catch((error: unknown) => this.#refuse(request.id, error, era))
      .finally(() => {
        this.#waiting -= 1;
        traffic.end();
      });
  }

  #signal(message: Exclude<Message, Request>): void {
    if ('method' in message && message.method === 'notifications/cancelled') {
      this.#modern.get(message.params?.['requestId'] as RequestId)?.();
    }
    if (this.#session !== undefined) this.#gate.signal(this.#session, message);
  }

  #initialize(request: Request): void {
    try {
      if (this.#session !== undefined) throw new Refusal('DUPLICATE_INITIALIZE');
      this.#terms.traffic.admit();
      const { transport } = this.#terms;
      const { session, result } = this.#gate.initialize(
        this.#principal,
        request,
        transport,
        this.#circumstances,
      );
      this.#session = session;
      this.#write(responseText(request.id, { result }));
      const release = session.hold();
      const detach = session.standalone.attach(
        { write: (_event, text) => this.#write(text), end: () => undefined },
        undefined,
      );
      this.#release = () => {
        detach();
        release();
      };
    } catch (error) {
      this.#refuse(request.id, error, 'legacy');
    }
  }

  async #serveLegacy(request: Request): Promise<void> {
    const session = this.#session;
    if (session === undefined) throw new Refusal('SESSION_UNINITIALIZED');
    if (session.inFlight.has(request.id)) throw new Refusal('DUPLICATE_ID');
    const exchange = this.#legacyExchange(session);
    session.touch();
    session.inFlight.set(request.id, exchange.cancellation);
    try {
      const { transport } = this.#terms;
      const arrival = {
        era: 'legacy',
        transport,
        version: session.version,
        request,
        exchange,
        ...this.#told(),
      } as const;
      this.#write(responseText(request.id, await this.#gate.serve(arrival)));
    } finally {
      session.inFlight.delete(request.id);
    }
  }

  #told(): { readonly circumstances?: Circumstances } {
    return this.#circumstances === undefined ? {} : { circumstances: this.#circumstances };
  }

  #legacyExchange(session: Session): Exchange {
    return {
      era: 'legacy',
      owner: session,
      cancellation: new Cancellation(),
      notify: (message) => {
        if (isWanted(message, session, false)) this.#write(JSON.stringify(message));
      },
      ask: (question, signal) =>
        session.askOn({ write: (text) => this.#write(text) }, question, signal),
    };
  }

  async #serveModern(request: Request): Promise<void> {
    const sender = senderOf(request);
    if (this.#modern.has(request.id)) throw new Refusal('DUPLICATE_ID');
    const exchange = modernExchange(sender, this.#principal, (text) => this.#write(text));
    const arrival = {
      era: 'modern',
      transport: this.#terms.transport,
      version: sender.version,
      request,
      exchange,
      ...this.#told(),
    } as const;
    if (request.method === 'subscriptions/listen') {
      const stop = this.#gate.listen(arrival, (message: Notification) =>
        this.#write(JSON.stringify(message)),
      );
      this.#modern.set(request.id, () => {
        this.#modern.delete(request.id);
        stop();
      });
      return;
    }
    this.#modern.set(request.id, () => exchange.cancellation.cancel('cancelled by the client'));
    try {
      this.#write(responseText(request.id, await this.#gate.serve(arrival)));
    } finally {
      this.#modern.delete(request.id);
    }
  }

  #refuse(id: RequestId | null, error: unknown, era: Era): void {
    this.#gate.refused(error, undefined, this.#principal);
    const wire = wireError(error, era);
    if (wire !== undefined) this.#write(errorText(id, wire.error));
  }

  #write(text: string): void {
    if (!this.#isClosed) this.#terms.write(text);
  }
}
