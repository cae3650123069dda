import type { Answer } from '../kernel/answer.ts';
import { META } from '../kernel/era.ts';
import {
  isObject,
  objectAt,
  objectsAt,
  stringAt,
  type Json,
  type JsonObject,
} from '../kernel/json.ts';
import type { RpcError } from '../kernel/json-rpc.ts';
import { mapRelatedTask, mapTaskId } from '../kernel/tasks.ts';
import { bindingOf, type Passage } from './passage.ts';
import { unknownTarget } from './resolve.ts';
import { questionOf } from './rounds.ts';

const LEGACY_RESOURCE_UNKNOWN = -32002;
const INVALID_PARAMS = -32602;
const NOT_FOUND: ReadonlySet<number> = new Set([LEGACY_RESOURCE_UNKNOWN, INVALID_PARAMS]);
const URL_ELICITATION_REQUIRED = -32042;

/** An upstream's answer in the names clients know and in the shape of the client's era. Untouched parts are not copied. */
export function fromUpstream(answer: Answer, passage: Passage): Answer {
  if ('error' in answer) return { error: translatedError(answer.error, passage) };
  if (!('result' in answer)) return answer;
  const named = withPublicTasks(withPublicUris(answer.result, passage), passage);
  return {
    result: passage.arrival.era === 'legacy' ? inLegacyShape(named) : inModernShape(named, passage),
  };
}

/** "Not found" has a code of its own in the legacy protocol alone. */
function translatedError(error: RpcError, passage: Passage): RpcError {
  const { arrival, target } = passage;
  if (error.code === URL_ELICITATION_REQUIRED) return withAdmitted(error, passage);
  if (target.kind !== 'resource') return error;
  // Where something may be hidden, what no list names is unknown in our own words, or the two could be told apart (docs/rules.md R5).
  if (!passage.view.isOpen && target.item === undefined && NOT_FOUND.has(error.code))
    throw unknownTarget(arrival.request);
  if (arrival.era === 'modern' && error.code === LEGACY_RESOURCE_UNKNOWN) {
    return {
      ...error,
      code: INVALID_PARAMS,
      data: { ...(isObject(error.data) ? error.data : {}), uri: target.publicName },
    };
  }
  return error;
}

function withPublicUris(result: JsonObject, passage: Passage): JsonObject {
  switch (passage.arrival.request.method) {
    case 'tools/call':
    case 'tasks/result':
    case 'tasks/get':
      return changed(result, 'content', (content) =>
        mapItems(content, (item) => publicContent(item, passage)),
      );
    case 'prompts/get':
      return changed(result, 'messages', (messages) =>
        mapItems(messages, (message) =>
          changed(message, 'content', (content) => publicMessage(content, passage)),
        ),
      );
    case 'resources/read':
      return changed(result, 'contents', (contents) =>
        mapItems(contents, (item) => withPublicUri(item, passage)),
      );
    default:
      return result;
  }
}

function publicMessage(content: Json, passage: Passage): Json {
  if (Array.isArray(content)) return mapItems(content, (item) => publicContent(item, passage));
  return isObject(content) ? publicContent(content, passage) : content;
}

/** Resource links and embedded resources (spec: tools, "Tool Result"). */
function publicContent(item: JsonObject, passage: Passage): JsonObject {
  if (item['type'] === 'resource_link') return withPublicUri(item, passage);
  if (item['type'] !== 'resource') return item;
  return changed(item, 'resource', (resource) =>
    isObject(resource) ? withPublicUri(resource, passage) : resource,
  );
}

function withPublicUri(item: JsonObject, { target, view }: Passage): JsonObject {
  const uri = stringAt(item, 'uri');
  if (uri === undefined) return item;
  const shown =
    target.kind === 'resource' && uri === target.name
      ? target.publicName
      : view.publicUri(target.upstream, uri);
  return shown === uri ? item : { ...item, uri: shown };
}

