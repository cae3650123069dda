import type { ServerPlan } from '../kernel/plan.ts';
import type { App } from './app-settings.ts';
import type { ConfigFile } from './config-file.ts';
import { didYouMean } from './nearest.ts';

/** Names of the servers app.yaml switches off, in lower case. */
export function inactiveServers({ targetServerAttributes = {} }: App): Set<string> {
  const off = Object.entries(targetServerAttributes).filter(
    ([, { inactive }]) => inactive === true,
  );
  return new Set(off.map(([name]) => name.toLowerCase()));
}

/** Warns of attributes for servers nobody configured. */
export function checkServerAttributes(
  file: ConfigFile,
  app: App,
  servers: readonly ServerPlan[],
): void {
  const names = servers.map(({ name }) => name);
  const known = new Set(names.map((name) => name.toLowerCase()));
  for (const name of Object.keys(app.targetServerAttributes ?? {})) {
    if (known.has(name.toLowerCase())) continue;
    file.warn(
      ['targetServerAttributes', name],
      `No server is named "${name}".${didYouMean(name, names)}`,
    );
  }
}
