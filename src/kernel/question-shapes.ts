import { asText } from './content-shapes.ts';
import { choiceOf, type Choice } from './choices.ts';
import type { Question } from './exchange.ts';
import { isObject, objectAt, objectsAt, stringAt, type Json, type JsonObject } from './json.ts';

/** A question in the shape its client knows, and how to read the answer for whoever asked it in the other. */
export interface ShapedQuestion {
  readonly question: Question;
  read(result: JsonObject): JsonObject;
}

const RICH_SINCE = '2025-11-25';
const AUDIO_SINCE = '2025-03-26';

/**
 * A question as a legacy client of a protocol version can take it (docs/decisions/0028): servers of later versions ask in
 * forms that it would refuse. `id` is unique among the questions of the client.
 */
export function questionFor(question: Question, version: string, id: string): ShapedQuestion {
  const { method, params } = question;
  if (params !== undefined && method === 'elicitation/create')
    return elicitationFor(question, params, { version, id });
  if (params !== undefined && method === 'sampling/createMessage')
    return { question: { ...question, params: samplingFor(params, version) }, read: asItIs };
  return { question, read: asItIs };
}

function asItIs(result: JsonObject): JsonObject {
  return result;
}

function elicitationFor(
  question: Question,
  params: JsonObject,
  { version, id }: { readonly version: string; readonly id: string },
): ShapedQuestion {
  if (params['mode'] === 'url') {
    // The modern protocol has no such id any more, and 2025-11-25 cannot do without.
    const elicitationId = params['elicitationId'] ?? id;
    return { question: { ...question, params: { ...params, elicitationId } }, read: asItIs };
  }
  const schema = objectAt(params, 'requestedSchema');
  const properties = objectAt(schema, 'properties');
  if (version >= RICH_SINCE || properties === undefined) return { question, read: asItIs };
  const choices = new Map<string, Choice>();
  const plain = Object.entries(properties).map(([name, property]): [string, Json | undefined] => {
    const choice = isObject(property) ? choiceOf(property) : undefined;
    if (choice !== undefined) choices.set(name, choice);
    return [name, choice?.plain ?? property];
  });
  if (choices.size === 0) return { question, read: asItIs };
  const requestedSchema = { ...schema, properties: Object.fromEntries(plain) };
  return {
    question: { ...question, params: { ...params, requestedSchema } },
    read: (result) => withChoices(result, choices),
  };
}

function withChoices(result: JsonObject, choices: ReadonlyMap<string, Choice>): JsonObject {
  const content = objectAt(result, 'content');
  if (content === undefined) return result;
  const read = Object.entries(content).map(([name, value]): [string, Json | undefined] => {
    const choice = choices.get(name);
    return [name, choice === undefined || value === undefined ? value : choice.read(value)];
  });
  return { ...result, content: Object.fromEntries(read) };
}

/** Before 2025-11-25 a message has one piece of content, before 2025-03-26 a text or an image. */
function samplingFor(params: JsonObject, version: string): JsonObject {
  if (version >= RICH_SINCE || !Array.isArray(params['messages'])) return params;
  const messages = objectsAt(params, 'messages').flatMap((message) => {
    const { content } = message;
    const parts = Array.isArray(content) ? content : [content];
    return parts.map((part) => ({ ...message, content: sampled(part, version) }));
  });
  return { ...params, messages };
}

function sampled(part: Json | undefined, version: string): Json | undefined {
  const isTooNew = isObject(part) && stringAt(part, 'type') === 'audio' && version < AUDIO_SINCE;
  return isTooNew ? asText(part) : part;
}
