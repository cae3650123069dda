import { isObject } from '../kernel/json.ts';
import type { ConfigFile } from './config-file.ts';
import type { Path } from './tree.ts';

const PLACEHOLDER = /\$\{([^}]*)\}/g;
// Names of claims may be URLs.
const KNOWN = /^(?:principal\.(?:name|consumer)|claims\.[^\s{}.](?:[^\s{}]*[^\s{}.])?)$/;

/** Reports every `${...}` in the texts of a value that stands for nothing. */
export function checkPlaceholders(
  value: unknown,
  { file, path }: { readonly file: ConfigFile; readonly path: Path },
): void {
  if (typeof value === 'string') {
    for (const [text, inside = ''] of value.matchAll(PLACEHOLDER)) {
      if (KNOWN.test(inside)) continue;
      const message = `"${text}" stands for nothing; use \${principal.name}, \${principal.consumer} or \${claims.<name>}.`;
      file.error(path, message);
    }
  } else if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      checkPlaceholders(item, { file, path: [...path, index] });
    }
  } else if (isObject(value)) {
    for (const [key, inner] of Object.entries(value)) {
      checkPlaceholders(inner, { file, path: [...path, key] });
    }
  }
}
