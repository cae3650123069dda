import type { Principal } from '../kernel/principal.ts';

/** What a page says at the moment it is asked for. */
export interface PageBody {
  readonly contentType: string;
  readonly text: string;
}

/** What a page is asked for with. */
export interface PageRequest {
  readonly query: URLSearchParams;
  /** Undefined where the page is public and nobody knows who asks. */
  readonly caller: Principal | undefined;
}

/** A page that is not MCP's: what operators and scrapers read. */
export interface Page {
  /** Whether it is shown to callers nobody knows. */
  isPublic(): boolean;
  /** Throws Refusal when a caller may not read it. */
  admit(principal: Principal): void;
  /** Throws Refusal when the query cannot be answered. */
  make(request: PageRequest): Promise<PageBody>;
}
