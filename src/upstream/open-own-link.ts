import { Cancelled } from '../kernel/answer.ts';
import { Refusal } from '../kernel/refusals.ts';
import type { Link } from './link.ts';
import { openLink, type LinkFactory } from './open-link.ts';
import type { LinkEvents, LinkTerms } from './ports.ts';
import { OpenFailure } from './wire.ts';

/**
 * Opens a link for one client alone. Rejects with UPSTREAM_UNAVAILABLE where the server does not come up for it: nothing of
 * a call has been sent then.
 */
export async function openOwnLink(
  factory: LinkFactory,
  terms: LinkTerms,
  events: LinkEvents,
): Promise<Link> {
  try {
    return await openLink(factory, 'legacy', terms, events);
  } catch (error) {
    if (error instanceof Refusal || error instanceof Cancelled) throw error;
    const { message } = OpenFailure.of(error).failure;
    throw new Refusal(
      'UPSTREAM_UNAVAILABLE',
      `Server "${factory.plan.name}" did not come up for this client alone: ${message}.`,
    );
  }
}
