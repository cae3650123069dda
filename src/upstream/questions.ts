import { RemoteError } from '../kernel/answer.ts';
import { missingFor } from '../kernel/capabilities.ts';
import { Cancellation, type Exchange, type Owner, type Question } from '../kernel/exchange.ts';
import { objectAt, stringAt, type JsonObject } from '../kernel/json.ts';
import {
  notification,
  type Notification,
  type Request,
  type RequestId,
  type Response,
  type RpcError,
} from '../kernel/json-rpc.ts';
import { Refusal, REFUSALS } from '../kernel/refusals.ts';
import { Transients } from '../kernel/transients.ts';
import { ownerOf, type Claim } from './owners.ts';

/** What questions need of their link. */
export interface QuestionsTerms {
  reply(message: Response | Notification): void;
  /** Told whose client runs a task, about which the server will ask again. */
  onTask(taskId: string, owner: Owner): void;
  publicTasks(owner: Owner, params: JsonObject): JsonObject;
  ownTasks(owner: Owner, value: JsonObject): JsonObject;
  /** A question as its client may be shown it. Throws Refusal when it may not be asked (docs/rules.md R7). */
  admitQuestion(owner: Owner, question: Question): Question;
}

/** How long news of a cancelled call may take to its server, where it does not come on one stream with all else. */
const CANCELLED_MS = 1000;

/** A question that waits for an answer. */
interface Open {
  readonly claim: Claim;
  readonly cancellation: Cancellation;
}

type Outcome = { readonly result: JsonObject } | { readonly error: RpcError };

/** The questions of a server that wait for a client's answer, so that the server can take one back. */
export class Questions {
  readonly #open = new Transients<RequestId, Open>();
  readonly #terms: QuestionsTerms;
  #isClosed = false;

  constructor(terms: QuestionsTerms) {
    this.#terms = terms;
  }

  /** How many wait for an answer. */
  get size(): number {
    return this.#open.size;
  }

  /**
   * Brings a question to its client and the answer back to the server; never rejects. Where the client did not declare what is
   * asked, the server is told so, and the call that surely needs it ends (docs/rules.md R16).
   */
  async bring(request: Request, claim: Claim, isSure: boolean): Promise<void> {
    const question = this.#questionOf(request);
    const missing = missingFor(question, ownerOf(claim).capabilities);
    if (missing !== undefined) {
      if (isSure && 'exchange' in claim) claim.exchange.lacks?.(missing);
      this.#afterItsCall(claim, () => this.refuseUndeclared(request.id, missing));
      return;
    }
    // A server that gives an id twice could not tell the answers apart.
    this.withdraw(request.id);
    const cancellation = new Cancellation();
    const open: Open = { claim, cancellation };
    this.#open.set(request.id, open);
    const outcome = await this.#outcome(question, claim, cancellation);
    if (this.#open.get(request.id) === open) this.#open.delete(request.id);
    if (cancellation.reason !== undefined) return;
    const taskId =
      'result' in outcome ? stringAt(objectAt(outcome.result, 'task'), 'taskId') : undefined;
    if (taskId !== undefined) this.#terms.onTask(taskId, ownerOf(claim));
    this.#afterItsCall(claim, () =>
      this.#terms.reply({ jsonrpc: '2.0', id: request.id, ...outcome }),
    );
  }

  /**
   * Replies; where the call it was asked in is cancelled, only once the server has had time to hear of that: it must not take
   * the reply for leave to go on.
   */
  #afterItsCall(claim: Claim, reply: () => void): void {
    const isCancelled = 'exchange' in claim && claim.exchange.cancellation.reason !== undefined;
    if (!isCancelled) reply();
    else
      setTimeout(() => {
        if (!this.#isClosed) reply();
      }, CANCELLED_MS).unref();
  }

  /** Answers a question that has no client. */
  refuse(id: RequestId, message: string): void {
    this.#terms.reply({
      jsonrpc: '2.0',
      id,
      error: { code: REFUSALS.CLIENT_UNREACHABLE.rpc, message },
    });
  }

  /** Answers a question that the client, or the whole link, did not declare. */
  refuseUndeclared(id: RequestId, missing: JsonObject): void {
    const message = `The client did not declare ${JSON.stringify(missing)}.`;
    this.#terms.reply({ jsonrpc: '2.0', id, error: { code: -32601, message } });
  }

  /** The server no longer wants an answer. */
  withdraw(id: RequestId | undefined): void {
    if (id !== undefined) this.#open.get(id)?.cancellation.cancel('withdrawn by the server');
  }

  /** The server has lost this call, and nobody waits for what was asked in it. */
  withdrawOf(exchange: Exchange): void {
    for (const { claim, cancellation } of this.#open.values())
      if ('exchange' in claim && claim.exchange === exchange)
        cancellation.cancel('its server has lost the call');
  }

  /** The link is gone: nobody waits for answers. */
  withdrawAll(): void {
    this.#isClosed = true;
    for (const { cancellation } of this.#open.values()) cancellation.cancel('its server is gone');
  }

  #questionOf(request: Request): Question {
    return {
      method: request.method,
      ...(request.params === undefined ? {} : { params: request.params }),
      onProgress: (params) => this.#terms.reply(notification('notifications/progress', params)),
    };
  }

  async #outcome(question: Question, claim: Claim, signal: Cancellation): Promise<Outcome> {
    const owner = ownerOf(claim);
    try {
      const admitted = this.#terms.admitQuestion(owner, shownTo(owner, question, this.#terms));
      const result =
        'exchange' in claim
          ? await claim.exchange.ask(admitted, signal)
          : await claim.owner.ask(admitted, signal);
      return { result: this.#terms.ownTasks(owner, result) };
    } catch (error) {
      if (error instanceof RemoteError) return { error: error.error };
      if (!(error instanceof Refusal)) return { error: UNREACHABLE };
      return { error: { code: REFUSALS[error.code].rpc, message: error.message } };
    }
  }
}

const UNREACHABLE: RpcError = {
  code: REFUSALS.CLIENT_UNREACHABLE.rpc,
  message: 'The client cannot be asked.',
};

/** A question about a task of the client's own names it as the client did; a task of the server is named by us. */
function shownTo(owner: Owner, question: Question, terms: QuestionsTerms): Question {
  const { method, params } = question;
  if (params === undefined || method.startsWith('tasks/')) return question;
  return { ...question, params: terms.publicTasks(owner, params) };
}
