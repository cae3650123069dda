import type { Catalog } from '../catalog/catalog.ts';
import { Denial } from '../kernel/permit.ts';
import type { SessionWiring } from './session-ports.ts';
import type { Access } from './access.ts';
import type { News } from './news.ts';

type Restored = Parameters<SessionWiring['onRestored']>[0];

/** A session that was restored by its id is subscribed again to what its notes name and it may still read. */
export function resubscribe(
  session: Restored,
  { catalog, access, news }: { catalog: Catalog; access: Access; news: News },
): void {
  const { principal } = session;
  for (const uri of session.subscriptions) {
    const target = catalog.view(principal).resource(uri);
    if (target === undefined) continue;
    const decision = access.decide(principal, target, { uri: target.name });
    if (decision instanceof Denial) continue;
    void news.subscribe(decision, session, true).catch(() => undefined);
  }
}
