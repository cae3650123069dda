import type { Surroundings } from '../kernel/plan.ts';
import { isLoopback } from './loopback.ts';
import type { Variables } from './variables.ts';

/** Refuses an address open to other machines while callers need not prove themselves. */
export function refuseExposure({ host, appPath }: Surroundings, variables: Variables): void {
  if (isLoopback(host)) return;
  const message = `"${host}" is open to other machines, and callers need not prove themselves. Listen on 127.0.0.1, or add these two lines, the first to ${appPath}, the second to the environment:
  auth: { enabled: true }
  API_KEY=<a random text of at least 16 characters>`;
  variables.error('MCPX_HOST', message);
}
