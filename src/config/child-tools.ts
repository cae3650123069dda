import { z } from 'zod';
import type { ChildToolPlan, ParamPlan } from '../kernel/access.ts';
import type { JsonObject } from '../kernel/json.ts';
import { compileParam, PARAM_SETTINGS, type ParamSpot } from './param-settings.ts';

const name = z.string().min(1);
const ACTION = z.enum(['rewrite', 'append']);

const REWORDING = z.union(
  [
    z.string(),
    z.strictObject({
      action: ACTION.describe(
        '`rewrite` replaces the description of the parent, `append` extends it.',
      ),
      text: z.string().describe('The words.'),
    }),
    z.strictObject({ rewrite: z.string() }),
    z.strictObject({ append: z.string() }),
  ],
  'Give a text, or an action (rewrite or append) and a text.',
);

/** A tool made from another one. */
export const CHILD_TOOL = z.strictObject({
  name: name.describe('The name of the new tool.'),
  title: name.describe('The title people see; that of the parent when absent.').optional(),
  description: REWORDING.describe(
    'The description: a text that replaces that of the parent, or an action and a text.',
  ).optional(),
  annotations: z
    .record(name, z.unknown())
    .describe('Annotations laid over those of the parent.')
    .optional(),
  overrideParams: z
    // Any mapping passes here: whether it is one of settings is for the compiler to say.
    .record(name.meta({ title: 'parameter' }), z.union([PARAM_SETTINGS, z.unknown()]))
    .describe(
      'What is done to parameters, by the name the parent has for them: a mapping of the settings below, or any other value, to which the parameter is then fixed.',
    )
    .optional(),
});

type ChildTool = z.output<typeof CHILD_TOOL>;

/** One custom tool; what cannot hold is reported. */
export function compileChild(child: ChildTool, spot: ParamSpot): ChildToolPlan {
  const path = [...spot.path, 'overrideParams'];
  const entries = Object.entries(child.overrideParams ?? {}).flatMap(([key, value]) => {
    const param = compileParam(value, { ...spot, path: [...path, key] });
    return param === undefined ? [] : [[key, param] as const];
  });
  const params = Object.fromEntries(entries);
  checkNames(params, { ...spot, path });
  return {
    name: child.name,
    title: child.title,
    description: rewording(child.description),
    annotations: child.annotations as JsonObject | undefined,
    params,
  };
}

function rewording(given: ChildTool['description']): ChildToolPlan['description'] {
  if (given === undefined) return undefined;
  if (typeof given === 'string') return { action: 'rewrite', text: given };
  if ('rewrite' in given) return { action: 'rewrite', text: given.rewrite };
  return 'append' in given ? { action: 'append', text: given.append } : given;
}

/** Reports a new name that another parameter has, or has been given. */
function checkNames(params: Readonly<Record<string, ParamPlan>>, { file, path }: ParamSpot): void {
  const shown = Object.entries(params).filter(
    ([, { fixed, isHidden }]) => fixed === undefined && !isHidden,
  );
  const owners = new Map<string, string>();
  for (const [key, { rename }] of shown) if (rename === undefined) owners.set(key, key);
  for (const [key, { rename }] of shown) {
    if (rename === undefined) continue;
    const owner = owners.get(rename);
    owners.set(rename, key);
    if (owner === undefined) continue;
    const message = `Callers would know both "${owner}" and "${key}" as "${rename}"; give another name.`;
    file.error([...path, key, 'rename'], message);
  }
}
