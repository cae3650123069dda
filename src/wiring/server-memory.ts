import type { Inventory } from '../kernel/inventory.ts';
import type { SqliteStore } from '../store/sqlite-store.ts';
import type { UpstreamPorts, Verdict } from '../upstream/ports.ts';
import { parseRecord } from './sealed.ts';

const REMEMBERED_MS = 90 * 24 * 60 * 60 * 1000;

type Memory = Pick<
  UpstreamPorts,
  'recallVerdict' | 'rememberVerdict' | 'recallInventory' | 'rememberInventory'
>;

/** What is known of servers from before, by the fingerprint of their entries; forgotten when an entry is gone for long. */
export function serverMemory(store: SqliteStore, now: () => number): Memory {
  const remember = (space: 'verdict' | 'inventory', fingerprint: string, text: string): void =>
    store.put(space, fingerprint, text, now() + REMEMBERED_MS);
  return {
    recallVerdict: (fingerprint) =>
      parseRecord(store.get('verdict', fingerprint)) as Verdict | undefined,
    rememberVerdict: (fingerprint, verdict) =>
      remember('verdict', fingerprint, JSON.stringify(verdict)),
    recallInventory: (fingerprint) =>
      parseRecord(store.get('inventory', fingerprint)) as Inventory | undefined,
    rememberInventory: (fingerprint, text) => remember('inventory', fingerprint, text),
  };
}
