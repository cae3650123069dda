import type { ListKind } from '../kernel/methods.ts';
import type { ChangeKind } from './ports.ts';
import type { Offer } from './snapshot.ts';

const TOLD_AS: Readonly<Record<ListKind, ChangeKind>> = {
  tools: 'tools',
  prompts: 'prompts',
  resources: 'resources',
  resourceTemplates: 'resources',
};

/** Anything that shows lists. */
export interface Shows {
  readonly offers: Readonly<Record<ListKind, readonly Offer[]>>;
}

/** Which lists differ between two sights of the catalog, by the names under which changes are told. */
export function changedKinds(before: Shows, after: Shows): Set<ChangeKind> {
  const changed = new Set<ChangeKind>();
  if (before === after) return changed;
  for (const kind of Object.keys(TOLD_AS) as ListKind[]) {
    const old = before.offers[kind];
    const now = after.offers[kind];
    // Lists of an upstream that was not read again hold the very same objects.
    const isSame =
      old.length === now.length &&
      old.every((offer, index) => isSameItem(offer.item, now[index]?.item));
    if (!isSame) changed.add(TOLD_AS[kind]);
  }
  return changed;
}

function isSameItem(old: unknown, now: unknown): boolean {
  return old === now || JSON.stringify(old) === JSON.stringify(now);
}
