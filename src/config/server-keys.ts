import type { ConfigFile } from './config-file.ts';
import type { Path } from './tree.ts';

/** A mapping by server name with its keys in lower case; two that differ in case alone are reported. */
export function serverKeys<T>(
  file: ConfigFile,
  path: Path,
  record: Readonly<Record<string, T>>,
): Record<string, T> {
  const spelt = new Map<string, string>();
  for (const name of Object.keys(record)) {
    const earlier = spelt.get(name.toLowerCase());
    spelt.set(name.toLowerCase(), earlier ?? name);
    if (earlier === undefined) continue;
    const line = file.line([...path, earlier]);
    const message = `"${name}" and "${earlier}" (line ${line}) are the same server: case does not count. Put both under one name.`;
    file.error([...path, name], message, 'key');
  }
  return Object.fromEntries(
    Object.entries(record).map(([name, value]) => [name.toLowerCase(), value]),
  );
}
