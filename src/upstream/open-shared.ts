import { FULL_CAPABILITIES } from '../kernel/capabilities.ts';
import { LATEST_LEGACY_VERSION } from '../kernel/era.ts';
import type { Link } from './link.ts';
import type { Nature } from './nature.ts';
import { openLink, probeLink, type LinkFactory } from './open-link.ts';
import type { LinkEvents, LinkTerms } from './ports.ts';

/** Roots of several clients have no changes that could be told over one link. */
const TERMS: LinkTerms = {
  capabilities: { ...FULL_CAPABILITIES, roots: {} },
  version: LATEST_LEGACY_VERSION,
  owner: undefined,
};

/**
 * Opens the link that clients share. The era is looked for anew where what is known of it is old, or in doubt because it did
 * not lead to a link.
 */
export async function openShared(
  factory: LinkFactory,
  nature: Nature,
  isInDoubt: boolean,
  events: LinkEvents,
): Promise<Link> {
  if (!isInDoubt && !nature.isToBeProbed) return openLink(factory, 'legacy', TERMS, events);
  const { link, isCostly } = await probeLink(factory, TERMS, events);
  nature.found(link.facts.era, isCostly);
  return link;
}
