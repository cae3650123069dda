import type { Answer } from '../kernel/answer.ts';
import { META } from '../kernel/era.ts';
import { objectAt, type JsonObject } from '../kernel/json.ts';
import type { Notification, RequestId } from '../kernel/json-rpc.ts';
import type { Watched } from '../kernel/watched.ts';
import { OpenFailure } from './wire.ts';

const METHOD_NOT_FOUND = -32601;
const ACKNOWLEDGE_MS = 1000;

/** Why a request that should not end has ended. */
export function endOf(outcome: Answer | Error): string {
  if (outcome instanceof Error) return outcome.message;
  return 'error' in outcome ? outcome.error.message : 'the server ended it';
}

/** Whether a server has no listen streams at all. */
export function isFinalEnd(outcome: Answer | Error): boolean {
  if (outcome instanceof OpenFailure)
    return outcome.failure.status === 404 || outcome.failure.status === 405;
  return (
    !(outcome instanceof Error) && 'error' in outcome && outcome.error.code === METHOD_NOT_FOUND
  );
}

/** What to listen for: the lists that the server says can change, and what is watched. */
export function filterOf(capabilities: JsonObject, { resources, tasks }: Watched): JsonObject {
  const filter: JsonObject = {};
  for (const kind of ['tools', 'prompts', 'resources']) {
    if (objectAt(capabilities, kind)?.['listChanged'] === true) filter[`${kind}ListChanged`] = true;
  }
  if (resources.length > 0) filter['resourceSubscriptions'] = [...resources];
  if (tasks.length > 0) filter['taskIds'] = [...tasks];
  return filter;
}

/** The listen streams that a server was asked for and has not acknowledged yet, by the ids of their requests. */
export class Acknowledgements {
  readonly #waiting = new Map<RequestId, () => void>();

  /** Resolves when the stream stands, when there will be none, or after a second. */
  async of(id: RequestId): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ACKNOWLEDGE_MS);
      this.#waiting.set(id, () => {
        clearTimeout(timer);
        resolve();
      });
    });
    this.#waiting.delete(id);
  }

  /** The server acknowledged a stream; one that does not say which may mean any (spec 2026-07-28, subscriptions). */
  take({ params }: Notification): void {
    const id = objectAt(params, '_meta')?.[META.subscriptionId] as RequestId | undefined;
    if (id === undefined) this.giveUp();
    else this.#waiting.get(id)?.();
  }

  /** One of the streams ended, or all did. */
  giveUp(id?: RequestId): void {
    for (const [each, wake] of this.#waiting) if (id === undefined || id === each) wake();
  }
}