/** Task ids in all the places where the protocol has them (docs/rules.md R12). */
function withPublicTasks(result: JsonObject, passage: Passage): JsonObject {
  const { ports, principal, target } = passage;
  const seal = (id: string): string => ports.sealTask(target.upstream, principal, id);
  const sealIn = (value: Json): Json => (isObject(value) ? mapTaskId(value, seal) : value);
  noteTask(result, passage);
  let named = changed(result, 'task', sealIn);
  if (target.kind === 'task' || named['resultType'] === 'task') {
    named = changed(mapTaskId(named, seal), 'tasks', (tasks) =>
      mapItems(tasks, (task) => mapTaskId(task, seal)),
    );
  }
  return mapRelatedTask(named, seal);
}

/** A call may become a task: `task` in a legacy result, the result itself in a modern one. */
function noteTask(result: JsonObject, { ports, principal, target }: Passage): void {
  if (target.kind === 'task') return;
  const made = result['resultType'] === 'task' ? result : objectAt(result, 'task');
  const id = stringAt(made, 'taskId');
  if (id !== undefined) ports.noteTask(target.upstream, principal, id);
}

/** An error may send the client to URLs: each of them is a question too (spec 2025-11-25, elicitation; docs/rules.md R7). */
function withAdmitted(error: RpcError, { arrival, target, ports }: Passage): RpcError {
  const { data } = error;
  if (!isObject(data) || !Array.isArray(data['elicitations'])) return error;
  const elicitations = objectsAt(data, 'elicitations').map((params) => {
    const question = { method: 'elicitation/create', params };
    return ports.admitQuestion(target.upstream, arrival.exchange.owner, question).params ?? params;
  });
  return { ...error, data: { ...data, elicitations } };
}

/** What only the modern protocol has does not reach a legacy client. */
function inLegacyShape(result: JsonObject): JsonObject {
  const meta = objectAt(result, '_meta');
  const isModern = result['resultType'] !== undefined || meta?.[META.serverInfo] !== undefined;
  if (!isModern) return result;
  const { resultType: _type, ttlMs: _ttl, cacheScope: _scope, _meta: _old, ...rest } = result;
  const kept = Object.entries(meta ?? {}).filter(([key]) => key !== META.serverInfo);
  return kept.length === 0 ? rest : { ...rest, _meta: Object.fromEntries(kept) };
}

/** A modern result says its type and comes from this gateway, and a state in it is wrapped in ours. */
function inModernShape(result: JsonObject, passage: Passage): JsonObject {
  const { ports, arrival } = passage;
  const shaped: JsonObject = {
    ...result,
    resultType: result['resultType'] ?? 'complete',
    _meta: { ...objectAt(result, '_meta'), [META.serverInfo]: ports.serverInfo },
  };
  const state = stringAt(result, 'requestState');
  if (state !== undefined) shaped['requestState'] = ports.sealState(bindingOf(passage), state);
  const asked = objectAt(result, 'inputRequests');
  if (asked !== undefined) shaped['inputRequests'] = admitted(asked, passage);
  if (arrival.request.method === 'resources/read' && shaped['resultType'] === 'complete') {
    shaped['ttlMs'] ??= 0;
    shaped['cacheScope'] ??= 'private';
  }
  return shaped;
}

/** The object with one value changed, or the very same object where nothing changes. */
function changed(holder: JsonObject, key: string, change: (value: Json) => Json): JsonObject {
  const value = holder[key];
  if (value === undefined) return holder;
  const next = change(value);
  return next === value ? holder : { ...holder, [key]: next };
}

/** An array with its objects changed, or the very same array where none changes. */
function mapItems(value: Json, change: (item: JsonObject) => JsonObject): Json {
  if (!Array.isArray(value)) return value;
  let isChanged = false;
  const items = value.map((item) => {
    const next = isObject(item) ? change(item) : item;
    isChanged ||= next !== item;
    return next;
  });
  return isChanged ? items : value;
}

/** What a server asks of a modern client goes to it as it is, once each question is admitted (docs/rules.md R7). */
function admitted(requests: JsonObject, { arrival, target, ports }: Passage): JsonObject {
  const admit = (request: unknown, key: string): JsonObject => {
    const { method, params } = ports.admitQuestion(
      target.upstream,
      arrival.exchange.owner,
      questionOf(request),
      target.kind === 'task' ? JSON.stringify([target.name, key]) : undefined,
    );
    return { method, ...(params === undefined ? {} : { params }) };
  };
  return Object.fromEntries(Object.entries(requests).map(([key, each]) => [key, admit(each, key)]));
}
