import { z } from 'zod';
import type { App } from './app-settings.ts';

/** Switches by server. */
export const SERVER_ATTRIBUTES = z.record(
  z.string().min(1).meta({ title: 'server' }),
  z.strictObject({
    inactive: z.boolean().describe('Whether the server is switched off.').optional(),
  }),
);

/** Names of the servers app.yaml switches off, in lower case. */
export function inactiveServers({ targetServerAttributes = {} }: App): Set<string> {
  const off = Object.entries(targetServerAttributes).filter(
    ([, { inactive }]) => inactive === true,
  );
  return new Set(off.map(([name]) => name.toLowerCase()));
}
