import type { Principal } from '../kernel/principal.ts';
import type { Target } from '../kernel/target.ts';

/** What the catalog needs from the rest of the gateway. */
export interface CatalogPorts {
  readonly serverInfo: Readonly<Record<string, string>>;
  /** Whether a principal may see a target; the same decision that guards a call to it. */
  sees(principal: Principal, target: Target): boolean;
  /** Principals with the same key see the same; views are kept per key. */
  viewKey(principal: Principal): string;
  sealCursor(text: string): string;
  openCursor(sealed: string): string | undefined;
  /** What a server offers cannot be offered under its name; empty when all is well again. */
  onCollisions(upstream: string, messages: readonly string[]): void;
  /** What clients see has changed. */
  onChanged(kinds: ReadonlySet<'tools' | 'prompts' | 'resources'>): void;
}
