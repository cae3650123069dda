import type { EndedSession } from '../kernel/ended-session.ts';
import type { Owner } from '../kernel/exchange.ts';
import type { Principal } from '../kernel/principal.ts';

/** What of a session outlives the process, besides its id. */
export interface SessionNotes {
  readonly logLevel: string | undefined;
  readonly subscriptions: readonly string[];
}

/** What sessions need from the rest of the gateway. */
export interface SessionPorts {
  now(): number;
  newId(): string;
  seal(text: string): string;
  open(sealed: string): string | undefined;
  /** Remembers that a session ended, until its id expires anyway. */
  bury(key: string, expiresAt: number): void;
  isBuried(key: string): boolean;
  saveNotes(key: string, notes: SessionNotes, expiresAt: number): void;
  loadNotes(key: string): SessionNotes | undefined;
  /** A session was made anew from its id: what its notes say is to be done again. */
  onRestored(
    session: Owner & { readonly principal: Principal; readonly subscriptions: ReadonlySet<string> },
  ): void;
  /** The client seems to be gone: instances kept for it alone can go. */
  onDetached(key: string): void;
  /** The session ended: all that was kept for it can go. */
  onGone(session: EndedSession): void;
}
