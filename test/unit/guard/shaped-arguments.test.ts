import assert from 'node:assert/strict';
import test, { before } from 'node:test';
import * as fc from 'fast-check';
import { SchemaFault } from '../../../src/catalog/schema-fault.ts';
import { ArgumentsGuard } from '../../../src/guard/arguments.ts';
import type { ParamPlan } from '../../../src/kernel/access.ts';
import { isObject, objectAt, type Json, type JsonObject } from '../../../src/kernel/json.ts';
import { Principal } from '../../../src/kernel/principal.ts';
import { shapedArguments } from '../../../src/spine/shaping.ts';
import { customTarget, inputOf, plainTarget } from '../../support/unit-custom.ts';
import {
  randomArguments,
  randomParams,
  randomSchema,
  type Draw,
} from '../../support/unit-custom-random.ts';

const RUNS = 500;
const CALLER = Principal.prove({ credential: 'c', proof: 'local' });
const guard = new ArgumentsGuard();

before(async () => {
  await guard.check(plainTarget({}), {});
});

/** A custom tool of random making; undefined where none can be made. */
function randomTool(
  draw: Draw,
): { parent: JsonObject; input: ReturnType<typeof inputOf> } | undefined {
  const parent = randomSchema(draw);
  const params = randomParams(draw, parent);
  try {
    const input = inputOf(parent, params);
    return areOwnValuesRight(parent, input.shape.params) ? { parent, input } : undefined;
  } catch (error) {
    assert.ok(error instanceof SchemaFault, String(error));
    return undefined;
  }
}

/** Whether what a configuration gives whole is something the parent takes: else every call is refused by the parent. */
function areOwnValuesRight(
  parent: JsonObject,
  params: Readonly<Record<string, ParamPlan>>,
): boolean {
  const target = plainTarget({ properties: parent['properties'], $defs: parent['$defs'] });
  return Object.entries(params).every(([name, plan]) => {
    const value = plan.isHidden ? (plan.fixed ?? plan.default) : plan.default;
    return value === undefined || guard.check(target, { [name]: value.value }) === undefined;
  });
}

test('whatever a caller sends that fits the schema shown, its parent gets what is fixed and what fits its own', () => {
  let made = 0;
  let fitting = 0;
  const property = fc.property(fc.gen(), (draw) => {
    const tool = randomTool(draw);
    if (tool === undefined) return;
    made += 1;
    const { parent, input } = tool;
    const args = randomArguments(draw, input.schema, parent);
    const shaped = shapedArguments(args, input.shape, CALLER);
    for (const [name, plan] of Object.entries(input.shape.params)) {
      if (plan.fixed !== undefined)
        assertHeld(plan.fixed.value, { shaped, schema: input.schema, path: [name] });
      assertUnreached({ args, shaped, name, plan });
    }
    if (guard.check(customTarget(input), args) !== undefined) return;
    fitting += 1;
    const problem = guard.check(plainTarget(parent), shaped);
    assert.equal(problem, undefined, JSON.stringify({ parent, shown: input, args, shaped }));
  });
  fc.assert(property, { numRuns: RUNS, endOnFailure: true });
  assert.ok(made > RUNS / 3, `${made} of ${RUNS} were made`);
  assert.ok(fitting > made / 3, `${fitting} of ${made} were fitting`);
});

interface Spot {
  readonly shaped: JsonObject;
  /** Of the object in which it lies, as callers see it; undefined where they see none. */
  readonly schema: JsonObject | undefined;
  readonly path: readonly string[];
}

/** What is fixed is there whatever was sent; and where nothing is shown beside it, nothing else is. */
function assertHeld(value: Json, { shaped, schema, path }: Spot): void {
  const shown = objectAt(objectAt(schema, 'properties'), path.at(-1) ?? '');
  const isWhole = !isObject(value) || Object.keys(value).length === 0 || shown === undefined;
  if (isWhole) return assert.deepEqual(at(shaped, path), value, JSON.stringify(path));
  for (const [key, below = null] of Object.entries(value))
    assertHeld(below, { shaped, schema: shown, path: [...path, key] });
}

interface Reached {
  readonly args: JsonObject;
  readonly shaped: JsonObject;
  readonly name: string;
  readonly plan: ParamPlan;
}

/** What is hidden holds nothing of the caller's, and what is renamed only what was sent under its new name. */
function assertUnreached({ args, shaped, name, plan }: Reached): void {
  if (plan.isHidden) {
    const expected = plan.fixed?.value ?? plan.default?.value;
    assert.deepEqual(shaped[name], expected);
  } else if (plan.fixed === undefined) {
    assert.deepEqual(shaped[name], args[plan.rename ?? name] ?? plan.default?.value);
  }
}

function at(value: JsonObject, path: readonly string[]): Json | undefined {
  return path.reduce<Json | undefined>(
    (place, key) => (isObject(place) ? place[key] : undefined),
    value,
  );
}

test('no parameter that is fixed or hidden is in the schema shown', () => {
  const property = fc.property(fc.gen(), (draw) => {
    const tool = randomTool(draw);
    if (tool === undefined) return;
    const { schema, shape } = tool.input;
    const shown = Object.keys(objectAt(schema, 'properties') ?? {});
    const required = (schema['required'] ?? []) as string[];
    const names = Object.entries(shape.params).flatMap(([name, { isHidden, rename }]) =>
      isHidden ? [] : [rename ?? name],
    );
    const untouched = Object.keys(objectAt(tool.parent, 'properties') ?? {}).filter(
      (name) => !Object.hasOwn(shape.params, name),
    );
    assert.deepEqual(shown.toSorted(), [...names, ...untouched].toSorted());
    for (const name of required)
      assert.ok(shown.includes(name), `${name} is required but not shown`);
  });
  fc.assert(property, { numRuns: RUNS, endOnFailure: true });
});
