import { mutateBytes } from './mutate-bytes.ts';
import type { Random } from './random.ts';

interface Spot {
  /** The object or list that holds the value. */
  readonly holder: Record<string, unknown>;
  readonly key: string;
}

const KEYS = [
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  '',
  'id',
  'jsonrpc',
  'method',
  'params',
  'result',
  'error',
  '_meta',
  'name',
  'uri',
  'arguments',
  'cursor',
  'progressToken',
  'requestId',
  'requestState',
  'inputResponses',
  'taskId',
  'task',
  'io.modelcontextprotocol/protocolVersion',
  'io.modelcontextprotocol/clientCapabilities',
  'io.modelcontextprotocol/logLevel',
  'mcpx/limits',
  'traceparent',
];

const SCALARS: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  1e308,
  Number.MAX_SAFE_INTEGER,
  2 ** 53,
  -(2 ** 63),
  '',
  ' ',
  '\0',
  '\u2028',
  '\ud800',
  '\ufeff',
  '*',
  '../../etc/passwd',
  '__proto__',
  'a__b__c',
  '2025-11-25',
  '2026-07-28',
  '1999-01-01',
  'file:///a/../b',
  'test://watched-resource',
  'x'.repeat(5000),
];

const MAX_CHARS = 1_200_000;

const CONTAINERS: readonly (() => unknown)[] = [() => ({}), () => [], () => [[]], () => [null]];

function spotsOf(value: unknown, found: Spot[] = [], depth = 0): Spot[] {
  if (typeof value !== 'object' || value === null || depth > 24) return found;
  const holder = value as Record<string, unknown>;
  for (const key of Object.keys(holder)) {
    found.push({ holder, key });
    spotsOf(holder[key], found, depth + 1);
  }
  return found;
}

function nested(value: unknown, depth: number): unknown {
  let around = value;
  for (let level = 0; level < depth; level += 1)
    around = level % 2 === 0 ? [around] : { a: around };
  return around;
}

function set(holder: Record<string, unknown>, key: string, value: unknown): void {
  if (Array.isArray(holder) && !/^\d+$/u.test(key)) {
    // JSON has no such members of lists, and one called `constructor` would spoil the list itself.
    holder.push(value);
    return;
  }
  // An assignment to __proto__ would change the holder instead of what is written of it.
  Object.defineProperty(holder, key, {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  });
}

type Change = (spot: Spot, random: Random, all: readonly Spot[]) => void;

const CHANGES: readonly Change[] = [
  ({ holder, key }) => {
    if (Array.isArray(holder)) holder.splice(Number(key), 1);
    else delete holder[key];
  },
  ({ holder, key }, random) => set(holder, key, random.pick(SCALARS)),
  ({ holder, key }, random) => set(holder, key, random.pick(CONTAINERS)()),
  ({ holder, key }, random) => set(holder, key, nested(holder[key], random.pick([1, 2, 30, 600]))),
  ({ holder }, random) => set(holder, random.pick(KEYS), random.pick(SCALARS)),
  ({ holder, key }, random) => set(holder, random.pick(KEYS), holder[key]),
  ({ holder, key }, random, all) => {
    const other = random.pick(all);
    const value = other.holder[other.key];
    set(other.holder, other.key, holder[key]);
    set(holder, key, value);
  },
  ({ holder, key }, random) => {
    const value = holder[key];
    if (typeof value === 'string') set(holder, key, mutateBytes(value, random));
    else if (typeof value === 'number') set(holder, key, value + random.pick([-1, 1, 0.5, 1e15]));
    else set(holder, key, written(value) ?? 'undefined');
  },
  ({ holder, key }, random) => {
    const value = holder[key];
    if (Array.isArray(value)) value.push(...value.slice(0, 1 + random.below(50)));
    else
      set(
        holder,
        key,
        Array.from({ length: 1 + random.below(150) }, () => value),
      );
  },
];

/** JSON text with one to three parts of its value changed; now and then its bytes as well. Text that is no JSON: its bytes. */
export function mutateJson(text: string, random: Random, others: readonly string[] = []): string {
  const top = { value: parsed(text) };
  if (top.value === undefined) return mutateBytes(text, random, others);
  for (let count = 1 + random.below(3); count > 0; count -= 1) {
    const spots = spotsOf(top, []);
    if (spots.length > 0) random.pick(CHANGES)(random.pick(spots), random, spots);
  }
  const whole = written(top.value) ?? text;
  // Lists of lists grow fast, and one text too long is like another.
  const changed = whole.length > MAX_CHARS ? whole.slice(0, MAX_CHARS) : whole;
  if (random.chance(0.05)) return mutateBytes(changed, random, others);
  return random.chance(0.05) ? twice(changed, random) : changed;
}

/** A key that stands in an object twice, which no value can express. */
function twice(text: string, random: Random): string {
  if (!text.startsWith('{') || text === '{}') return text;
  return `{${JSON.stringify(random.pick(KEYS))}:${written(random.pick(SCALARS)) ?? 'null'},${text.slice(1)}`;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** Undefined where changes have made a value contain itself, or nothing that JSON has. */
function written(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}
