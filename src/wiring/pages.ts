import { AUDIT_PATH, auditBody } from '../admin/audit.ts';
import { CONTEXT_PATH, contextBody } from '../admin/context.ts';
import { LIMITS_PATH, limitsBody } from '../admin/limits.ts';
import type { Operator } from '../admin/ports.ts';
import { SERVERS_PATH, serversBody } from '../admin/servers.ts';
import { USAGE_PATH, usageBody } from '../admin/usage.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { supposed } from '../identity/supposed.ts';
import type { Plan } from '../kernel/plan.ts';
import { METRICS_PATH } from '../listen/metrics.ts';
import type { Page } from '../listen/page.ts';
import type { MetricsSink } from '../record/metrics/metrics-sink.ts';
import type { Access } from './access.ts';
import { clock } from './clock.ts';
import { costOfOffers } from './context-desk.ts';
import type { Records } from './records.ts';

/** What pages are made of. */
export interface PageTerms {
  readonly access: Access;
  readonly catalog: Catalog;
  readonly records: Records;
  operator(): Operator;
  plan(): Plan;
}

type Body = (query: URLSearchParams) => string | Promise<string>;

/** The pages of the main port, by path. */
export function pagesOf(terms: PageTerms): ReadonlyMap<string, Page> {
  const metrics = terms.plan().metrics.isOnMainPort ? terms.records.metrics : undefined;
  const bodies: readonly (readonly [path: string, body: Body])[] = [
    [SERVERS_PATH, () => serversBody(terms.operator())],
    [AUDIT_PATH, (query) => auditBody(terms.records.auditDesk, query)],
    [USAGE_PATH, (query) => usageBody(terms.records.usage, query, clock())],
    [LIMITS_PATH, (query) => limitsBody(terms.records, query)],
    [CONTEXT_PATH, (query) => contextBody({ viewCost: (wish) => viewCost(terms, wish) }, query)],
  ];
  return new Map([
    ...bodies.map(([path, body]) => [path, adminPage(terms.access, body)] as const),
    ...(metrics === undefined ? [] : [[METRICS_PATH, metricsPage({ ...terms, metrics })] as const]),
  ]);
}

function adminPage(access: Access, body: Body): Page {
  return {
    isPublic: () => false,
    admit: (principal) => access.admitAdmin(principal),
    make: async ({ query }) => ({ contentType: 'application/json', text: await body(query) }),
  };
}

type CostWish = Parameters<Parameters<typeof contextBody>[0]['viewCost']>[0];

function viewCost(terms: PageTerms, wish: CostWish): Promise<object> {
  const { catalog, records } = terms;
  const plan = terms.plan();
  const { offers } = catalog.view(supposed(wish, plan.auth), undefined);
  return costOfOffers(offers, wish, {
    plan,
    count: (texts, encoding) => records.countTokens(texts, encoding),
  });
}

/** The metrics name servers, tools and consumers: they are for those who may read the admin API, or for all if the plan says so. */
export function metricsPage(terms: MetricsTerms): Page {
  const { plan, metrics, access } = terms;
  return {
    isPublic: () => plan().auth.hasPublicMetrics,
    admit: (principal) => access.admitAdmin(principal),
    make: () => metrics.exposition(),
  };
}

interface MetricsTerms extends Pick<PageTerms, 'plan' | 'access'> {
  readonly metrics: MetricsSink;
}
