import type { Answer } from '../kernel/answer.ts';
import type { Arrival } from '../kernel/arrival.ts';
import { META } from '../kernel/era.ts';
import { isObject, objectAt, stringAt, type Json, type JsonObject } from '../kernel/json.ts';
import { mapRelatedTask, mapTaskId } from '../kernel/tasks.ts';
import { changed, mapItems } from './changed.ts';
import { errorFor } from './error-shapes.ts';
import { bindingOf, type Passage } from './passage.ts';
import { withKnownType } from './result-type.ts';
import { promptResultFor, toolResultFor } from './result-shapes.ts';
import { questionOf } from './rounds.ts';

/** An upstream's answer in the names clients know and in the shape of the client's era. Untouched parts are not copied. */
export function fromUpstream(answer: Answer, passage: Passage): Answer {
  if ('error' in answer) return { error: errorFor(answer.error, passage) };
  if (!('result' in answer)) return answer;
  const known =
    passage.target.kind === 'extension' ? answer.result : withKnownType(answer.result, passage);
  const named = withPublicTasks(withPublicUris(known, passage), passage);
  const shaped = inShapeOfVersion(named, passage.arrival);
  return {
    result:
      passage.arrival.era === 'legacy' ? inLegacyShape(shaped) : inModernShape(shaped, passage),
  };
}

function inShapeOfVersion(result: JsonObject, { request, version, era }: Arrival): JsonObject {
  if (request.method === 'tools/call') return toolResultFor(result, version, era === 'legacy');
  if (request.method !== 'prompts/get' || era === 'modern') return result;
  return promptResultFor(result, version);
}

function withPublicUris(result: JsonObject, passage: Passage): JsonObject {
  switch (passage.arrival.request.method) {
    case 'tools/call':
    case 'tasks/result':
    case 'tasks/get':
      return changed(withPublicUi(result, passage), 'content', (content) =>
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

/** A result may name the view that shows it, as its tool does (MCP Apps). */
function withPublicUi(result: JsonObject, { target, view }: Passage): JsonObject {
  const shown = (uri: Json): Json =>
    typeof uri === 'string' ? view.publicUri(target.upstream, uri) : uri;
  return changed(result, '_meta', (meta) => {
    if (!isObject(meta)) return meta;
    const named = changed(meta, 'ui/resourceUri', shown);
    return changed(named, 'ui', (ui) => (isObject(ui) ? changed(ui, 'resourceUri', shown) : ui));
  });
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
  // What an extension calls a task is its own affair.
  if (target.kind === 'extension' && result['resultType'] !== 'task') return result;
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
  if (state !== undefined && passage.target.kind !== 'extension') {
    const { callId, principal } = passage;
    const echo = { kind: 'upstream', callId, upstream: passage.target.upstream, state } as const;
    shaped['requestState'] = ports.sealState(bindingOf(arrival.request, principal), echo);
  }
  const asked = objectAt(result, 'inputRequests');
  if (asked !== undefined) shaped['inputRequests'] = admitted(asked, passage);
  if (arrival.request.method === 'resources/read' && shaped['resultType'] === 'complete') {
    const { ttlMs, cacheScope } = result;
    const isPrivate = cacheScope !== 'public';
    Object.assign(shaped, passage.view.freshness(typeof ttlMs === 'number' ? ttlMs : 0, isPrivate));
  }
  return shaped;
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
