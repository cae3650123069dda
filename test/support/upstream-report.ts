import type { ServerState, TestGateway } from './gateway.ts';

/** What `GET /admin/servers` tells of the calls of one server. */
export interface Report extends ServerState {
  readonly inFlight: number;
  readonly queued: number;
  readonly breaker: 'closed' | 'open' | 'half-open';
  readonly retries: number;
  readonly refused: { readonly full: number; readonly late: number; readonly open: number };
}

export async function reportOf(gateway: TestGateway, name: string): Promise<Report> {
  return (await gateway.server(name)) as Report;
}

/** The text a scraper gets. */
export async function metricsOf(gateway: TestGateway): Promise<string> {
  return (await fetch(`${gateway.base}/metrics`)).text();
}
