import type { ParamPlan } from '../kernel/access.ts';
import { isObject, objectAt, type Json, type JsonObject } from '../kernel/json.ts';
import { isWithinDepth } from '../kernel/json-schema.ts';
import type { Shape } from '../kernel/shape.ts';
import { narrowed } from './constraints.ts';
import { GONE, propertyOf, remainderOf } from './fixed-object.ts';
import { referred, rerouted } from './local-references.ts';
import { editedSchema, type Edit, type Edits } from './schema-edits.ts';
import { SchemaFault } from './schema-fault.ts';

/** What callers of a custom tool may give, and how that becomes what its parent takes. */
export interface CustomInput {
  readonly schema: JsonObject;
  readonly shape: Shape;
}

const MAX_DEPTH = 100;
const NOTHING_SAID: JsonObject = { type: 'object' };
const PLACEHOLDER = '${';
const REWORDINGS = ['description', 'default', 'constraints'] as const;

/** The input of a custom tool, made from the input schema of its parent. Throws SchemaFault where that cannot be done truly. */
export function customInput(
  parent: JsonObject | undefined,
  name: string,
  params: Shape['params'],
): CustomInput {
  const document = parent ?? NOTHING_SAID;
  const plans = Object.entries(params);
  if (plans.length === 0) return { schema: document, shape: { name, params } };
  if (!isWithinDepth(document, MAX_DEPTH)) {
    throw new SchemaFault('the schema of its parent is nested too deep');
  }
  const closed: (readonly string[])[] = [];
  const edits = new Map<string, Edit>();
  for (const [param, plan] of plans) {
    edits.set(param, editOf(param, plan, document, closed));
  }
  refuseSharedNames(document, edits);
  const edited = editedSchema(document, edits, document);
  const shaped = plans.map(([param, plan]) => {
    const isGone = plan.fixed !== undefined && edits.get(param)?.shown === undefined;
    return [param, isGone ? { ...plan, isHidden: true } : plan] as const;
  });
  return {
    schema: rerouted(edited, document, new Set(edits.keys())),
    shape: {
      name,
      params: Object.fromEntries(shaped),
      ...(closed.length === 0 ? {} : { closed }),
    },
  };
}

/** What becomes of one parameter; notes what of it is closed to callers. */
function editOf(
  param: string,
  plan: ParamPlan,
  document: JsonObject,
  closed: (readonly string[])[],
): Edit {
  const declared = propertyOf(document, param);
  if (declared === undefined) return editOfUndeclared(param, plan, document);
  if (plan.isHidden) return hidden(plan);
  if (plan.fixed === undefined) {
    const isReworded = REWORDINGS.some((setting) => plan[setting] !== undefined);
    return {
      presence: plan.default === undefined ? 'caller' : 'always',
      shown: plan.rename ?? param,
      schema: isReworded ? reworded(referred(asSchema(declared), document), plan) : undefined,
    };
  }
  const remainder = remainderOf(declared, plan.fixed.value, document);
  if (remainder === undefined) return GONE;
  closed.push(...remainder.closed.map((path) => [param, ...path]));
  return { ...remainder, presence: 'always', shown: param };
}

function hidden({ fixed, default: fallback }: ParamPlan): Edit {
  return fixed === undefined && fallback === undefined
    ? { presence: 'never', shown: undefined }
    : GONE;
}

/** A parameter the parent does not declare can be given to it where it says that it takes others. */
function editOfUndeclared(param: string, plan: ParamPlan, document: JsonObject): Edit {
  const others = document['additionalProperties'];
  if (others !== true && !isObject(others)) {
    throw new SchemaFault(`its parent declares no parameter "${param}"`);
  }
  if (
    plan.rename !== undefined ||
    plan.description !== undefined ||
    plan.constraints !== undefined
  ) {
    throw new SchemaFault(
      `its parent declares no parameter "${param}", which can only be fixed, hidden or given a default`,
    );
  }
  if (plan.isHidden || plan.fixed !== undefined) return hidden(plan);
  return { presence: 'always', shown: param };
}

function asSchema(declared: Json): JsonObject {
  if (isObject(declared)) return declared;
  return declared === false ? { not: {} } : {};
}

/** The schema of a parameter in the words of the custom tool. */
function reworded(schema: JsonObject, plan: ParamPlan): JsonObject {
  const { description, constraints } = plan;
  const { default: parents, ...rest } = schema;
  const fallback = plan.default === undefined ? parents : shownDefault(plan.default.value);
  return {
    ...(constraints === undefined ? rest : narrowed(rest, constraints)),
    ...(description === undefined ? {} : { description }),
    ...(fallback === undefined ? {} : { default: fallback }),
  };
}

/** What stands in place of a placeholder differs from caller to caller: it cannot be shown. */
function shownDefault(value: Json): Json | undefined {
  return JSON.stringify(value).includes(PLACEHOLDER) ? undefined : value;
}

/** Two parameters under one name would leave it open which of them a caller means. */
function refuseSharedNames(document: JsonObject, edits: Edits): void {
  const owners = new Map<string, string>();
  const declared = Object.keys(objectAt(document, 'properties') ?? {});
  for (const param of declared) if (!edits.has(param)) owners.set(param, param);
  for (const [param, { shown }] of edits) {
    const owner = shown === undefined ? undefined : owners.get(shown);
    if (owner !== undefined) {
      throw new SchemaFault(`callers would know both "${owner}" and "${param}" as "${shown}"`);
    }
    if (shown !== undefined) owners.set(shown, param);
  }
}
