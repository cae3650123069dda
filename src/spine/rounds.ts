import { Cancelled, type Answer } from '../kernel/answer.ts';
import { missingFor } from '../kernel/capabilities.ts';
import { Cancellation, type Question } from '../kernel/exchange.ts';
import { isObject, objectAt, stringAt, type JsonObject } from '../kernel/json.ts';
import { Refusal } from '../kernel/refusals.ts';
import type { Passage } from './passage.ts';

const MAX_ROUNDS = 20;

/**
 * Brings the `input_required` of a modern server to a legacy client as real requests, and its answers back in a retry,
 * until the call is complete (spec 2026-07-28, multi-round-trip requests).
 */
export async function settleRounds(
  first: Answer,
  passage: Passage,
  retry: (more: JsonObject) => Promise<Answer>,
): Promise<Answer> {
  let answer = first;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    if (!asksForInput(answer)) return answer;
    const { result } = answer;
    const state = stringAt(result, 'requestState');
    const inputResponses = await askAll(objectAt(result, 'inputRequests') ?? {}, passage);
    answer = await retry({
      inputResponses,
      ...(state === undefined ? {} : { requestState: state }),
    });
  }
  const message = `The server asked for input ${MAX_ROUNDS} times and was not satisfied.`;
  throw new Refusal('UPSTREAM_PROTOCOL', message);
}

/** Whether an answer is no result yet. */
export function asksForInput(answer: Answer): answer is { readonly result: JsonObject } {
  return 'result' in answer && answer.result['resultType'] === 'input_required';
}

/** Asks everything at once; the first refusal or error takes the other questions back. */
async function askAll(requests: JsonObject, passage: Passage): Promise<JsonObject> {
  const { exchange } = passage.arrival;
  const questions = Object.entries(requests).map(([key, request]) => ({
    key,
    question: permissible(request, passage),
    signal: new Cancellation(),
  }));
  const withdraw = (reason: string): void => {
    for (const { signal } of questions) signal.cancel(reason);
  };
  exchange.cancellation.listen(withdraw);
  try {
    const answers = questions.map(async ({ key, question, signal }) => [
      key,
      await exchange.ask(question, signal),
    ]);
    return Object.fromEntries(await Promise.all(answers)) as JsonObject;
  } catch (error) {
    withdraw('another question was not answered');
    const { reason } = exchange.cancellation;
    throw reason === undefined ? error : new Cancelled(reason);
  } finally {
    exchange.cancellation.listen(undefined);
  }
}

/** What a server asks, if the client declared that it can be asked that, and policy lets the server (docs/rules.md R7). */
function permissible(request: unknown, { arrival, target, ports }: Passage): Question {
  const { owner } = arrival.exchange;
  const question = questionOf(request);
  const missing = missingFor(question, owner.capabilities);
  if (missing === undefined) return ports.admitQuestion(target.upstream, owner, question);
  throw new Refusal('CAPABILITY_MISSING', undefined, { requiredCapabilities: missing });
}

/** A server's input request. Throws UPSTREAM_PROTOCOL where it is none. */
export function questionOf(request: unknown): Question {
  const method = isObject(request) ? stringAt(request, 'method') : undefined;
  if (method === undefined)
    throw new Refusal('UPSTREAM_PROTOCOL', 'The server asked for input without a method.');
  const params = isObject(request) ? objectAt(request, 'params') : undefined;
  return params === undefined ? { method } : { method, params };
}
