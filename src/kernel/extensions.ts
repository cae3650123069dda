import type { ExtensionsPlan } from './access.ts';

const known = new WeakMap<ExtensionsPlan, boolean>();

/** Whether a value of some custom tool refers to its caller, so that callers may see different tools. */
export function namesCaller(extensions: ExtensionsPlan): boolean {
  const present = known.get(extensions);
  if (present !== undefined) return present;
  const params = Object.values(extensions)
    .flatMap((tools) => Object.values(tools))
    .flatMap(({ children }) => children.flatMap((child) => Object.values(child.params)));
  const found = params.some(({ fixed }) => JSON.stringify(fixed ?? null).includes('${'));
  known.set(extensions, found);
  return found;
}
