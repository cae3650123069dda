import { isObject, objectAt, type Json, type JsonObject } from '../kernel/json.ts';
import type { Supplier } from './offer.ts';

/** One thing that a server declares beyond what the specification itself has. */
export interface Declared {
  readonly place: 'extensions' | 'experimental' | 'top';
  /** Id of an extension, else the key. */
  readonly key: string;
  readonly value: Json;
}

export const TASKS = 'io.modelcontextprotocol/tasks';

/** Extensions about things that are told apart one by one, so that several servers may have them. */
const SHARED: ReadonlySet<string> = new Set([
  TASKS,
  'io.modelcontextprotocol/ui',
  'io.modelcontextprotocol/skills',
]);

const CORE: ReadonlySet<string> = new Set([
  'tools',
  'prompts',
  'resources',
  'completions',
  'logging',
  'tasks',
  'extensions',
  'experimental',
]);

/** What a server declares beyond the specification. */
export function declaredBy({ inventory }: Supplier): readonly Declared[] {
  const { capabilities } = inventory.facts;
  const under = (place: 'extensions' | 'experimental'): Declared[] =>
    entriesOf(objectAt(capabilities, place))
      // Anything else is no declaration, and clients would refuse the whole answer because of it.
      .filter(([, value]) => isObject(value))
      .map(([key, value]) => ({ place, key, value }));
  const unknown = entriesOf(capabilities).filter(([key]) => !CORE.has(key));
  return [
    ...under('extensions'),
    ...under('experimental'),
    ...unknown.map(([key, value]) => ({ place: 'top' as const, key, value })),
  ];
}

/** Whether several servers may declare it at once. */
export function isShared({ place, key }: Declared): boolean {
  return place === 'extensions' && SHARED.has(key);
}

/** The only one of these servers that declares what a method belongs to; undefined where there are none or several. */
export function declarerOf(method: string, suppliers: readonly Supplier[]): string | undefined {
  const [only, ...others] = suppliers.filter((supplier) =>
    declaredBy(supplier).some((each) => isOf(method, each)),
  );
  return others.length > 0 ? undefined : only?.name;
}

/** A method begins with the whole id of its extension, or with the last part of it; else with the key. */
function isOf(method: string, { place, key }: Declared): boolean {
  if (key === '' || (place === 'extensions' && key === TASKS)) return false;
  if (method.startsWith(`${key}/`)) return true;
  const last = key.slice(key.lastIndexOf('/') + 1);
  return place === 'extensions' && last !== '' && method.startsWith(`${last}/`);
}

function entriesOf(holder: JsonObject | undefined): (readonly [string, Json])[] {
  return Object.entries(holder ?? {}).flatMap(([key, value]) =>
    value === undefined ? [] : [[key, value] as const],
  );
}
