import type { Answer } from '../kernel/answer.ts';
import { canBeAsked, missingFor } from '../kernel/capabilities.ts';
import type { Exchange, Owner } from '../kernel/exchange.ts';
import { isObject, stringAt, type JsonObject } from '../kernel/json.ts';
import {
  notification,
  type Notification,
  type Request,
  type RequestId,
  type Response,
} from '../kernel/json-rpc.ts';
import { TASK_METHODS } from '../kernel/tasks.ts';
import { tell, type Flights } from './flights.ts';
import { Followers } from './followers.ts';
import type { LinkSetup } from './link.ts';
import { Owners, ownerOf, type Claim } from './owners.ts';
import type { LinkEvents } from './ports.ts';
import { Questions } from './questions.ts';
import { shownParams } from './wire.ts';

/** What an inbox needs of its link. */
export interface InboxTerms {
  readonly setup: LinkSetup;
  /** The one client the link is for; undefined when clients share it. */
  readonly owner: Owner | undefined;
  /** What the link declared that clients can be asked. */
  readonly capabilities: JsonObject;
  readonly events: LinkEvents;
  readonly flights: Flights;
  reply(message: Response | Notification): void;
}

/** What a server is told that asks for what nobody declared. */
const UNDECLARED = -32601;

/** What a legacy server sends of its own accord, brought to the client it belongs to (docs/rules.md R9, R10). */
export class Inbox {
  readonly #terms: InboxTerms;
  readonly #owners: Owners;
  readonly #questions: Questions;
  readonly #followers = new Followers();
  /** Calls that may have needed what their clients did not declare: they did, if they fail for that. */
  readonly #lacking = new Map<Exchange, JsonObject>();

