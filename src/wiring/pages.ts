import type { Operator } from '../admin/ports.ts';
import { SERVERS_PATH, serversBody } from '../admin/servers.ts';
import type { Plan } from '../kernel/plan.ts';
import { METRICS_PATH } from '../listen/metrics.ts';
import type { Page } from '../listen/page.ts';
import type { Access } from './access.ts';
import type { Records } from './records.ts';

/** What pages are made of. */
export interface PageTerms {
  readonly access: Access;
  readonly records: Records;
  operator(): Operator;
  plan(): Plan;
}

/** The pages of the main port, by path. */
export function pagesOf(terms: PageTerms, hasMetrics: boolean): ReadonlyMap<string, Page> {
  const servers: Page = {
    isPublic: () => false,
    admit: (principal) => terms.access.admitAdmin(principal),
    make: async () => ({ contentType: 'application/json', text: serversBody(terms.operator()) }),
  };
  return new Map([
    [SERVERS_PATH, servers],
    ...(hasMetrics ? [[METRICS_PATH, metricsPage(terms)] as const] : []),
  ]);
}

/** The metrics name servers, tools and consumers: they are for those who may read the admin API, or for all if the plan says so. */
export function metricsPage(terms: Pick<PageTerms, 'plan' | 'records' | 'access'>): Page {
  const { plan, records, access } = terms;
  return {
    isPublic: () => plan().auth.hasPublicMetrics,
    admit: (principal) => access.admitAdmin(principal),
    make: async () => (await records.metrics()).exposition(),
  };
}
