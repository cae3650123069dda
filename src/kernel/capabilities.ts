import type { Question } from './exchange.ts';
import { isObject, objectAt, type JsonObject } from './json.ts';
import { CLIENT_FEATURES } from './methods.ts';

/** Everything the gateway can pass on to some client; declared on links that no single client owns. */
export const FULL_CAPABILITIES: JsonObject = {
  roots: { listChanged: true },
  sampling: { context: {}, tools: {} },
  elicitation: { form: {}, url: {} },
};

/** The capabilities a question needs that the client did not declare; undefined when it may be asked. */
export function missingFor(question: Question, declared: JsonObject): JsonObject | undefined {
  const feature = CLIENT_FEATURES.get(question.method);
  if (feature === undefined) return undefined;
  const held = objectAt(declared, feature);
  if (held === undefined) return { [feature]: {} };
  const part = neededPart(question);
  if (part === undefined || isObject(held[part])) return undefined;
  if (part === 'form' && Object.keys(held).length === 0) return undefined;
  return { [feature]: { [part]: {} } };
}

/** Whether a client declared anything that a server could ask it for. */
export function canBeAsked(declared: JsonObject): boolean {
  for (const feature of CLIENT_FEATURES.values()) if (isObject(declared[feature])) return true;
  return false;
}

function neededPart(question: Question): string | undefined {
  if (question.method === 'elicitation/create')
    return question.params?.['mode'] === 'url' ? 'url' : 'form';
  if (question.method !== 'sampling/createMessage') return undefined;
  return question.params?.['tools'] === undefined ? undefined : 'tools';
}
