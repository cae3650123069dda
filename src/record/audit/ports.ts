import type { StoredKeyPair } from './keys.ts';

/** What a chain has come to, as far as it was noted outside the audit's folder. */
export interface Anchor {
  readonly chain: string;
  /** `lost`: its process ended without a word; `retired`: all its files were removed for their age or size. */
  readonly state: 'open' | 'ended' | 'lost' | 'retired';
  /** Undefined members: nothing of it was anchored. */
  readonly segment: number | undefined;
  readonly seq: number | undefined;
  readonly hash: string | undefined;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The signed line that says so. */
  readonly proof: string | undefined;
  /** The signed lines that say which segments were removed, oldest first. */
  readonly retirements: readonly string[];
}

/** Where anchors are kept: not where the audit is. All methods throw when that cannot be read or written. */
export interface Anchors {
  /** Adds a chain, and returns the one that was added before it. */
  begin(chain: string, at: number): Anchor | undefined;
  /** Notes how far a chain has come, never less far than before. */
  put(anchor: Omit<Anchor, 'retirements' | 'proof'> & { readonly proof: string }): void;
  retire(chain: string, proof: string, isWhole: boolean): void;
  find(chain: string): Anchor | undefined;
  all(): readonly Anchor[];
  close(): void;
}

/** Names that a process holds as long as it lives. */
export interface Lives {
  /** Undefined when another process holds the name. */
  hold(name: string): { release(): void } | undefined;
  isHeld(name: string): boolean;
}

/** What an audit needs of other layers. */
export interface AuditPorts {
  /** The keys to sign with, newest first; made when there are none. Throws when there cannot be any. */
  keys(): readonly StoredKeyPair[];
  /** Opens the anchors. Throws when they cannot be used. */
  openAnchors(): Anchors;
  readonly lives: Lives;
  /** 16 hexadecimal digits that no other chain has. */
  newChainId(): string;
}

/** The name that a process holds while it writes a chain. */
export function lifeOf(chain: string): string {
  return `audit-${chain}`;
}
