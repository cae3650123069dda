import type { EndedSession } from '../kernel/ended-session.ts';
import type { Owner } from '../kernel/exchange.ts';
import type { Principal } from '../kernel/principal.ts';
import { newId, type Seal } from '../seal/seal.ts';
import type { SessionPorts } from '../session/ports.ts';
import type { SqliteStore } from '../store/sqlite-store.ts';
import { parseRecord } from './sealed.ts';

/** What sessions are given besides the seal and the store. */
export interface SessionWiring {
  readonly seal: Seal;
  readonly store: SqliteStore;
  now(): number;
  onRestored(
    session: Owner & { readonly principal: Principal; readonly subscriptions: ReadonlySet<string> },
  ): void;
  onDetached(key: string): void;
  onGone(session: EndedSession): void;
}

/** Sessions on the seal and the store. */
export function sessionPorts(wiring: SessionWiring): SessionPorts {
  const { seal, store } = wiring;
  return {
    now: () => wiring.now(),
    newId,
    seal: (text) => seal.seal('session', text),
    open: (sealed) => seal.open('session', sealed),
    bury: (key, expiresAt) => store.put('tombstone', key, '', expiresAt),
    // Where it cannot be told, the client begins a new one: none that was ended may be resumed.
    isBuried: (key) => store.mayHave('tombstone', key),
    saveNotes: (key, notes, expiresAt) =>
      store.put('session', key, JSON.stringify(notes), expiresAt),
    loadNotes: (key) => {
      const record = parseRecord(store.get('session', key));
      if (record === undefined) return undefined;
      const { logLevel, subscriptions } = record;
      return {
        logLevel: typeof logLevel === 'string' ? logLevel : undefined,
        subscriptions: Array.isArray(subscriptions) ? subscriptions.map(String) : [],
      };
    },
    onRestored: (session) => wiring.onRestored(session),
    onDetached: (key) => wiring.onDetached(key),
    onGone: (session) => wiring.onGone(session),
  };
}
