import { dots } from './echo-text.ts';

/** A request as the servers of the bench read it. */
export interface Request {
  id?: number | string;
  method?: string;
  params?: Params;
}

export interface Params {
  name?: string;
  arguments?: { text?: string; bytes?: number; steps?: number; ms?: number };
  protocolVersion?: string;
  _meta?: { progressToken?: string | number };
}

export type Era = 'legacy' | 'modern';

/** What a modern result has besides; serverInfo is left to discover. */
const COMPLETE = '"resultType":"complete",';
const LISTED = `${COMPLETE}"ttlMs":60000,"cacheScope":"public",`;

/** The results of the bench's servers as JSON text: hand-written, so that the figures show what stands before them. */
export class EchoMethods {
  readonly era: Era;
  readonly #list: string;

  /** `tools` in all, the first of which are those that do something. */
  constructor(era: Era, tools: number) {
    this.era = era;
    this.#list = `{${era === 'modern' ? LISTED : ''}"tools":${JSON.stringify(toolList(tools))}}`;
  }

  /** The result of a request, or nothing for a method it does not have. */
  resultOf({ method, params }: Request): string | undefined {
    switch (method) {
      case 'tools/call':
        return this.called(params ?? {});
      case 'tools/list':
        return this.#list;
      case 'ping':
        return '{}';
      case 'initialize':
        return this.era === 'legacy' ? initialized(params?.protocolVersion) : undefined;
      case 'server/discover':
        return this.era === 'modern' ? DISCOVERED : undefined;
      default:
        return undefined;
    }
  }

  called({ arguments: given = {} }: Params): string {
    const text = given.text ?? '';
    const more = (given.bytes ?? 0) - text.length;
    const quoted = JSON.stringify(text);
    const content = `"content":[{"type":"text","text":${more <= 0 ? quoted : `${quoted.slice(0, -1)}${dots(more)}"`}}]`;
    return this.era === 'modern' ? `{${COMPLETE}${content}}` : `{${content}}`;
  }
}

function initialized(version = '2025-11-25'): string {
  return JSON.stringify({
    protocolVersion: version,
    capabilities: { tools: {} },
    serverInfo: { name: 'bench-echo', version: '1.0.0' },
  });
}

const DISCOVERED = JSON.stringify({
  resultType: 'complete',
  ttlMs: 60_000,
  cacheScope: 'public',
  supportedVersions: ['2026-07-28'],
  capabilities: { tools: {} },
  serverInfo: { name: 'bench-echo', version: '1.0.0' },
  _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'bench-echo', version: '1.0.0' } },
});

/** The response to a request, one line of JSON without its end. */
export function responseTo(methods: EchoMethods, request: Request): string {
  const result = methods.resultOf(request);
  const id = JSON.stringify(request.id);
  if (result !== undefined) return `{"jsonrpc":"2.0","id":${id},"result":${result}}`;
  const error = { code: -32601, message: `Method not found: ${request.method}` };
  return `{"jsonrpc":"2.0","id":${id},"error":${JSON.stringify(error)}}`;
}

/** The reports of progress that come before the answer to a request, each as JSON. */
export function progressFor({ params = {} }: Request): string[] {
  const token = params._meta?.progressToken;
  if (params.name !== 'steps' || token === undefined) return [];
  return Array.from({ length: params.arguments?.steps ?? 0 }, (_, index) => {
    const progress = { progressToken: token, progress: index + 1, message: 'one step further' };
    return JSON.stringify({ jsonrpc: '2.0', method: 'notifications/progress', params: progress });
  });
}

function toolList(count: number): object[] {
  const text = { type: 'string', description: 'What is said.' };
  const own = [
    ['echo', 'Answers with the text it was given, padded to a size.', 'bytes'],
    ['steps', 'Reports progress so many times, then answers.', 'steps'],
    ['wait', 'Answers after so many milliseconds.', 'ms'],
  ].map(([name, description, more = '']) => ({
    name,
    description,
    inputSchema: {
      type: 'object',
      properties: { text, [more]: { type: 'integer' } },
      required: ['text'],
    },
    annotations: { readOnlyHint: true },
  }));
  const others = Array.from({ length: Math.max(0, count - own.length) }, (_, index) =>
    filler(index),
  );
  return [...own, ...others].slice(0, Math.max(1, count));
}

/** A tool as long as those of real servers are: some 600 characters. */
function filler(index: number): object {
  return {
    name: `search_records_${index}`,
    title: `Search records of kind ${index}`,
    description: `Searches the records of kind ${index} by text and date and returns those found, newest first. Use it before asking a person; narrow the dates when too much is found.`,
    inputSchema: {
      type: 'object',
      properties: {
        query: { type: 'string', description: 'Words to look for.', minLength: 1 },
        since: { type: 'string', format: 'date', description: 'Earliest day.' },
        limit: { type: 'integer', minimum: 1, maximum: 100, default: 20 },
        kinds: { type: 'array', items: { type: 'string', enum: ['note', 'task', 'mail'] } },
      },
      required: ['query'],
    },
    annotations: { readOnlyHint: true, openWorldHint: false },
  };
}
