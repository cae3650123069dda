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

/** The questions of a server that wait for a client's answer, so that the server can take one back. */
export class Questions {
  readonly #open = new Map<RequestId, Cancellation>();
  readonly #reply: (message: Response | Notification) => void;
  readonly #onTask: (taskId: string, owner: Owner) => void;

  /** `onTask` is told whose client runs a task, about which the server will ask again. */
  constructor(
    reply: (message: Response | Notification) => void,
    onTask: (taskId: string, owner: Owner) => void,
  ) {
    this.#reply = reply;
    this.#onTask = onTask;
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
    if (taskId !== undefined) this.#onTask(taskId, ownerOf(claim));
    this.#reply({ jsonrpc: '2.0', id: request.id, ...outcome });
  }

  /** Answers a question that has no client. */
  refuse(id: RequestId, message: string): void {
    this.#reply({ jsonrpc: '2.0', id, error: { code: REFUSALS.CLIENT_UNREACHABLE.rpc, message } });
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
    const question: Question = {
      method: request.method,
      ...(request.params === undefined ? {} : { params: request.params }),
      onProgress: (params) => this.#reply(notification('notifications/progress', params)),
    };
    const missing = missingFor(question, ownerOf(claim).capabilities);
    if (missing !== undefined)
      return {
        error: { code: -32601, message: `The client did not declare ${JSON.stringify(missing)}.` },
      };
    try {
      const result =
        'exchange' in claim
          ? await claim.exchange.ask(question, signal)
          : await claim.owner.ask(question, signal);
      return { result };
    } catch (error) {
      if (error instanceof RemoteError) return { error: error.error };
      const message = error instanceof Refusal ? error.message : 'The client cannot be asked.';
      return { error: { code: REFUSALS.CLIENT_UNREACHABLE.rpc, message } };
    }
  }
}
