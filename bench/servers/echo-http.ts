// The HTTP server behind the sides of the bench that speak HTTP to their server: hand-written, of one era, without sessions.
// Usage: node bench/servers/echo-http.ts --port P [--era legacy|modern] [--shape json|sse] [--tools N]
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { EchoMethods, progressFor, responseTo, type Request } from './echo-methods.ts';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    era: { type: 'string', default: 'legacy' },
    shape: { type: 'string', default: 'json' },
    tools: { type: 'string', default: '1' },
  },
});
const methods = new EchoMethods(
  values.era === 'modern' ? 'modern' : 'legacy',
  Number(values.tools),
);

function answer(request: Request, response: ServerResponse): void {
  if (request.id === undefined) {
    response.writeHead(202).end();
    return;
  }
  const body = responseTo(methods, request);
  const steps = request.params?.name === 'steps' ? progressFor(request) : [];
  if (values.shape === 'json' && steps.length === 0) sendJson(request, response, body);
  else {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const step of steps) response.write(`event: message\ndata: ${step}\n\n`);
    response.end(`event: message\ndata: ${body}\n\n`);
  }
}

function sendJson({ method }: Request, response: ServerResponse, body: string): void {
  const status = method === 'initialize' && methods.era === 'modern' ? 400 : 200;
  const length = Buffer.byteLength(body);
  response
    .writeHead(status, { 'content-type': 'application/json', 'content-length': length })
    .end(body);
}

function serve(request: IncomingMessage, response: ServerResponse): void {
  if (request.method !== 'POST') {
    response.writeHead(request.method === 'DELETE' ? 200 : 405, { 'content-length': 0 }).end();
    return;
  }
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () =>
    answer(JSON.parse(Buffer.concat(chunks).toString()) as Request, response),
  );
}

const server = createServer(serve);
server.keepAliveTimeout = 60_000;
server.listen(Number(values.port), '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));
