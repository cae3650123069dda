import assert from 'node:assert/strict';
import { customInput, type CustomInput } from '../../src/catalog/custom-schema.ts';
import { SchemaFault } from '../../src/catalog/schema-fault.ts';
import type { ChildToolPlan, ExtensionPlan, ParamPlan } from '../../src/kernel/access.ts';
import type { Json, JsonObject } from '../../src/kernel/json.ts';
import type { Target } from '../../src/kernel/target.ts';

/** What a configuration says of a parameter. */
export function param(settings: Partial<ParamPlan>): ParamPlan {
  return {
    fixed: undefined,
    default: undefined,
    isHidden: false,
    rename: undefined,
    description: undefined,
    constraints: undefined,
    ...settings,
  };
}

/** A parameter fixed to a value. */
export function fixed(value: Json): ParamPlan {
  return param({ fixed: { value } });
}

/** A parameter with a default. */
export function fallback(value: Json): ParamPlan {
  return param({ default: { value } });
}

export const HIDDEN: ParamPlan = param({ isHidden: true });

/** A custom tool as a configuration describes it. */
export function childTool(name: string, settings: Partial<ChildToolPlan> = {}): ChildToolPlan {
  return {
    name,
    title: undefined,
    description: undefined,
    annotations: undefined,
    params: {},
    ...settings,
  };
}

/** Custom tools beside their parent. */
export function beside(...children: readonly ChildToolPlan[]): ExtensionPlan {
  return { isReplaced: false, children };
}

/** Custom tools instead of their parent. */
export function instead(...children: readonly ChildToolPlan[]): ExtensionPlan {
  return { isReplaced: true, children };
}

/** The input of a custom tool `child`, made from a parent with this schema. */
export function inputOf(
  schema: JsonObject,
  params: Readonly<Record<string, ParamPlan>>,
): CustomInput {
  return customInput(schema, 'child', params);
}

/** Why no custom tool with these parameters can be made of a parent with this schema. */
export function faultOf(schema: JsonObject, params: Readonly<Record<string, ParamPlan>>): string {
  try {
    inputOf(schema, params);
  } catch (error) {
    assert.ok(error instanceof SchemaFault, String(error));
    return error.message;
  }
  return assert.fail('a custom tool was made');
}

/** The target of a call to a custom tool. */
export function customTarget({ schema, shape }: CustomInput): Target {
  const names = { upstream: 'server', name: 'parent', publicName: `server__${shape.name}` };
  return { kind: 'tool', ...names, shown: { inputSchema: schema }, shape };
}

/** The target of a call to a tool as its server lists it. */
export function plainTarget(schema: JsonObject): Target {
  const item = { name: 'parent', inputSchema: schema };
  return { kind: 'tool', upstream: 'server', name: 'parent', publicName: 'server__parent', item };
}
