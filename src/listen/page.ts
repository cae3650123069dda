/** A page that is not MCP's: what operators and scrapers read. */
export interface Page {
  readonly contentType: string;
  readonly text: string;
}

/** Makes a page at the moment it is asked for. */
export type MakePage = () => Promise<Page>;
