type Json = unknown;

/** Where two values are unlike: what is at the path in one of them alone, or unlike in both. */
export type Difference = `${string}: ${'legacy alone' | 'modern alone' | 'unlike'}`;

/**
 * Compares what a legacy and a modern client got, and says of every path where they are unlike. Items of lists are matched
 * by what names them, in whatever order.
 */
export function differencesOf(legacy: Json, modern: Json, path = ''): Difference[] {
  if (Object.is(legacy, modern)) return [];
  if (Array.isArray(legacy) && Array.isArray(modern) && isNamed(legacy) && isNamed(modern))
    return differencesOf(byName(legacy), byName(modern), path);
  if (!isObject(legacy) || !isObject(modern)) return [`${path}: unlike`];
  const keys = [...new Set([...Object.keys(legacy), ...Object.keys(modern)])];
  return keys.flatMap((key): Difference[] => {
    const inner = path === '' ? key : `${path} > ${key}`;
    if (!Object.hasOwn(modern, key)) return [`${inner}: legacy alone`];
    if (!Object.hasOwn(legacy, key)) return [`${inner}: modern alone`];
    return differencesOf(legacy[key], modern[key], inner);
  });
}

/** The items of a list in their order, by what names them. */
export function namesIn(items: readonly Json[]): string[] {
  return items.map((item) => nameOf(item) ?? '?');
}

function isObject(value: Json): value is Record<string, Json> {
  return typeof value === 'object' && value !== null;
}

function nameOf(item: Json): string | undefined {
  if (!isObject(item)) return undefined;
  const name = item['uri'] ?? item['uriTemplate'] ?? item['name'];
  return typeof name === 'string' ? name : undefined;
}

function isNamed(items: readonly Json[]): boolean {
  const names = items.map(nameOf);
  return !names.includes(undefined) && new Set(names).size === names.length;
}

function byName(items: readonly Json[]): Record<string, Json> {
  return Object.fromEntries(items.map((item) => [nameOf(item), item]));
}
