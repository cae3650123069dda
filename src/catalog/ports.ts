import type { Sight } from '../kernel/permit.ts';
import type { Principal } from '../kernel/principal.ts';
import type { Target } from '../kernel/target.ts';

/** The names under which list changes are told. */
export type ChangeKind = 'tools' | 'prompts' | 'resources';

/** Tells which lists differ for a caller from those it was last shown. */
export type ChangesFor = (principal: Principal, ownerKey?: string) => ReadonlySet<ChangeKind>;

/** What the catalog needs from the rest of the gateway. */
export interface CatalogPorts {
  readonly serverInfo: Readonly<Record<string, string>>;
  /** Milliseconds since the epoch. */
  now(): number;
  /** Whether a principal may see a target; the same decision that guards a call to it. */
  sight(principal: Principal, target: Target): Sight;
  /** Whether a principal could reach anything of a server. */
  reaches(principal: Principal, upstream: string): boolean;
  /** Principals with the same key see the same; views are kept per key. */
  viewKey(principal: Principal): string;
  /** Until when the clock alone changes nothing of what a principal sees; undefined: for ever. */
  viewUntil(principal: Principal): number | undefined;
  sealCursor(text: string): string;
  openCursor(sealed: string): string | undefined;
  /** What a server offers cannot be offered under its name; empty when all is well again. */
  onCollisions(upstream: string, messages: readonly string[]): void;
  /** What some clients see may have changed. */
  onChanged(changesFor: ChangesFor): void;
}
