/** How the clients of a load speak: streamable HTTP of either era, HTTP+SSE as one of the peers has it, or a pipe to the server itself. */
export type Client = 'legacy' | 'modern' | 'sse' | 'pipe';

/** What every client of a load does again and again. */
export type Operation = 'echo' | 'list' | 'steps' | 'storm';

/** All that the load process is told, on its command line as JSON. */
export interface Order {
  readonly port: number;
  /** Where the MCP endpoint is. */
  readonly path: string;
  /** Its CPU time and memory are measured. */
  readonly pid: number;
  /** Sent as the API key; none when empty. */
  readonly key: string;
  readonly tool: string;
  /** Where there are any, sessions call these in turn, each its own, in place of `tool`. */
  readonly targets: readonly string[];
  /** For the client "pipe": the server to start. */
  readonly command: readonly string[];
  readonly client: Client;
  readonly operation: Operation;
  readonly sessions: number;
  readonly seconds: number;
  /** Load before the window opens. */
  readonly settle: number;
  /** The window ends early when so many calls are made; 0: it does not. */
  readonly calls: number;
  /** Characters of each result. */
  readonly bytes: number;
  /** Reports of progress of each call. */
  readonly steps: number;
  /** Tools each list must have at least. */
  readonly tools: number;
  /** Value of Accept-Encoding; none when empty. */
  readonly encoding: string;
  /** Pause of a session between an answer and its next call. */
  readonly pauseMs: number;
  /** Whether calls may fail, or have no answer in the end: for servers that are bad on purpose. */
  readonly isTolerant: boolean;
}

/** What a load is when nothing is said. */
export const ORDER: Order = {
  port: 0,
  path: '/mcp',
  pid: 0,
  key: '',
  tool: 'echo',
  command: [],
  client: 'legacy',
  operation: 'echo',
  sessions: 64,
  seconds: 3,
  settle: 0.4,
  calls: 0,
  bytes: 256,
  steps: 10,
  tools: 1,
  encoding: '',
  targets: [],
  pauseMs: 0,
  isTolerant: false,
};
