import type { Answer } from '../kernel/answer.ts';
import { objectAt, type JsonObject } from '../kernel/json.ts';
import type { Watched } from '../kernel/watched.ts';
import { OpenFailure } from './wire.ts';

const METHOD_NOT_FOUND = -32601;

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
