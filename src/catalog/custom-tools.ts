import type { ChildToolPlan } from '../kernel/access.ts';
import { objectAt, stringAt, type JsonObject } from '../kernel/json.ts';
import { paramHeaders } from '../kernel/param-headers.ts';
import type { Shape } from '../kernel/shape.ts';
import { customInput } from './custom-schema.ts';
import { SchemaFault } from './schema-fault.ts';

/** A tool made from another one: its definition, under its own name, and how its arguments become those of its parent. */
export interface CustomTool {
  readonly item: JsonObject;
  readonly shape: Shape;
}

type Made = CustomTool | SchemaFault;

const made = new WeakMap<JsonObject, WeakMap<ChildToolPlan, Made>>();

/**
 * The tool that a plan makes of a parent as its server lists it; a fault where it could not be described truly. Made once
 * for the same two objects, so that what others keep by its schema stays good.
 */
export function customTool(parent: JsonObject, plan: ChildToolPlan): Made {
  const byPlan = made.get(parent) ?? new WeakMap<ChildToolPlan, Made>();
  made.set(parent, byPlan);
  const present = byPlan.get(plan);
  if (present !== undefined) return present;
  const result = make(parent, plan);
  byPlan.set(plan, result);
  return result;
}

function make(parent: JsonObject, plan: ChildToolPlan): Made {
  try {
    const { schema, shape } = customInput(objectAt(parent, 'inputSchema'), plan.name, plan.params);
    const item = { ...parent, name: plan.name, ...worded(parent, plan), inputSchema: schema };
    if (paramHeaders(item) !== undefined) return { item, shape };
    return new SchemaFault('its x-mcp-header would not be valid');
  } catch (error) {
    if (error instanceof SchemaFault) return error;
    throw error;
  }
}

/** What a custom tool says of itself: a title of its own stands wherever its parent's stood. */
function worded(parent: JsonObject, plan: ChildToolPlan): JsonObject {
  const title = plan.title ?? stringAt(plan.annotations, 'title');
  const parents = objectAt(parent, 'annotations');
  const laid = { ...parents, ...plan.annotations };
  const isTitled = title !== undefined && laid['title'] !== undefined;
  const annotations = isTitled
    ? { ...laid, title: stringAt(plan.annotations, 'title') ?? title }
    : laid;
  const description = describedBy(parent, plan);
  return {
    ...(title === undefined ? {} : { title }),
    ...(description === undefined ? {} : { description }),
    ...(parents === undefined && plan.annotations === undefined ? {} : { annotations }),
  };
}

function describedBy(parent: JsonObject, { description }: ChildToolPlan): string | undefined {
  const before = stringAt(parent, 'description') ?? '';
  if (description === undefined) return undefined;
  const isAppended = description.action === 'append' && before !== '';
  return isAppended ? `${before}\n\n${description.text}` : description.text;
}
