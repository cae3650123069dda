import { isObject, type Json, type JsonObject } from './json.ts';

/** The `_meta` key that ties a message to a task (spec 2025-11-25, tasks, "Related Task Metadata"). */
const RELATED_TASK = 'io.modelcontextprotocol/related-task';

/** Tasks of the modern protocol are an extension, which both sides declare under this id. */
export const TASKS_EXTENSION = 'io.modelcontextprotocol/tasks';

/** What may be asked about a task, by the side that made it (spec 2025-11-25, tasks). */
export const TASK_METHODS: ReadonlySet<string> = new Set([
  'tasks/get',
  'tasks/result',
  'tasks/list',
  'tasks/cancel',
]);

/** A message's parameters or result with the id of the task it is about changed; the very same object without one. */
export function mapRelatedTask(holder: JsonObject, change: (id: string) => string): JsonObject {
  return mapKey(holder, '_meta', (meta) =>
    mapKey(meta, RELATED_TASK, (task) => mapTaskId(task, change)),
  );
}

/** An object with its `taskId` changed; the very same object without one. */
export function mapTaskId(holder: JsonObject, change: (id: string) => string): JsonObject {
  const id = holder['taskId'];
  if (typeof id !== 'string') return holder;
  const next = change(id);
  return next === id ? holder : { ...holder, taskId: next };
}

function mapKey(
  holder: JsonObject,
  key: string,
  change: (value: JsonObject) => JsonObject,
): JsonObject {
  const value: Json | undefined = holder[key];
  if (!isObject(value)) return holder;
  const next = change(value);
  return next === value ? holder : { ...holder, [key]: next };
}
