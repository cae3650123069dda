// The yardstick: the least a pass-through can do between HTTP and one server, without a single check.
// To a stdio server: HTTP in, id rewritten, child's input. To an HTTP server: HTTP in, HTTP out, not a byte changed.
// Usage: node bench/floor.ts PORT URL, or: node bench/floor.ts PORT COMMAND [ARGS...]
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import process from 'node:process';
import { Pool } from 'undici';
import { LineReader } from './servers/line-reader.ts';

interface Message {
  jsonrpc: '2.0';
  id?: number | string;
  method?: string;
  params?: unknown;
}

interface Waiting {
  id: number | string;
  response: ServerResponse;
  isOpening: boolean;
}

type Pass = (request: IncomingMessage, body: Buffer, response: ServerResponse) => void;

/** To the input of a child, which all clients share: ids are made anew on the way there and put back on the way home. */
function toChild(command: string, args: readonly string[]): Pass {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  process.once('exit', () => child.kill());
  const waiting = new Map<number, Waiting>();
  const lines = new LineReader();
  let lastId = 0;
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    for (const line of lines.push(chunk)) answer(line);
  });

  function answer(line: string): void {
    const reply = JSON.parse(line) as { id: number | string };
    const call = waiting.get(Number(reply.id));
    if (!call) return;
    waiting.delete(Number(reply.id));
    reply.id = call.id;
    const body = JSON.stringify(reply);
    const length = Buffer.byteLength(body);
    call.response
      .writeHead(200, {
        'content-type': 'application/json',
        'content-length': length,
        ...(call.isOpening && { 'mcp-session-id': randomUUID() }),
      })
      .end(body);
  }

  return (_request, body, response) => {
    const message = JSON.parse(body.toString()) as Message;
    if (message.id === undefined) {
      response.writeHead(202).end();
      return;
    }
    lastId += 1;
    waiting.set(lastId, { id: message.id, response, isOpening: message.method === 'initialize' });
    message.id = lastId;
    child.stdin.write(`${JSON.stringify(message)}\n`);
  };
}

/** To a server over HTTP: each connection has ids of its own, so the bytes pass as they are. */
function toServer(url: URL): Pass {
  const pool = new Pool(url.origin, { connections: 64 });
  const passed = ['content-type', 'accept', 'mcp-session-id', 'mcp-protocol-version'];
  return (request, body, response) => {
    const headers: Record<string, string> = {};
    for (const name of [...passed, 'mcp-method', 'mcp-name']) {
      const value = request.headers[name];
      if (typeof value === 'string') headers[name] = value;
    }
    pool.dispatch(
      { path: url.pathname, method: 'POST', headers, body },
      {
        onRequestStart() {},
        onResponseStart(_controller, status, answered) {
          response.writeHead(status, {
            'content-type': String(answered['content-type'] ?? 'application/json'),
            ...(answered['content-length'] !== undefined && {
              'content-length': String(answered['content-length']),
            }),
          });
        },
        onResponseData: (_controller, chunk) => void response.write(chunk),
        onResponseEnd: () => void response.end(),
        onResponseError: () => void response.destroy(),
      },
    );
  };
}

const [port = '0', target = '', ...args] = process.argv.slice(2);
const pass = target.startsWith('http://') ? toServer(new URL(target)) : toChild(target, args);

createServer((request, response) => {
  if (request.method !== 'POST') {
    response.writeHead(200, { 'content-length': '0' }).end();
    return;
  }
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => pass(request, Buffer.concat(chunks), response));
}).listen(Number(port), '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));
