import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { after } from 'node:test';

/** One request as a fake server got it. */
export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** A scripted server for what no real one does; it remembers every request. */
export interface FakeServer {
  readonly origin: string;
  readonly seen: readonly Seen[];
}

/** Listens on a free port until the test, or the file, is over. */
export async function fakeServer(
  t: { readonly after: typeof after },
  answer: (seen: Seen, response: ServerResponse) => void,
): Promise<FakeServer> {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      const got = { method, url, headers, body: Buffer.concat(chunks).toString() };
      seen.push(got);
      answer(got, response);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  return { origin: `http://127.0.0.1:${port}`, seen };
}

/** Answers a JSON-RPC request with a result. */
export function answerJson(
  response: ServerResponse,
  { body }: Seen,
  result: object,
  headers: Record<string, string> = {},
): void {
  const { id } = JSON.parse(body) as { id?: unknown };
  if (id === undefined) {
    response.writeHead(202).end();
    return;
  }
  response.writeHead(200, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify({ jsonrpc: '2.0', id, result }));
}

/** What a minimal legacy server answers; undefined for methods it does not have. */
export function legacyResult(seen: Seen): object | undefined {
  if (seen.body === '') return undefined;
  const { method } = JSON.parse(seen.body) as { method?: string };
  if (method === 'initialize') {
    const serverInfo = { name: 'fake', version: '1' };
    return { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo };
  }
  if (method === 'tools/list') {
    return { tools: [{ name: 'fake_tool', inputSchema: { type: 'object' } }] };
  }
  return method === undefined || method.startsWith('notifications/') ? {} : undefined;
}
