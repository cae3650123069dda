/** A mapping with the same keys, each value replaced. */
export function mapValues<A, B>(
  record: Readonly<Record<string, A>>,
  replace: (value: A, key: string) => B,
): Record<string, B> {
  return Object.fromEntries(
    Object.entries(record).map(([key, value]) => [key, replace(value, key)]),
  );
}
