import { isObject, type Json } from '../kernel/json.ts';
import type { Plan } from '../kernel/plan.ts';
import { isSecretName } from './secret-names.ts';
import { secretsOf } from './secrets-of.ts';
import { pathText } from './tree.ts';

/** One difference between two plans; undefined where there was or is nothing. */
export interface PlanChange {
  /** Where it stands in the plan, such as `servers.github.endpoint.url`. */
  readonly path: string;
  readonly before: Json | undefined;
  readonly after: Json | undefined;
}

/** What stands where a secret was. */
const SECRET = '[secret]';
const MAX_CHANGES = 100;
const MAX_CHARS = 300;

/** Steps from the top of a plan; `*` is any one. */
type Steps = readonly string[];

/** What follows from the rest, moves with every line of the file, or is there for other ends. */
const LEFT_OUT: readonly Steps[] = [
  ['fromEnvironment'],
  ['servers', '*', 'fingerprint'],
  ['access', 'tests', '*', 'line'],
];

/** Places whose texts are secrets, whatever they look like. */
const SECRET_PLACES: readonly Steps[] = [
  ['auth', 'sharedKey'],
  ['server', 'tls', 'key'],
  ['servers', '*', 'endpoint', 'env', '*'],
  ['servers', '*', 'endpoint', 'headers', '*'],
  ['tracing', 'headers', '*'],
  ['audit', 'http', 'headers', '*'],
  ['usage', 'database'],
];

/**
 * What changed from one plan to another, by path, without secrets: of those it says only that they changed. At most 100 changes
 * of 300 characters a value; a last one counts those left out.
 */
export function diffPlans(before: Plan, after: Plan): readonly PlanChange[] {
  const walk = new Walk([...secretsOf(before), ...secretsOf(after)]);
  walk.compare(before, after, []);
  const { changes } = walk;
  if (changes.length <= MAX_CHANGES) return changes;
  const further = changes.length - MAX_CHANGES;
  const last = { path: '…', before: undefined, after: `and ${further} further changes` };
  return [...changes.slice(0, MAX_CHANGES), last];
}

class Walk {
  readonly changes: PlanChange[] = [];
  readonly #secrets: readonly string[];

  constructor(secrets: readonly string[]) {
    this.#secrets = secrets.toSorted((one, other) => other.length - one.length);
  }

  compare(before: unknown, after: unknown, path: Steps): void {
    if (LEFT_OUT.some((place) => leadsTo(place, path)) || isSame(before, after)) return;
    const [one, other] = [byName(before), byName(after)];
    if (one === undefined || other === undefined) return this.#add(before, after, path);
    const [was, is] = [Object.keys(one), Object.keys(other)];
    for (const key of new Set([...was, ...is]))
      this.compare(ownAt(one, key), ownAt(other, key), [...path, key]);
    if (Array.isArray(before) && isReordered(was, is)) this.#add(was, is, path);
  }

  #add(before: unknown, after: unknown, path: Steps): void {
    this.changes.push({
      path: cut(this.#scrubbed(pathText(path))),
      before: bounded(this.#shown(before, path)),
      after: bounded(this.#shown(after, path)),
    });
  }

  /** A value without its secrets, and without what is left out of comparisons. */
  #shown(value: unknown, path: Steps): Json | undefined {
    if (value === undefined || LEFT_OUT.some((place) => leadsTo(place, path))) return undefined;
    if (typeof value === 'string' || typeof value === 'number')
      return isSecretPlace(path) ? SECRET : this.#scalar(value);
    if (value === null || typeof value === 'boolean') return value;
    if (Array.isArray(value))
      return value.map((item, index) => this.#shown(item, [...path, String(index)]) ?? null);
    const pairs = Object.entries(value).map(([key, inner]) => [
      this.#scrubbed(key),
      this.#shown(inner, [...path, key]),
    ]);
    return Object.fromEntries(pairs) as Json;
  }

  #scalar(value: string | number): Json {
    return typeof value === 'string' ? this.#scrubbed(value) : value;
  }

  #scrubbed(text: string): string {
    return this.#secrets.reduce((left, secret) => left.replaceAll(secret, SECRET), text);
  }
}

/** Lists of things with names are compared by those, so that one taken out does not change all behind it. */
function byName(value: unknown): Record<string, unknown> | undefined {
  if (isObject(value)) return value;
  if (!Array.isArray(value) || !value.every((item) => isObject(item))) return undefined;
  const pairs = value.flatMap((item) => {
    const name = item['id'] ?? item['name'] ?? item['issuer'];
    return typeof name === 'string' ? [[name, item] as const] : [];
  });
  const record = Object.fromEntries(pairs);
  return Object.keys(record).length === value.length ? record : undefined;
}

/** Names are chosen freely: one may be that of something every object has. */
function ownAt(record: Record<string, unknown>, key: string): unknown {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

/** Whether what stands in both lists stands in another order. */
function isReordered(before: readonly string[], after: readonly string[]): boolean {
  const kept = before.filter((name) => after.includes(name));
  return !isSame(
    kept,
    after.filter((name) => before.includes(name)),
  );
}

function isSame(before: unknown, after: unknown): boolean {
  return before === after || JSON.stringify(before) === JSON.stringify(after);
}

function leadsTo(place: Steps, path: Steps): boolean {
  return (
    place.length === path.length &&
    place.every((step, index) => step === '*' || step === path[index])
  );
}

function isSecretPlace(path: Steps): boolean {
  return (
    isSecretParameter(path) ||
    isSecretOfTest(path) ||
    SECRET_PLACES.some((place) => leadsTo(place, path))
  );
}

/** Parameters of custom tools can be fixed to a secret; what is inside such a value is one too. */
function isSecretParameter(path: Steps): boolean {
  const [top, , , , , params, name = '', given = '', ...inside] = path;
  if (top !== 'extensions' || params !== 'params' || !/^(?:fixed|default)$/.test(given))
    return false;
  return [name, ...inside].some((step) => isSecretName(step));
}

/** Tests give claims and arguments, which may stand under the name of a secret. */
function isSecretOfTest([top, tests, , ...inside]: Steps): boolean {
  return top === 'access' && tests === 'tests' && inside.some((step) => isSecretName(step));
}

function bounded(value: Json | undefined): Json | undefined {
  if (value === undefined) return undefined;
  const text = JSON.stringify(value);
  if (text.length <= MAX_CHARS) return value;
  return cut(typeof value === 'string' ? value : text);
}

function cut(text: string): string {
  return text.length <= MAX_CHARS ? text : `${text.slice(0, MAX_CHARS)}…`;
}
