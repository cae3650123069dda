import type { UpstreamState } from '../kernel/inventory.ts';
import type { ServerPlan } from '../kernel/plan.ts';
import type { Carriage } from './carriage.ts';
import type { Instances } from './instances.ts';
import type { Link } from './link.ts';
import type { Nature } from './nature.ts';
import type { Shelf } from './shelf.ts';
import type { Standing } from './standing.ts';

/** What one upstream consists of, as far as its state tells of it. */
export interface StateParts {
  readonly plan: ServerPlan;
  readonly standing: Standing;
  readonly nature: Nature;
  /** What its messages travel over, once that is known. */
  readonly carrier: string | undefined;
  /** The link that clients share. */
  readonly link: Link | undefined;
  readonly instances: Instances;
  readonly shelf: Shelf;
  readonly carriage: Carriage;
}

/** The state of an upstream, as an operator sees it. */
export function stateOf(parts: StateParts): UpstreamState {
  const { plan, standing, nature, carrier, link, instances, shelf } = parts;
  const { report } = parts.carriage;
  const { endpoint } = plan;
  return {
    name: plan.name,
    phase: standing.phase,
    reason: standing.reason,
    since: new Date(standing.since).toISOString(),
    era: nature.era,
    eraSince: nature.since === undefined ? undefined : new Date(nature.since).toISOString(),
    version: link?.facts.version,
    transport: carrier ?? (endpoint.kind === 'stdio' ? 'stdio' : endpoint.transport),
    isInteractive: nature.isInteractive,
    instances: (link === undefined ? 0 : 1) + instances.size,
    restarts: standing.restarts,
    inFlight: (link?.inFlight ?? 0) + instances.inFlight,
    ...report,
    queued: instances.queued + report.queued,
    counts: shelf.counts,
  };
}
