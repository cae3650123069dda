import type { Operator } from './ports.ts';

/** The path of the server states. */
export const SERVERS_PATH = '/admin/servers';

/** The body of `GET /admin/servers`: states and counts, no configuration values. */
export function serversBody(operator: Operator): string {
  return JSON.stringify({ servers: operator.servers(), offered: operator.counts() });
}
