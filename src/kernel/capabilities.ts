import type { Question } from './exchange.ts';
import { isObject, objectAt, type JsonObject } from './json.ts';
import { CLIENT_FEATURES } from './methods.ts';

/**
 * What asks nothing of a client: declared for whoever shares a link, also for clients that cannot be asked. Servers of MCP Apps
 * offer their views to those alone that declare them, and clients without views pass over them (docs/decisions/0028).
 */
export const PASSIVE_CAPABILITIES: JsonObject = {
  extensions: { 'io.modelcontextprotocol/ui': { mimeTypes: ['text/html;profile=mcp-app'] } },
};

/** Everything the gateway can pass on to some client; declared on links that no single client owns. */
export const FULL_CAPABILITIES: JsonObject = {
  ...PASSIVE_CAPABILITIES,
  roots: { listChanged: true },
  sampling: { context: {}, tools: {} },
  elicitation: { form: {}, url: {} },
  tasks: {
    list: {},
    cancel: {},
    requests: { sampling: { createMessage: {} }, elicitation: { create: {} } },
  },
};

/** The capabilities a question needs that the client did not declare; undefined when it may be asked. */
export function missingFor(question: Question, declared: JsonObject): JsonObject | undefined {
  if (question.method.startsWith('tasks/') && !isObject(declared['tasks'])) return { tasks: {} };
  const feature = CLIENT_FEATURES.get(question.method);
  if (feature === undefined) return undefined;
  const task = missingTask(question, declared);
  if (task !== undefined) return task;
  const held = objectAt(declared, feature);
  if (held === undefined) return { [feature]: {} };
  const part = neededPart(question);
  if (part === undefined || isObject(held[part])) return undefined;
  if (part === 'form' && Object.keys(held).length === 0) return undefined;
  return { [feature]: { [part]: {} } };
}

/** Stands for all clients that declared nothing a server could ask them for: they share instances of their own kind. */
export const MUTE = 'mute';

/** Whose instances serve a client: its own, or those of all that cannot be asked. */
export function instanceKey(owner: {
  readonly key: string;
  readonly capabilities: JsonObject;
}): string {
  return canBeAsked(owner.capabilities) ? owner.key : MUTE;
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

/** A question that is to run as a task needs that of the client too (spec 2025-11-25, tasks). */
function missingTask(question: Question, declared: JsonObject): JsonObject | undefined {
  if (question.params?.['task'] === undefined) return undefined;
  const [feature = '', action = ''] = question.method.split('/', 2);
  const requests = objectAt(objectAt(declared, 'tasks'), 'requests');
  if (isObject(objectAt(requests, feature)?.[action])) return undefined;
  return { tasks: { requests: { [feature]: { [action]: {} } } } };
}
