import { RemoteError } from '../kernel/answer.ts';
import { missingFor } from '../kernel/capabilities.ts';
import { Cancellation, type Owner, type Question } from '../kernel/exchange.ts';
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

/** The questions of a server that wait for a client's answer, so that the server can take one back. */
export class Questions {
  readonly #open = new Map<RequestId, Cancellation>();
  readonly #terms: QuestionsTerms;

  constructor(terms: QuestionsTerms) {
    this.#terms = terms;
  }

  /** Brings a question to its client and the answer back to the server. */
  async bring(request: Request, claim: Claim): Promise<void> {
    const cancellation = new Cancellation();
    this.#open.set(request.id, cancellation);
    const outcome = await this.#outcome(request, claim, cancellation);
    this.#open.delete(request.id);
    if (cancellation.reason !== undefined) return;
    const taskId =
      'result' in outcome ? stringAt(objectAt(outcome.result, 'task'), 'taskId') : undefined;
    if (taskId !== undefined) this.#terms.onTask(taskId, ownerOf(claim));
    this.#terms.reply({ jsonrpc: '2.0', id: request.id, ...outcome });
  }

  /** Answers a question that has no client. */
  refuse(id: RequestId, message: string): void {
    this.#terms.reply({
      jsonrpc: '2.0',
      id,
      error: { code: REFUSALS.CLIENT_UNREACHABLE.rpc, message },
    });
  }

  /** The server no longer wants an answer. */
  withdraw(id: RequestId): void {
    this.#open.get(id)?.cancel('withdrawn by the server');
  }

  /** The link is gone: nobody waits for answers. */
  withdrawAll(): void {
    for (const id of [...this.#open.keys()]) this.withdraw(id);
  }

  async #outcome(
    request: Request,
    claim: Claim,
    signal: Cancellation,
  ): Promise<{ result: JsonObject } | { error: RpcError }> {
    const owner = ownerOf(claim);
    const question: Question = {
      method: request.method,
      ...(request.params === undefined ? {} : { params: shownTo(owner, request, this.#terms) }),
      onProgress: (params) => this.#terms.reply(notification('notifications/progress', params)),
    };
    const missing = missingFor(question, owner.capabilities);
    if (missing !== undefined)
      return {
        error: { code: -32601, message: `The client did not declare ${JSON.stringify(missing)}.` },
      };
    try {
      const admitted = this.#terms.admitQuestion(owner, question);
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
function shownTo(owner: Owner, request: Request, terms: QuestionsTerms): JsonObject {
  const params = request.params ?? {};
  if (request.method.startsWith('tasks/')) return params;
  return terms.publicTasks(owner, params);
}
