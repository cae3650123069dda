import type { Principal } from '../kernel/principal.ts';

/** What a page says at the moment it is asked for. */
export interface PageBody {
  readonly contentType: string;
  readonly text: string;
}

/** A page that is not MCP's: what operators and scrapers read. */
export interface Page {
  /** Whether it is shown to callers nobody knows. */
  isPublic(): boolean;
  /** Throws Refusal when a caller may not read it. */
  admit(principal: Principal): void;
  make(): Promise<PageBody>;
}
