import { isObject, objectAt, type JsonObject } from '../kernel/json.ts';
import { Refusal } from '../kernel/refusals.ts';
import { TASKS_EXTENSION } from '../kernel/tasks.ts';
import type { Passage } from './passage.ts';

const MAX_TYPE_CHARS = 50;

/**
 * A result of a type that its client can know: that of the protocol, of tasks where it declared them, or of another extension
 * it declared. Throws UPSTREAM_PROTOCOL for any other (spec 2026-07-28, basic, "ResultType"). To legacy servers the field means nothing.
 */
export function withKnownType(result: JsonObject, passage: Passage): JsonObject {
  const { resultType } = result;
  if (resultType === undefined || resultType === 'complete') return result;
  const { arrival, target, view } = passage;
  if (!view.isModern(target.upstream)) {
    const { resultType: _none, ...rest } = result;
    return arrival.era === 'modern' ? rest : result;
  }
  if (isKnown(resultType, passage)) return result;
  const shown = JSON.stringify(resultType).slice(0, MAX_TYPE_CHARS);
  const message = `Server "${target.upstream}" answered with a result of the type ${shown}, which its client does not know.`;
  throw new Refusal('UPSTREAM_PROTOCOL', message);
}

function isKnown(resultType: unknown, { arrival }: Passage): boolean {
  if (arrival.era === 'legacy' || typeof resultType !== 'string') return false;
  if (resultType === 'input_required') return true;
  const declared = objectAt(arrival.exchange.owner.capabilities, 'extensions') ?? {};
  if (resultType === 'task') return isObject(declared[TASKS_EXTENSION]);
  return Object.keys(declared).some((id) => id !== TASKS_EXTENSION);
}