  constructor(terms: InboxTerms) {
    const { setup, owner, flights } = terms;
    this.#terms = terms;
    this.#owners = new Owners(flights, owner);
    this.#questions = new Questions({
      reply: (message) => terms.reply(message),
      onTask: (taskId, follower) => this.#followers.remember(taskId, follower),
      publicTasks: (whose, params) => setup.publicTasks(whose, params),
      ownTasks: (whose, value) => setup.ownTasks(whose, value),
      admitQuestion: (whose, question) => setup.admitQuestion(whose, question),
    });
  }

  /** How much is kept: open questions, clients, and what belongs to them. */
  get kept(): number {
    return this.#questions.size + this.#owners.size + this.#followers.size + this.#lacking.size;
  }

  /** A client's call is about to be sent. */
  began(exchange: Exchange): void {
    this.#owners.saw(exchange);
  }

  /** A client's call has ended; remembers who made a task, so that its status notifications find their way. */
  ended(outcome: Answer | Error, exchange: Exchange): void {
    const { era, owner } = exchange;
    this.#blame(outcome, exchange);
    // Nobody is left of a modern exchange: what it was asked is not to be kept for its sake.
    if (era === 'modern') this.#followers.forget(owner);
    if (outcome instanceof Error || !('result' in outcome)) return;
    const { task } = outcome.result;
    const taskId = isObject(task) ? stringAt(task, 'taskId') : undefined;
    if (taskId !== undefined) this.#followers.remember(taskId, owner);
  }

  /** A client's call ended here without an answer: the server may still be working on it. */
  gaveUp(id: number, exchange: Exchange): void {
    this.#owners.gaveUp(id, exchange);
  }

  /** The server has answered a call that was given up. */
  answeredLate(id: RequestId | null | undefined): void {
    if (typeof id === 'number') this.#owners.answeredLate(id);
  }

  /** The server has lost a client's call: what it asked in it is asked no more. */
  lost(exchange: Exchange): void {
    this.#questions.withdrawOf(exchange);
  }

  /** Whether a task was made over this link. */
  knowsTask(taskId: string): boolean {
    return this.#followers.of(taskId) !== undefined;
  }

  /** The link is gone: nobody waits for answers, and nothing more will come. */
  close(): void {
    this.#questions.withdrawAll();
    this.#owners.clear();
    this.#followers.clear();
  }

  /** Takes a request of the server; every one is answered, now or later. */
  takeRequest(message: Request, origin: RequestId | undefined): void {
    if (message.method === 'ping') {
      this.#terms.reply({ jsonrpc: '2.0', id: message.id, result: {} });
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
    if (claim === undefined) this.#refuse(message);
    else this.#bring(message, claim, origin);
  }

  #refuse(message: Request): void {
    const missing = missingFor(message, this.#terms.capabilities);
    if (missing !== undefined) {
      // Nobody here can be asked that, whoever is meant.
      for (const exchange of this.#terms.flights.exchanges()) this.#lacking.set(exchange, missing);
      this.#questions.refuseUndeclared(message.id, missing);
      return;
    }
    this.#questions.refuse(message.id, 'It is not known which client this is for.');
    this.#terms.events.onInteractive(message.method);
  }

  #bring(message: Request, claim: Claim, origin: RequestId | undefined): void {
    // A server that asks at all may ask late, on behalf of a call that has ended: sharing ends with the first question.
    if (this.#terms.owner === undefined && origin === undefined)
      this.#terms.events.onInteractive(message.method);
    const elicitationId = stringAt(message.params, 'elicitationId');
    if (elicitationId !== undefined) this.#followers.remember(elicitationId, ownerOf(claim));
    const { flights } = this.#terms;
    const calls = 'exchange' in claim ? flights.concerned(ownerOf(claim), origin) : [];
    // How long a client takes to answer is no fault of its server.
    const release = flights.hold(calls);
    const isSure = this.#isSure(message, origin);
    if (!isSure && 'exchange' in claim) this.#suspect(message, claim.exchange);
    void this.#questions.bring(message, claim, isSure).finally(release);
  }

  #suspect(message: Request, exchange: Exchange): void {
    const missing = missingFor(message, exchange.owner.capabilities);
    if (missing !== undefined) this.#lacking.set(exchange, missing);
  }

  /** A server that hands on the error it was given says itself which call it had asked for (docs/rules.md R16). */
  #blame(outcome: Answer | Error, exchange: Exchange): void {
    const missing = this.#lacking.get(exchange);
    if (missing === undefined) return;
    this.#lacking.delete(exchange);
    if ('error' in outcome && outcome.error.code === UNDECLARED) exchange.lacks?.(missing);
  }

  /**
   * Whether a call may end for what its client did not declare. On a link that clients share, roots are asked for when it
   * opens too; and where none of them can be asked anything, any question may be a late one of any of them.
   */
  #isSure({ method }: Request, origin: RequestId | undefined): boolean {
    const { owner, capabilities } = this.#terms;
    if (origin !== undefined || owner !== undefined) return true;
    return method !== 'roots/list' && canBeAsked(capabilities);
  }

  /** Takes a notification of the server that is not about a request of ours. */
  takeNotification(message: Notification, origin: RequestId | undefined): void {
    switch (message.method) {
      case 'notifications/message':
        this.#onLog(message, origin);
        break;
      case 'notifications/resources/updated':
        this.#terms.events.onResourceUpdated(message);
        break;
      case 'notifications/tools/list_changed':
      case 'notifications/prompts/list_changed':
      case 'notifications/resources/list_changed':
        this.#terms.events.onListChanged();
        break;
      case 'notifications/cancelled':
        this.#questions.withdraw(message.params?.['requestId'] as RequestId | undefined);
        break;
      default:
        this.#onOther(message, origin);
    }
  }

  #onLog(message: Notification, origin: RequestId | undefined): void {
    const { setup } = this.#terms;
    const claim = this.#owners.ofLog(typeof origin === 'number' ? origin : undefined);
    if (claim === undefined) {
      setup.log('info', `log: ${shownParams(message.params)}`);
    } else if ('exchange' in claim) {
      tell(claim.exchange, message);
    } else if (setup.hears(claim.owner)) {
      claim.owner.notify(message);
    }
  }

  /** Notifications about a task or an elicitation go to whom it belongs; unknown ones only where the owner is beyond doubt. */
  #onOther(message: Notification, origin: RequestId | undefined): void {
    const { setup, flights } = this.#terms;
    const id = stringAt(message.params, 'taskId') ?? stringAt(message.params, 'elicitationId');
    const owner = this.#followers.of(id) ?? this.#terms.owner;
    const exchange = flights.get(origin)?.exchange;
    const to = exchange?.owner ?? owner;
    const told = to === undefined ? message : this.#inPublicTerms(message, to);
    if (exchange !== undefined) tell(exchange, told);
    else if (owner !== undefined && setup.hears(owner)) owner.notify(told);
    else setup.log('debug', `sent ${message.method}, which belongs to no client`);
  }

  #inPublicTerms(message: Notification, owner: Owner): Notification {
    if (message.params === undefined) return message;
    return notification(message.method, this.#terms.setup.publicTasks(owner, message.params));
  }
}
