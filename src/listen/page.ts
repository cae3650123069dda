import type { ServerResponse } from 'node:http';

import type { Credentials } from '../kernel/arrival.ts';
import type { Principal } from '../kernel/principal.ts';
import type { Gate } from '../spine/ports.ts';
import { identified } from './identified.ts';

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

/** A request for a page. */
export interface PageVisit {
  readonly gate: Gate;
  readonly response: ServerResponse;
  /** Headers that go with every answer. */
  readonly headers: Readonly<Record<string, string>>;
  readonly credentials: Credentials;
  readonly query: string;
  /** Answers with what went wrong. */
  refuse(error: unknown): void;
}

/** Writes a page, for whoever may read it. */
export function servePage(page: Page, visit: PageVisit): void {
  const { gate, credentials, response, headers } = visit;
  const write = async (caller?: Principal): Promise<void> => {
    const query = new URLSearchParams(visit.query);
    const { contentType, text } = await page.make({ query, caller });
    response.writeHead(200, { ...headers, 'content-type': contentType }).end(text);
  };
  const refuse = (error: unknown): void => visit.refuse(error);
  if (page.isPublic()) {
    write().catch(refuse);
    return;
  }
  const admitted = (caller: Principal): Promise<void> => {
    page.admit(caller);
    return write(caller);
  };
  identified(gate, credentials, admitted, refuse);
}
