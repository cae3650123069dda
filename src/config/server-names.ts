import type { ConfigFile } from './config-file.ts';
import type { Pair, Path } from './tree.ts';

/** Reports server names that could not be told apart in tool names (docs/rules.md R17). */
export function checkServerNames(file: ConfigFile, path: Path, pairs: readonly Pair[]): void {
  const seen = new Map<string, string>();
  for (const { key } of pairs) {
    const here = [...path, key];
    const publicName = key.replaceAll(/[^A-Za-z0-9_.-]/g, '_');
    const earlier = seen.get(publicName.toLowerCase());
    if (publicName === '') file.error(here, 'A server needs a name.', 'key');
    else if (publicName.includes('__')) file.error(here, doubled(key, publicName), 'key');
    // The same name twice is already reported as a repeated key.
    if (earlier !== undefined && earlier !== key) {
      const message = `"${key}" and "${earlier}" (line ${file.line([...path, earlier])}) are the same name to clients; rename one of them.`;
      file.error(here, message, 'key');
    }
    seen.set(publicName.toLowerCase(), earlier ?? key);
  }
}

function doubled(key: string, publicName: string): string {
  const origin = key === publicName ? '' : ` (clients see "${publicName}")`;
  return `"__" separates a server from its tools, so "${key}"${origin} cannot hold it; rename the server.`;
}
