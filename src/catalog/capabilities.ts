import type { Era } from '../kernel/era.ts';
import { isObject, objectAt, type Json, type JsonObject } from '../kernel/json.ts';
import { declaredBy, isShared, TASKS, type Declared } from './declared.ts';
import type { Supplier } from './offer.ts';

/** What capabilities are made of. */
export interface CapabilityTerms {
  /** Servers the caller can reach anything of. */
  readonly suppliers: readonly Supplier[];
  /** Whether the caller may use what only one server declares, under the key it declares it by. */
  readonly mayUse: (upstream: string, key: string) => boolean;
}

/**
 * All that can be served of what servers declare. A legacy client learns it once: it is told of everything that a server may
 * come to need (docs/rules.md R14). A modern one asks again: it is told of what there is.
 */
export function capabilitiesFor(era: Era, terms: CapabilityTerms): JsonObject {
  const { suppliers } = terms;
  const capabilities: JsonObject = {
    tools: { listChanged: true },
    prompts: { listChanged: true },
    resources: { listChanged: true, subscribe: true },
    completions: {},
    logging: {},
  };
  if (era === 'modern') {
    for (const key of ['completions', 'logging'])
      if (!suppliers.some((each) => isObject(declared(each)[key]))) delete capabilities[key];
    const subscribes = suppliers.some(
      (each) => objectAt(declared(each), 'resources')?.['subscribe'] === true,
    );
    if (!subscribes) capabilities['resources'] = { listChanged: true };
  } else {
    const tasks: Json[] = suppliers
      .map((each) => objectAt(declared(each), 'tasks'))
      .filter((each) => each !== undefined);
    if (tasks.length > 0) capabilities['tasks'] = tasks.reduce(united);
  }
  return { ...beyond(terms, era), ...capabilities };
}

/** What no specification knows is told where one server alone has it: of two nobody could say which is meant. */
function beyond({ suppliers, mayUse }: CapabilityTerms, era: Era): JsonObject {
  const found = foundAt(suppliers).filter(({ declared: each, upstream, values }) => {
    // The extension for tasks is of the modern protocol alone.
    if (each.place === 'extensions' && each.key === TASKS) return era === 'modern';
    return isShared(each) || (values.length === 1 && mayUse(upstream, each.key));
  });
  const at = (place: Declared['place']): [string, Json][] =>
    found
      .filter(({ declared: each }) => each.place === place)
      .map(({ declared: { key }, values }) => [key, values.reduce(united)]);
  const extensions = at('extensions');
  const experimental = at('experimental');
  return {
    ...(Object.fromEntries(at('top')) as JsonObject),
    ...(extensions.length === 0 ? {} : { extensions: Object.fromEntries(extensions) }),
    ...(experimental.length === 0 ? {} : { experimental: Object.fromEntries(experimental) }),
  };
}

/** Each thing that is declared, once, with what every server that declares it says of it. */
function foundAt(suppliers: readonly Supplier[]): readonly Found[] {
  const found = new Map<string, Found>();
  for (const supplier of suppliers) {
    for (const each of declaredBy(supplier)) {
      const id = `${each.place} ${each.key}`;
      const values = [...(found.get(id)?.values ?? []), each.value];
      found.set(id, { declared: each, upstream: supplier.name, values });
    }
  }
  return [...found.values()];
}

interface Found {
  readonly declared: Declared;
  readonly upstream: string;
  /** As each server that declares it does. */
  readonly values: readonly Json[];
}

function declared({ inventory }: Supplier): JsonObject {
  return inventory.facts.capabilities;
}

/** Two settings of one thing: what either has; where they differ, what the first says. */
function united(first: Json, second: Json): Json {
  if (Array.isArray(first) && Array.isArray(second)) {
    const known = new Set(first.map((each) => JSON.stringify(each)));
    return [...first, ...second.filter((each) => !known.has(JSON.stringify(each)))];
  }
  if (typeof first === 'boolean' && typeof second === 'boolean') return first || second;
  if (!isObject(first) || !isObject(second)) return first;
  const entries = Object.entries(second).map(([key, value = null]): [string, Json] => {
    const there = Object.hasOwn(first, key) ? first[key] : undefined;
    return [key, there === undefined ? value : united(there, value)];
  });
  return { ...first, ...Object.fromEntries(entries) };
}
