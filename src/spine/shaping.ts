import type { ParamPlan } from '../kernel/access.ts';
import { isObject, type Json, type JsonObject } from '../kernel/json.ts';
import type { Principal } from '../kernel/principal.ts';
import { Refusal } from '../kernel/refusals.ts';
import type { Shape } from '../kernel/shape.ts';

/** A shape read once: what a name in a caller's arguments stands for. */
interface Reading {
  readonly params: readonly (readonly [string, ParamPlan])[];
  /** Name callers use -> the parent's. */
  readonly given: ReadonlyMap<string, string>;
  /** The parent's names of all parameters that the shape speaks of. */
  readonly known: ReadonlySet<string>;
  /** Paths that are closed to callers, each as JSON. */
  readonly closed: ReadonlySet<string>;
}

const readings = new WeakMap<Shape, Reading>();
const PLACEHOLDER = /\$\{(principal|claims)\.([^{}]*)\}/gu;

/**
 * The arguments of a custom tool as its parent gets them: names translated back, defaults where nothing is given, fixed
 * values laid over what is. Callers reach no fixed or hidden parameter under any name. What the shape does not speak of is
 * passed on as it is. Throws FORBIDDEN when a value refers to something the caller's credential does not say.
 */
export function shapedArguments(
  args: JsonObject | undefined,
  shape: Shape,
  principal: Principal,
): JsonObject {
  const given = args ?? {};
  const { params, known, closed, ...reading } = readingOf(shape);
  if (params.length === 0) return given;
  const shaped = new Map<string, Json | undefined>();
  for (const [name, value] of Object.entries(given)) {
    const param = reading.given.get(name);
    if (param !== undefined) shaped.set(param, value);
    else if (!known.has(name)) shaped.set(name, value);
  }
  for (const [param, { fixed, default: fallback }] of params) {
    if (fallback !== undefined && shaped.get(param) === undefined) {
      shaped.set(param, filled(fallback.value, principal));
    }
    if (fixed === undefined) continue;
    const fill = (value: Json): Json => filled(value, principal);
    shaped.set(param, laidOver(shaped.get(param), fixed.value, { path: [param], closed, fill }));
  }
  return Object.fromEntries(shaped);
}

/** Whether a caller's credential says all that a custom tool's fixed values refer to: without it no call can be made. */
export function canShape(shape: Shape, principal: Principal): boolean {
  try {
    for (const { fixed } of Object.values(shape.params))
      if (fixed !== undefined) filled(fixed.value, principal);
    return true;
  } catch {
    return false;
  }
}

function readingOf(shape: Shape): Reading {
  const present = readings.get(shape);
  if (present !== undefined) return present;
  const params = Object.entries(shape.params);
  const visible = params.filter(([, { isHidden }]) => !isHidden);
  const reading = {
    params,
    given: new Map(visible.map(([param, { rename }]) => [rename ?? param, param])),
    known: new Set(params.map(([param]) => param)),
    closed: new Set((shape.closed ?? []).map((path) => JSON.stringify(path))),
  };
  readings.set(shape, reading);
  return reading;
}

interface Laying {
  readonly path: readonly string[];
  readonly closed: ReadonlySet<string>;
  readonly fill: (value: Json) => Json;
}

/** A fixed value wins; of objects the keys that are not fixed stay the caller's. */
function laidOver(given: Json | undefined, fixed: Json, laying: Laying): Json {
  const { path, closed, fill } = laying;
  const isWhole = !isObject(fixed) || Object.keys(fixed).length === 0;
  if (isWhole || !isObject(given) || closed.has(JSON.stringify(path))) return fill(fixed);
  const merged = new Map(Object.entries(given));
  for (const [key, value = null] of Object.entries(fixed)) {
    merged.set(key, laidOver(merged.get(key), value, { ...laying, path: [...path, key] }));
  }
  return Object.fromEntries(merged);
}

/** A value with what its texts refer to in place. */
function filled(value: Json, principal: Principal): Json {
  if (typeof value === 'string') return filledText(value, principal);
  if (Array.isArray(value)) return value.map((item) => filled(item, principal));
  if (!isObject(value)) return value;
  const entries = Object.entries(value);
  return Object.fromEntries(entries.map(([key, item = null]) => [key, filled(item, principal)]));
}

/** A text that is nothing but one reference becomes what it refers to, whatever its type. */
function filledText(text: string, principal: Principal): Json {
  if (!text.includes('${')) return text;
  const [only] = text.matchAll(PLACEHOLDER);
  if (only?.[0] === text) return valueOf(only[1], only[2], principal);
  return text.replaceAll(PLACEHOLDER, (_text, root: string, path: string) => {
    const value = valueOf(root, path, principal);
    if (typeof value === 'object') throw lacking();
    return String(value);
  });
}

function valueOf(root: string | undefined, path = '', principal: Principal): Json {
  const value = root === 'claims' ? claimAt(principal.claims, path) : ofPrincipal(path, principal);
  if (value === undefined) throw lacking();
  return value;
}

function ofPrincipal(path: string, { name, consumer }: Principal): string | undefined {
  if (path === 'name') return name;
  return path === 'consumer' ? consumer : undefined;
}

/** A claim by its whole name, which may hold dots, else by the names on the way to it. */
function claimAt(claims: JsonObject | undefined, path: string): Json | undefined {
  if (claims !== undefined && Object.hasOwn(claims, path)) return claims[path];
  let value: Json | undefined = claims;
  for (const key of path.split('.')) {
    value = isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
  }
  return value;
}

function lacking(): Refusal {
  return new Refusal(
    'FORBIDDEN',
    'This tool needs something that your credential does not say; ask the operator of this gateway for access.',
  );
}
