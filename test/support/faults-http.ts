import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

/** An HTTP server that does what no MCP server should. */
export interface HttpFault {
  readonly url: string;
  /** The method and path of every request so far. */
  readonly requests: readonly string[];
  /** The header lines of every request so far. */
  readonly headers: readonly IncomingMessage['headers'][];
  /** Does something else from now on. */
  become(answer: HttpAnswer): void;
}

/** How a request is answered; the body has been read. */
export type HttpAnswer = (
  response: ServerResponse,
  request: IncomingMessage,
  body: string,
) => unknown;

/** Listens on the loopback address until the test ends. */
export async function listenFault(t: TestContext, answer: HttpAnswer): Promise<HttpFault> {
  let current = answer;
  const requests: string[] = [];
  const headers: IncomingMessage['headers'][] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    headers.push(request.headers);
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => {
      body += chunk;
    });
    request.on('end', () => void current(response, request, body));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    requests,
    headers,
    become: (next) => {
      current = next;
    },
  };
}

/** Answers everything with one status and text. */
export function always(status: number, text: string, type = 'text/plain'): HttpAnswer {
  return (response) => response.writeHead(status, { 'content-type': type }).end(text);
}

/** Answers as a legacy server with the tools `fine` and whatever `call` makes of a call of one. */
export function legacyServer(call: (response: ServerResponse, id: unknown) => unknown): HttpAnswer {
  return (response, request, body) => {
    if (request.method !== 'POST') return response.writeHead(405).end();
    const { id, method } = JSON.parse(body) as { id?: unknown; method: string };
    if (id === undefined) return response.writeHead(202).end();
    if (method === 'tools/call') return call(response, id);
    return sendResult(response, id, RESULTS[method]);
  };
}

/** One JSON-RPC response; an unknown method's error when there is no result. */
export function sendResult(response: ServerResponse, id: unknown, result: unknown): void {
  const outcome =
    result === undefined ? { error: { code: -32601, message: 'Method not found' } } : { result };
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ jsonrpc: '2.0', id, ...outcome }));
}

const RESULTS: Record<string, unknown> = {
  initialize: {
    protocolVersion: '2025-11-25',
    capabilities: { tools: {} },
    serverInfo: { name: 'http-fault', version: '1.0.0' },
  },
  ping: {},
  'tools/list': { tools: [{ name: 'fine', inputSchema: { type: 'object' } }] },
};
