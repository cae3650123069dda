import { LATEST_LEGACY_VERSION } from '../kernel/era.ts';
import { isObject, objectAt, type JsonObject } from '../kernel/json.ts';
import type { Supplier } from './offer.ts';

/**
 * Whether a tool can be called as a task of 2025-11-25 alone: without that capability of its server nothing it says of tasks
 * counts (spec 2025-11-25, tasks, "Tool-Level Negotiation").
 */
export function isTaskOnly({ inventory }: Supplier, tool: JsonObject): boolean {
  const { era, capabilities } = inventory.facts;
  if (era === 'modern' || objectAt(tool, 'execution')?.['taskSupport'] !== 'required') return false;
  const requests = objectAt(objectAt(capabilities, 'tasks'), 'requests');
  return isObject(objectAt(requests, 'tools')?.['call']);
}

/** Whether a client of this protocol version can call tools as tasks: the core of the protocol had tasks in one version. */
export function knowsTasks(version: string): boolean {
  return version === LATEST_LEGACY_VERSION;
}

/** A tool of a legacy server without what it says of tasks, which the core of the modern protocol does not have. */
export function withoutExecution(tool: JsonObject): JsonObject {
  const { execution: _execution, ...rest } = tool;
  return rest;
}
