import { z } from 'zod';
import type { ParamPlan } from '../kernel/access.ts';
import { isObject, type Json, type JsonObject } from '../kernel/json.ts';
import type { ConfigFile } from './config-file.ts';
import { reportIssues } from './issues.ts';
import { didYouMean } from './nearest.ts';
import { checkPlaceholders } from './placeholders.ts';
import type { ConfigChecks } from './ports.ts';
import type { Path } from './tree.ts';

const count = z.int().min(0);

/** JSON Schema keywords a parameter can be constrained by. */
const CONSTRAINTS = {
  enum: z.array(z.unknown()).min(1).describe('The values the parameter may have.').optional(),
  minimum: z.number().describe('The least value.').optional(),
  maximum: z.number().describe('The greatest value.').optional(),
  exclusiveMinimum: z.number().describe('A number every value must exceed.').optional(),
  exclusiveMaximum: z.number().describe('A number no value may reach.').optional(),
  multipleOf: z.number().gt(0).describe('A number every value must be a multiple of.').optional(),
  pattern: z
    .string()
    .min(1)
    .describe(
      'A regular expression some part of the text must match; write `^` and `$` for the whole. It runs in linear time, so there are no lookarounds and back references.',
    )
    .optional(),
  minLength: count.describe('The least number of characters.').optional(),
  maxLength: count.describe('The greatest number of characters.').optional(),
  minItems: count.describe('The least number of items.').optional(),
  maxItems: count.describe('The greatest number of items.').optional(),
};

/** What can be said about one parameter of a custom tool. */
export const PARAM_SETTINGS = z.strictObject({
  value: z
    .unknown()
    .describe(
      'The value that is always sent; the parameter is gone from the schema. A mapping is merged over what else is sent. Texts in it may hold `${principal.name}`, `${principal.consumer}` and `${claims.<name>}`.',
    )
    .optional(),
  default: z
    .unknown()
    .describe('The value sent where the caller gives none; texts in it may hold the same.')
    .optional(),
  hidden: z
    .boolean()
    .describe('Whether the parameter is gone from the schema, so that callers cannot give it.')
    .optional(),
  rename: z.string().min(1).describe('The name callers know the parameter by.').optional(),
  description: z
    .string()
    .describe('The description of the parameter, in place of the one it has.')
    .optional(),
  ...CONSTRAINTS,
});

type Settings = z.output<typeof PARAM_SETTINGS>;

/** Where a value stands, and what is needed to check it. */
export interface ParamSpot {
  readonly file: ConfigFile;
  readonly path: Path;
  readonly checks: ConfigChecks;
}

/** What is done to one parameter, undefined where an error was reported. A value that is no mapping of settings is fixed. */
export function compileParam(value: unknown, spot: ParamSpot): ParamPlan | undefined {
  const { file, path } = spot;
  if (value === null) {
    file.error(
      path,
      'This is empty; give a value, settings, or { value: null } where null is meant.',
    );
    return undefined;
  }
  if (!isSettings(value, spot)) {
    checkPlaceholders(value, spot);
    return toPlan({ value });
  }
  if (Object.keys(value).length === 0) {
    file.error(
      path,
      'Nothing is said here; give a setting, or { value: {} } where an empty mapping is meant.',
    );
    return undefined;
  }
  const parsed = PARAM_SETTINGS.safeParse(value, { jitless: true });
  if (parsed.success) return checked(parsed.data, spot);
  reportIssues({ file, path, value }, PARAM_SETTINGS, parsed.error.issues);
  return undefined;
}

/** Only a mapping of nothing but settings is one: in the first generation any other mapping was a value. */
function isSettings(value: unknown, { file, path }: ParamSpot): value is JsonObject {
  if (!isObject(value)) return false;
  const known = Object.keys(PARAM_SETTINGS.shape);
  const foreign = Object.keys(value).filter((key) => !known.includes(key));
  const [key] = foreign;
  if (key === undefined) return true;
  const guess = didYouMean(key, known);
  if (foreign.length < Object.keys(value).length || guess !== '') {
    const message = `This mapping is the fixed value of the parameter, for "${key}" is no setting.${guess} Write { value: ... } around it if that is meant.`;
    file.warn(path, message);
  }
  return false;
}

function checked(settings: Settings, spot: ParamSpot): ParamPlan {
  const { file, path } = spot;
  checkBesideValue(settings, spot);
  for (const key of ['value', 'default'] as const) {
    checkPlaceholders(settings[key], { file, path: [...path, key] });
  }
  for (const [least, most] of RANGES) {
    const [low, high] = [settings[least], settings[most]];
    if (low === undefined || high === undefined || low <= high) continue;
    file.error([...path, least], `${least} (${low}) must not be greater than ${most} (${high}).`);
  }
  const fault = settings.pattern === undefined ? undefined : spot.checks.pattern(settings.pattern);
  if (fault !== undefined) file.error([...path, 'pattern'], fault);
  return toPlan(settings);
}

const RANGES = [
  ['minimum', 'maximum'],
  ['exclusiveMinimum', 'exclusiveMaximum'],
  ['minLength', 'maxLength'],
  ['minItems', 'maxItems'],
] as const;

function checkBesideValue(settings: Settings, { file, path }: ParamSpot): void {
  if (settings.value === undefined) return;
  const beside = Object.keys(settings).filter((key) => key !== 'value');
  for (const key of beside) {
    const place = [...path, key];
    if (key === 'description') {
      file.warn(place, 'Nobody reads this: a parameter with a "value" is gone from the schema.');
    } else {
      const message = `"value" fixes the parameter, so "${key}" has nothing left to decide; keep one of the two.`;
      file.error(place, message, 'key');
    }
  }
}

function toPlan(settings: Settings): ParamPlan {
  const constraints = Object.entries(settings).filter(([key]) => Object.hasOwn(CONSTRAINTS, key));
  return {
    fixed: wrapped(settings.value),
    default: wrapped(settings.default),
    isHidden: settings.hidden === true,
    rename: settings.rename,
    description: settings.description,
    constraints:
      constraints.length === 0 ? undefined : (Object.fromEntries(constraints) as JsonObject),
  };
}

function wrapped(value: unknown): { readonly value: Json } | undefined {
  return value === undefined ? undefined : { value: value as Json };
}
