import { PASSIVE_CAPABILITIES } from '../kernel/capabilities.ts';
import { LATEST_LEGACY_VERSION } from '../kernel/era.ts';
import type { Owner } from '../kernel/exchange.ts';
import type { LinkTerms } from './ports.ts';

/** What a link for one client declares, or, with no owner, one for all clients that cannot be asked anything. */
export function ownTerms(owner: Owner | undefined): LinkTerms {
  return {
    capabilities: owner?.capabilities ?? PASSIVE_CAPABILITIES,
    version: owner?.version ?? LATEST_LEGACY_VERSION,
    owner,
  };
}
