import { DEBIAN_TOOLS, findDebianTool } from '../../scripts/lib/debian.mjs';

/** The path of a program that set-up installed from Debian, such as promtool or haproxy. */
export function debianTool(name: string): string {
  const path = findDebianTool(name);
  if (path !== undefined) return path;
  const from = DEBIAN_TOOLS[name];
  throw new Error(
    from === undefined
      ? `scripts/lib/debian.mjs does not list ${name}; add it to DEBIAN_TOOLS.`
      : `${name} is not installed; run: node scripts/setup.mjs --test`,
  );
}
