import { RemoteError } from '../kernel/answer.ts';
import type { Cancellation, Question } from '../kernel/exchange.ts';
import { objectAt, type JsonObject } from '../kernel/json.ts';
import { questionFor } from '../kernel/question-shapes.ts';
import {
  errorOf,
  notification,
  request,
  type RequestId,
  type Response,
} from '../kernel/json-rpc.ts';
import { Refusal } from '../kernel/refusals.ts';

interface Open {
  readonly question: Question;
  settle(outcome: JsonObject | Error): void;
}

/** The questions a legacy client was asked and has not answered, under ids of our own and in the shape it knows. */
export class OpenQuestions {
  readonly #open = new Map<RequestId, Open>();
  readonly #timeoutMs: number;
  readonly #version: string;
  #lastId = 0;

  constructor(timeoutMs: number, version: string) {
    this.#timeoutMs = timeoutMs;
    this.#version = version;
  }

  /** Writes the question and waits for the answer; rejects with what the client answered, or when it does not. */
  ask(
    question: Question,
    signal: Cancellation,
    write: (text: string) => void,
  ): Promise<JsonObject> {
    this.#lastId += 1;
    const id = `mcpx-${this.#lastId}`;
    const shaped = questionFor(question, this.#version, id);
    return new Promise((resolve, reject) => {
      const close = (): void => {
        clearTimeout(timer);
        this.#open.delete(id);
        signal.listen(undefined);
      };
      const withdraw = (reason: string): void => {
        close();
        write(JSON.stringify(notification('notifications/cancelled', { requestId: id, reason })));
        reject(
          new Refusal(
            'CLIENT_UNREACHABLE',
            `The client did not answer ${question.method}: ${reason}.`,
          ),
        );
      };
      const timer =
        this.#timeoutMs === 0
          ? undefined
          : setTimeout(() => withdraw(`no answer within ${this.#timeoutMs} ms`), this.#timeoutMs);
      const settle = (outcome: JsonObject | Error): void => {
        close();
        if (outcome instanceof Error) reject(outcome);
        else resolve(shaped.read(outcome));
      };
      this.#open.set(id, { question, settle });
      signal.listen(withdraw);
      if (signal.reason === undefined)
        write(JSON.stringify(request(id, question.method, withToken(shaped.question.params, id))));
    });
  }

  /** Takes an answer; false when no question waits for it. */
  answer(response: Response): boolean {
    const open =
      response.id === undefined || response.id === null ? undefined : this.#open.get(response.id);
    if (open === undefined) return false;
    const error = errorOf(response);
    open.settle(error === undefined ? (response.result ?? {}) : new RemoteError(error));
    return true;
  }

  /** Takes the client's progress on a question. */
  progress(params: JsonObject): void {
    const token = params['progressToken'];
    const question = typeof token === 'string' ? this.#open.get(token)?.question : undefined;
    const original = objectAt(question?.params, '_meta')?.['progressToken'];
    if (original !== undefined) question?.onProgress?.({ ...params, progressToken: original });
  }

  /** The client is gone: no question will be answered. */
  abandon(): void {
    for (const open of [...this.#open.values()])
      open.settle(new Refusal('CLIENT_UNREACHABLE', 'The client is gone.'));
  }
}

/** Progress tokens of several servers may be the same; ours is the id of the question. */
function withToken(params: JsonObject | undefined, id: string): JsonObject | undefined {
  const meta = objectAt(params, '_meta');
  if (meta?.['progressToken'] === undefined) return params;
  return { ...params, _meta: { ...meta, progressToken: id } };
}
